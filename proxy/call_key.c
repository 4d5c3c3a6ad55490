/*
 * call_key.c - a call as bytes.
 */
#include "call_key.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A call's key begins with its route's number, which has its low byte first, so with less than this. */
#define VIEWER_MARK "\xff\xff"

bool
call_key_of(struct call_key *key, const struct catalog *catalog,
			const struct catalog_route *route, const struct param_values *values)
{
	size_t		number = (size_t) (route - catalog->routes);

	key->bytes[0] = (char) (number & 0xFF);
	key->bytes[1] = (char) (number >> 8);
	key->length = 2;
	for (size_t i = 0; i < route->param_count; i++)
	{
		const char *value = values->value[i];
		size_t		length = value != NULL ? strlen(value) + 1 : 0;

		if (CALL_KEY_MAX - key->length < length + 1)
			return false;
		/* no value contains a NUL, so values don't run together, and NULL is none of them */
		key->bytes[key->length++] = value != NULL ? '=' : '-';
		if (value != NULL)
			memcpy(key->bytes + key->length, value, length);
		key->length += length;
	}
	return true;
}

void
call_key_of_viewer(struct call_key *key, int64_t user_id)
{
	key->length = (size_t) snprintf(key->bytes, sizeof key->bytes, VIEWER_MARK "%" PRId64, user_id);
}

bool
call_key_equals(const struct call_key *a, const struct call_key *b)
{
	return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

unsigned
call_key_hash(const struct call_key *key)
{
	unsigned	hash = 0;

	for (size_t i = 0; i < key->length; i++)
		hash = hash * 31 + (unsigned char) key->bytes[i];
	return hash;
}
