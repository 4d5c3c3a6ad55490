/*
 * etag.c - tags by XXH3.
 */
#include "etag.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "hash.h"

void
etag_make(char etag[ETAG_SIZE], const char *body, size_t length)
{
	snprintf(etag, ETAG_SIZE, "W/\"%016" PRIx64 "\"", hash_64(body, length));
}

/* The end of the opaque tag at `at`, behind its closing quote; NULL: there is none. */
static const char *
tag_end(const char *at)
{
	if (*at != '"')
		return NULL;
	at = strchr(at + 1, '"');
	return at != NULL ? at + 1 : NULL;
}

bool
etag_is_named(const char *if_none_match, const char *etag)
{
	const char *at = if_none_match + strspn(if_none_match, ", \t");
	const char *own = etag + 2;
	size_t		length = strlen(own);

	if (*at == '*')
		return at[1 + strspn(at + 1, " \t")] == '\0';
	while (*at != '\0')
	{
		const char *tag = strncmp(at, "W/", 2) == 0 ? at + 2 : at;
		const char *end = tag_end(tag);

		if (end == NULL || strchr(", \t", *end) == NULL)
			return false;
		if ((size_t) (end - tag) == length && memcmp(tag, own, length) == 0)
			return true;
		end += strspn(end, " \t");
		if (*end != ',' && *end != '\0')
			return false;
		at = end + strspn(end, ", \t");
	}
	return false;
}
