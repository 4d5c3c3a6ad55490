/*
 * text_cache.c - sets of eight places each, those used later first. With fewer, sets that are full by chance
 * would drop what is in use while others are empty.
 */
#include "text_cache.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "hash.h"

#define WAYS 8

struct place
{
	uint64_t	hash;			/* of the text */
	char	   *text;			/* NULL: free */
	size_t		length;
	void	   *value;
};

struct text_cache
{
	uint64_t	hash_key;		/* so that nobody outside can choose who collides */
	size_t		sets;
	struct place places[][WAYS];
};

struct text_cache *
text_cache_create(size_t sets)
{
	struct text_cache *cache = calloc(1, sizeof *cache + sets * sizeof cache->places[0]);

	if (cache != NULL &&
		getrandom(&cache->hash_key, sizeof cache->hash_key, 0) != (ssize_t) sizeof cache->hash_key)
	{
		free(cache);
		return NULL;
	}
	if (cache != NULL)
		cache->sets = sets;
	return cache;
}

static void
empty(struct place *place)
{
	if (place->text != NULL)
		explicit_bzero(place->text, place->length);
	free(place->text);
	free(place->value);
	*place = (struct place) {0};
}

void
text_cache_free(struct text_cache *cache)
{
	if (cache == NULL)
		return;
	text_cache_drop(cache, NULL, NULL);
	free(cache);
}

/* The places of texts with this hash. */
static struct place *
set_of(struct text_cache *cache, uint64_t hash)
{
	return cache->places[hash & (cache->sets - 1)];
}

/* Are they equal? Takes the same time wherever they differ: a text may be a secret. */
static bool
is_equal(const char *left, const char *right, size_t length)
{
	unsigned char difference = 0;

	for (size_t i = 0; i < length; i++)
		difference |= (unsigned char) (left[i] ^ right[i]);
	return difference == 0;
}

void *
text_cache_find(struct text_cache *cache, const char *text, size_t length)
{
	uint64_t	hash = hash_keyed(text, length, cache->hash_key);
	struct place *set = set_of(cache, hash);

	for (size_t way = 0; way < WAYS; way++)
	{
		struct place found = set[way];

		if (found.text == NULL || found.hash != hash || found.length != length ||
			!is_equal(found.text, text, length))
			continue;
		memmove(&set[1], &set[0], way * sizeof set[0]);
		set[0] = found;
		return found.value;
	}
	return NULL;
}

void *
text_cache_keep(struct text_cache *cache, const char *text, size_t length, void *value)
{
	uint64_t	hash = hash_keyed(text, length, cache->hash_key);
	struct place *set = set_of(cache, hash);
	char	   *copy = malloc(length + 1);

	if (copy == NULL)
	{
		free(value);
		return NULL;
	}
	memcpy(copy, text, length);
	copy[length] = '\0';
	empty(&set[WAYS - 1]);
	memmove(&set[1], &set[0], (WAYS - 1) * sizeof set[0]);
	set[0] = (struct place) {.hash = hash, .text = copy, .length = length, .value = value};
	return value;
}

void
text_cache_drop(struct text_cache *cache,
				bool (*is_doomed) (const void *value, const void *arg), const void *arg)
{
	for (size_t set = 0; set < cache->sets; set++)
		for (size_t way = 0; way < WAYS; way++)
			if (cache->places[set][way].text != NULL &&
				(is_doomed == NULL || is_doomed(cache->places[set][way].value, arg)))
				empty(&cache->places[set][way]);
}
