/*
 * cache.c - a hash table of chains, and a list in the order of use.
 */
#include "cache.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* One chain for so many bytes of room: about as many as there are entries. */
#define BYTES_PER_CHAIN 2048
#define CHAINS_LEAST 64
#define CHAINS_MOST (1024 * 1024)

struct entry
{
	struct entry *chain;
	struct entry *newer;		/* used more recently */
	struct entry *older;
	struct rendered *rendered;
	struct basis basis;
	uint64_t	hash;
	size_t		charge;			/* bytes it is counted with */
	size_t		key_length;
	char		key[];
};

struct cache
{
	size_t		room;
	size_t		used;
	struct cache_counters *counters;
	struct entry *newest;
	struct entry *oldest;
	uint64_t	seed;			/* so that nobody can choose keys that fall into one chain */
	size_t		chain_count;	/* a power of two */
	struct entry *chains[];
};

struct cache *
cache_create(size_t bytes, struct cache_counters *counters)
{
	size_t		chains = CHAINS_LEAST;
	struct cache *cache;

	while (chains < CHAINS_MOST && chains * BYTES_PER_CHAIN < bytes)
		chains *= 2;
	cache = calloc(1, sizeof *cache + chains * sizeof cache->chains[0]);
	if (cache == NULL || getrandom(&cache->seed, sizeof cache->seed, 0) != sizeof cache->seed)
	{
		free(cache);
		return NULL;
	}
	cache->room = bytes;
	cache->chain_count = chains;
	cache->counters = counters;
	return cache;
}

/* A seeded hash (FNV-1a, finished by splitmix64). */
static uint64_t
hash_key(const struct cache *cache, const char *key, size_t length)
{
	uint64_t	hash = cache->seed ^ 0xcbf29ce484222325u;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char) key[i]) * 0x100000001b3u;
	hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9u;
	hash = (hash ^ hash >> 27) * 0x94d049bb133111ebu;
	return hash ^ hash >> 31;
}

static void
note_use(const struct cache *cache, int64_t more_entries)
{
	struct cache_counters *counters = cache->counters;
	uint64_t	entries = atomic_load_explicit(&counters->entries, memory_order_relaxed);

	atomic_store_explicit(&counters->entries, entries + (uint64_t) more_entries, memory_order_relaxed);
	atomic_store_explicit(&counters->bytes, cache->used, memory_order_relaxed);
}

/* ---- the order of use ---- */

static void
unlink_use(struct cache *cache, struct entry *entry)
{
	if (entry->newer != NULL)
		entry->newer->older = entry->older;
	else
		cache->newest = entry->older;
	if (entry->older != NULL)
		entry->older->newer = entry->newer;
	else
		cache->oldest = entry->newer;
}

static void
link_newest(struct cache *cache, struct entry *entry)
{
	entry->newer = NULL;
	entry->older = cache->newest;
	if (cache->newest != NULL)
		cache->newest->newer = entry;
	else
		cache->oldest = entry;
	cache->newest = entry;
}

/* ---- entries ---- */

/* Where the pointer to the entry of this key is, or would be. */
static struct entry **
place_of(struct cache *cache, const char *key, size_t length, uint64_t hash)
{
	struct entry **place = &cache->chains[hash & (cache->chain_count - 1)];

	while (*place != NULL && ((*place)->hash != hash || (*place)->key_length != length ||
							  memcmp((*place)->key, key, length) != 0))
		place = &(*place)->chain;
	return place;
}

/* End the entry that *place leads to, if any. */
static void
drop(struct cache *cache, struct entry **place)
{
	struct entry *entry = *place;

	if (entry == NULL)
		return;
	*place = entry->chain;
	unlink_use(cache, entry);
	cache->used -= entry->charge;
	rendered_release(entry->rendered);
	free(entry);
	note_use(cache, -1);
}

static size_t
charge_of(const struct rendered *rendered, size_t key_length)
{
	return sizeof(struct entry) + key_length + (rendered != NULL ? rendered_size(rendered) : 0);
}

/* Drop the least recently used entries until there is room again. */
static void
make_room(struct cache *cache)
{
	while (cache->used > cache->room)
	{
		struct entry *entry = cache->oldest;

		drop(cache, place_of(cache, entry->key, entry->key_length, entry->hash));
		cache_count(&cache->counters->evictions);
	}
}

struct rendered *
cache_find(struct cache *cache, const char *key, size_t key_length, const struct basis **basis)
{
	struct entry *entry = *place_of(cache, key, key_length, hash_key(cache, key, key_length));
	size_t		charge;

	*basis = NULL;
	if (entry == NULL)
		return NULL;
	if (entry != cache->newest)
	{
		unlink_use(cache, entry);
		link_newest(cache, entry);
	}
	/* it may have been compressed since it was stored; as the newest it is the last to go */
	charge = charge_of(entry->rendered, key_length);
	if (charge != entry->charge)
	{
		cache->used += charge - entry->charge;
		entry->charge = charge;
		note_use(cache, 0);
		make_room(cache);
	}
	*basis = &entry->basis;
	return entry->rendered;
}

void
cache_store(struct cache *cache, const char *key, size_t key_length, struct rendered *rendered,
			const struct basis *basis)
{
	uint64_t	hash = hash_key(cache, key, key_length);
	struct entry **place = place_of(cache, key, key_length, hash);
	size_t		charge = charge_of(rendered, key_length);
	struct entry *entry;

	if (*place != NULL)
		drop(cache, place);
	if (charge > cache->room / 8)
		return;
	entry = malloc(sizeof *entry + key_length);
	if (entry == NULL)
		return;					/* it is asked for again then */
	*entry = (struct entry) {
		.rendered = rendered != NULL ? rendered_hold(rendered) : NULL,
		.basis = *basis, .hash = hash, .charge = charge, .key_length = key_length
	};
	memcpy(entry->key, key, key_length);
	place = &cache->chains[hash & (cache->chain_count - 1)];
	entry->chain = *place;
	*place = entry;
	link_newest(cache, entry);
	cache->used += charge;
	note_use(cache, 1);
	make_room(cache);
}

void
cache_remove(struct cache *cache, const char *key, size_t key_length)
{
	struct entry **place = place_of(cache, key, key_length, hash_key(cache, key, key_length));

	if (*place != NULL)
		drop(cache, place);
}

void
cache_clear(struct cache *cache)
{
	while (cache->oldest != NULL)
		drop(cache, place_of(cache, cache->oldest->key, cache->oldest->key_length, cache->oldest->hash));
}

void
cache_free(struct cache *cache)
{
	if (cache == NULL)
		return;
	cache_clear(cache);
	free(cache);
}
