/*
 * cache.h - rendered answers by key, of one worker: the least recently used
 * ones go when the bytes run out. Whether an answer still holds is its finder's business.
 */
#ifndef TIMETRACKR_CACHE_H
#define TIMETRACKR_CACHE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "basis.h"
#include "counter.h"
#include "rendered.h"

struct cache;

/* What a worker's cache counts; written by its thread, read by any. */
struct cache_counters
{
	_Atomic uint64_t hits;
	_Atomic uint64_t misses;	/* a query, or another store, was asked */
	_Atomic uint64_t joined;	/* waited for what another request had asked for already */
	_Atomic uint64_t shared_hits;	/* of the misses: answered from Redis */
	_Atomic uint64_t stale;		/* answers that changed while they were being read, and were not kept */
	_Atomic uint64_t evictions; /* for lack of room */
	_Atomic uint64_t entries;	/* now */
	_Atomic uint64_t bytes;		/* now */
};

static inline void
cache_count(_Atomic uint64_t *counter)
{
	counter_add(counter, 1);
}

/* `bytes` bounds keys, answers and bookkeeping. NULL when memory is out. */
struct cache *cache_create(size_t bytes, struct cache_counters *counters);
void		cache_free(struct cache *cache);

/*
 * What is kept under a key, and in `basis` what it rests on; NULL: nothing. It is
 * the cache's until the next call: hold it to keep it.
 */
struct rendered *cache_find(struct cache *cache, const char *key, size_t key_length,
							const struct basis **basis);

/*
 * Keep an answer, in place of what was there; one holder more. An answer that
 * takes more than an eighth of the room is not kept.
 */
void		cache_store(struct cache *cache, const char *key, size_t key_length,
						struct rendered *rendered, const struct basis *basis);

/* Forget what is kept under a key. */
void		cache_remove(struct cache *cache, const char *key, size_t key_length);

/* Forget everything. */
void		cache_clear(struct cache *cache);

#endif
