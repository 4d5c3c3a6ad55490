/*
 * answer_cache.h - answers kept by each worker, those to visitors shared through
 * Redis; and one query for all who ask for the same at once.
 *
 * An answer is given only as long as nothing it rests on has changed (basis.h, freshness.h).
 * That is heard from the feed, and from the writes that this process handles. While the
 * feed is not current answers are kept for a second only.
 *
 * A viewer must see what he has just written himself, through whichever proxy. So his answers
 * are kept only by a process that is the only one, and then hears of every write before its client does.
 */
#ifndef TIMETRACKR_ANSWER_CACHE_H
#define TIMETRACKR_ANSWER_CACHE_H

#include <stdbool.h>

#include "board.h"
#include "cache.h"
#include "generations.h"
#include "problem.h"
#include "rendered.h"
#include "service.h"
#include "target.h"

struct answer_cache;
struct awaited_flight;

/* What it is given; all of it outlives it. */
struct answer_cache_options
{
	struct writes *writes;		/* of this process */
	const struct board_identity *identity;	/* whose answers in Redis to believe */
	bool		tells_redis;	/* it deletes what events have changed, while this process leads the relay */
	struct cache_counters *counters;
};

/* Somebody who waits for an answer. Embedded by him; he sets the first part. */
struct cache_wait
{
	/* Called once, unless he leaves. `rendered` NULL: the problem is the answer. Both are gone after the call. */
	void		(*done) (void *arg, struct rendered *rendered, const struct problem *problem);
	void	   *arg;
	const char *request_id;		/* for the log */
	struct awaited_flight *flight;	/* private from here */
	struct cache_wait *next;
	struct cache_wait *previous;
};

/* Open a worker's; config, loop, feed and relay_metrics of the service are used. NULL when memory is out. */
struct answer_cache *answer_cache_open(struct service *service, const struct answer_cache_options *options);

/* It is told no more: call it before the feed is freed, and answer_cache_close() after all lanes are closed. */
void		answer_cache_end(struct answer_cache *cache);
void		answer_cache_close(struct answer_cache *cache);

/* May viewers be given answers of their own that were kept? */
bool		answer_cache_is_for_viewers(const struct answer_cache *cache);

/*
 * Answer a call if the route's answers are kept. With a viewer it needs
 * answer_cache_is_for_viewers() where the function asks for him, and answer_cache_knows() where it
 * does not. False: it is not for the cache. True: done() is called, within this call or later.
 */
bool		answer_cache_get(struct answer_cache *cache, const struct catalog_route *route,
							 const struct param_values *values, const struct target *target,
							 struct cache_wait *wait);

/* He waits no more: done() will not be called. */
void		answer_cache_leave(struct cache_wait *wait);

/* A write was answered by the database, and its client not yet: forget what it has changed. */
void		answer_cache_wrote(struct answer_cache *cache, const struct catalog_route *route,
							   const struct param_values *values, int64_t viewer_id);

/*
 * Is it known that the user of a token exists? It is when the database said so in answer
 * to a query sent after answer_cache_stamp(), and nothing has changed about him since.
 */
bool		answer_cache_knows(struct answer_cache *cache, int64_t user_id);
struct stamp answer_cache_stamp(const struct answer_cache *cache);
void		answer_cache_note_viewer(struct answer_cache *cache, int64_t user_id, const struct stamp *stamp);

#endif
