/*
 * idempotency.c - keys and fingerprints.
 */
#include "idempotency.h"

#include <inttypes.h>
#include <string.h>

#include "hash.h"

/* Is this a character of a key without quotes: visible, and nothing that means something in a header? */
static bool
is_bare(char c)
{
	return c > ' ' && c < 0x7F && strchr("\",;\\", c) == NULL;
}

/* Copy what is within the quotes; false when it is no string. */
static bool
read_string(const char *value, char *key)
{
	for (value++; *value != '"'; value++)
	{
		if (*value == '\\' && *++value != '"' && *value != '\\')
			return false;
		if (*value < ' ' || *value >= 0x7F)
			return false;		/* its end, too */
		*key++ = *value;
	}
	*key = '\0';
	value += 1 + strspn(value + 1, " \t");
	return *value == '\0';
}

const char *
idempotency_read_key(const char *value, struct arena *arena, bool *out_of_memory)
{
	size_t		length = strlen(value);
	char	   *key;

	*out_of_memory = false;
	/* every character may be escaped */
	if (length > 2 * IDEMPOTENCY_KEY_MAX + 2)
		return NULL;
	key = arena_copy(arena, value, length);
	*out_of_memory = key == NULL;
	if (key == NULL)
		return NULL;
	if (*value == '"')
	{
		if (!read_string(value, key))
			return NULL;
	}
	else
	{
		for (size_t i = 0; i < length; i++)
			if (!is_bare(value[i]))
				return NULL;
	}
	length = strlen(key);
	return length > 0 && length <= IDEMPOTENCY_KEY_MAX ? key : NULL;
}

const char *
idempotency_fingerprint(const char *target, const char *body, size_t body_length, struct arena *arena)
{
	uint64_t	hash[2];

	hash_128(body, body_length, hash);
	return arena_printf(arena, "%016" PRIx64 "%016" PRIx64 "%016" PRIx64,
						hash_64(target, strlen(target)), hash[0], hash[1]);
}
