/*
 * shared_cache.h - answers that all proxies share: user:ID:profile and
 * project:ID:details in Redis, JSON objects, for a minute.
 *
 * An answer carries the identity of its database and the place in the stream of
 * events up to which it is right, in one more member:
 *     "as_of":"<identity>-<position>"        (16 hexadecimal digits each)
 * Whoever reads it checks that against the events that he knows (generations_admit()). So
 * it does not matter when keys are deleted: an old answer that is written after the deletion, or
 * comes back with an old copy of Redis, is refused by every proxy that has heard
 * of the change, as its own kept answers are; the others hear of it within a second. The
 * deletion makes room, and spares the check.
 */
#ifndef TIMETRACKR_SHARED_CACHE_H
#define TIMETRACKR_SHARED_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "loop.h"

struct redis_metrics;
struct shared_cache;

/* An answer; `body` is gone after the call. `body` NULL: there is none, or it cannot be read. */
struct shared_answer
{
	const char *body;
	size_t		length;
	int64_t		identity;
	int64_t		position;
	uint64_t	left;			/* ms until it expires */
};

typedef void shared_cache_done_fn(void *arg, const struct shared_answer *answer);

/* Open a connection on a worker's loop; `server` must outlive it. NULL when memory is out. */
struct shared_cache *shared_cache_open(struct loop *loop, const struct config_redis *server,
									   struct redis_metrics *metrics);

/* Close it; reads on their way find nothing. */
void		shared_cache_close(struct shared_cache *shared);

/* Read a key. False: Redis is away, and done() will not be called; else it is called once. */
bool		shared_cache_read(struct shared_cache *shared, const char *key,
							  shared_cache_done_fn *done, void *arg);

/* Write an answer, which must be a JSON object that is not empty, under a key. */
void		shared_cache_write(struct shared_cache *shared, const char *key,
							   const struct shared_answer *answer);

/* Delete a key. */
void		shared_cache_delete(struct shared_cache *shared, const char *key);

#endif
