/*
 * etag.c - tags by XXH3.
 */
#include "etag.h"

#include <string.h>

#include "hash.h"

void
etag_make(char etag[ETAG_SIZE], const char *body, size_t length)
{
	uint64_t	hash = hash_64(body, length);

	memcpy(etag, "W/\"0123456789abcdef\"", ETAG_SIZE);
	for (int digit = 15; digit >= 0; digit--, hash >>= 4)
		etag[3 + digit] = "0123456789abcdef"[hash & 15];
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
