/*
 * answer_cache.c - find, or fetch once, and keep.
 *
 * A request that misses joins the flight that is under way for its key, unless
 * something has changed since that took off: then its answer may be from before a
 * write that the client knows of, and a new flight takes its place.
 */
#include "answer_cache.h"

#include <stdlib.h>
#include <string.h>

#include "feed.h"
#include "flight.h"
#include "freshness.h"
#include "call_key.h"
#include "shared_cache.h"

/* ms: kept for so long when changes may not be heard of; nobody joins a flight that is older. */
#define UNHEARD_AGE 1000

#define FLIGHT_CHAINS 256

/* A flight with those who wait for it. */
struct awaited_flight
{
	struct answer_cache *cache;
	const struct catalog_route *route;
	struct flight *flight;		/* NULL once it has landed, or was not needed */
	struct basis basis;
	struct cache_wait *waits;
	bool		listed;			/* more may join */
	unsigned	chain;
	struct awaited_flight *next;
	struct awaited_flight *previous;
	struct call_key key;
};

struct answer_cache
{
	struct service *service;
	struct answer_cache_options options;
	struct cache *cache;
	struct generations *generations;
	struct shared_cache *shared;	/* NULL without Redis */
	struct feed_listener listener;
	bool		heard;			/* the feed was current once */
	struct awaited_flight *flights[FLIGHT_CHAINS];
};

/* ---- what holds ---- */

static uint64_t
age_of(const struct answer_cache *cache, const struct basis *basis)
{
	return loop_now(cache->service->loop) - basis->since;
}

/* May what rests on this still be given? */
static bool
is_fresh(const struct answer_cache *cache, const struct basis *basis)
{
	uint64_t	most = basis->max_age;

	if (most > UNHEARD_AGE && !feed_is_current(cache->service->feed))
		most = UNHEARD_AGE;
	return age_of(cache, basis) < most && basis_holds(basis, cache->generations);
}

struct stamp
answer_cache_stamp(const struct answer_cache *cache)
{
	return generations_stamp(cache->generations, feed_position(cache->service->feed));
}

/* What is kept under a key and is still fresh; `known` tells whether there is such a thing. */
static struct rendered *
find_fresh(struct answer_cache *cache, const struct call_key *key, bool *known)
{
	const struct basis *basis;
	struct rendered *rendered = cache_find(cache->cache, key->bytes, key->length, &basis);

	*known = basis != NULL && is_fresh(cache, basis);
	if (basis != NULL && !*known)
		cache_remove(cache->cache, key->bytes, key->length);
	return *known ? rendered : NULL;
}

bool
answer_cache_is_for_viewers(const struct answer_cache *cache)
{
	const struct relay_metrics *relay = cache->service->relay_metrics;

	return feed_is_unfollowed(cache->service->feed) &&
		atomic_load_explicit(&relay->leads, memory_order_relaxed) != 0;
}

bool
answer_cache_knows(struct answer_cache *cache, int64_t user_id)
{
	struct call_key key;
	bool		known;

	call_key_of_viewer(&key, user_id);
	(void) find_fresh(cache, &key, &known);
	return known;
}

/* Keep something, unless it has changed while it was fetched. */
static void
keep(struct answer_cache *cache, const struct call_key *key, struct rendered *rendered, struct basis *basis)
{
	if (is_fresh(cache, basis))
		cache_store(cache->cache, key->bytes, key->length, rendered, basis);
	else
		cache_count(&cache->options.counters->stale);
}

void
answer_cache_note_viewer(struct answer_cache *cache, int64_t user_id, const struct stamp *stamp)
{
	struct basis basis = {.stamp = *stamp, .since = loop_now(cache->service->loop)};
	struct call_key key;

	call_key_of_viewer(&key, user_id);
	freshness_of_viewer(&basis, user_id);
	keep(cache, &key, NULL, &basis);
}

/* ---- flights ---- */

static struct awaited_flight *
find_flight(const struct answer_cache *cache, const struct call_key *key)
{
	struct awaited_flight *flight = cache->flights[call_key_hash(key) % FLIGHT_CHAINS];

	while (flight != NULL && !call_key_equals(&flight->key, key))
		flight = flight->next;
	return flight;
}

static void
list_flight(struct awaited_flight *flight)
{
	struct awaited_flight **first = &flight->cache->flights[flight->chain];

	flight->next = *first;
	if (flight->next != NULL)
		flight->next->previous = flight;
	*first = flight;
	flight->listed = true;
}

/* From now on nobody joins it. */
static void
unlist_flight(struct awaited_flight *flight)
{
	if (!flight->listed)
		return;
	flight->listed = false;
	if (flight->previous != NULL)
		flight->previous->next = flight->next;
	else
		flight->cache->flights[flight->chain] = flight->next;
	if (flight->next != NULL)
		flight->next->previous = flight->previous;
}

static void
board_flight(struct awaited_flight *flight, struct cache_wait *wait)
{
	wait->flight = flight;
	wait->previous = NULL;
	wait->next = flight->waits;
	if (wait->next != NULL)
		wait->next->previous = wait;
	flight->waits = wait;
}

void
answer_cache_leave(struct cache_wait *wait)
{
	if (wait->flight == NULL)
		return;
	if (wait->previous != NULL)
		wait->previous->next = wait->next;
	else
		wait->flight->waits = wait->next;
	if (wait->next != NULL)
		wait->next->previous = wait->previous;
	wait->flight = NULL;
}

/* Give it to all who wait, and end the flight. Any of them may leave, or ask for something new, meanwhile. */
static void
deliver(struct awaited_flight *flight, struct rendered *rendered, const struct problem *problem)
{
	unlist_flight(flight);
	while (flight->waits != NULL)
	{
		struct cache_wait *wait = flight->waits;

		answer_cache_leave(wait);
		wait->done(wait->arg, rendered, problem);
	}
	free(flight);
}

/* Let the other proxies have an answer of SQL's, if it is known what it rests on. */
static void
share(const struct awaited_flight *flight, const struct rendered *rendered)
{
	struct answer_cache *cache = flight->cache;
	const struct shared_answer answer = {
		.body = rendered->body,
		.length = rendered->length,
		.identity = cache->options.identity->value,
		.position = flight->basis.stamp.position,
		.left = FRESHNESS_SHARED_AGE - age_of(cache, &flight->basis),
	};
	char		key[FRESHNESS_KEY_MAX];

	if (cache->shared != NULL && answer.identity != 0 && answer.position != 0 &&
		is_fresh(cache, &flight->basis) && feed_is_current(cache->service->feed) &&
		freshness_shared_key(flight->route, flight_values(flight->flight), key))
		shared_cache_write(cache->shared, key, &answer);
}

static void
landed(void *arg, struct rendered *rendered, const struct problem *problem)
{
	struct awaited_flight *flight = arg;

	if (rendered != NULL)
	{
		freshness_complete(&flight->basis, flight->route, rendered->body, rendered->length);
		share(flight, rendered);
		keep(flight->cache, &flight->key, rendered, &flight->basis);
	}
	deliver(flight, rendered, problem);
}

static bool
is_wanted(void *arg)
{
	const struct awaited_flight *flight = arg;

	return flight->waits != NULL;
}

/* ---- what other proxies have read ---- */

/* Does an answer out of Redis still hold? Then let the flight's basis be its. */
static bool
admits(struct awaited_flight *flight, const struct shared_answer *answer)
{
	const struct answer_cache *cache = flight->cache;
	struct basis basis = flight->basis;
	uint64_t	age = FRESHNESS_SHARED_AGE - answer->left;

	freshness_complete(&basis, flight->route, answer->body, answer->length);
	if (answer->identity != cache->options.identity->value || answer->left > FRESHNESS_SHARED_AGE ||
		age >= basis.max_age || !feed_is_current(cache->service->feed) ||
		!basis_holds(&basis, cache->generations) || !basis_admits(&basis, cache->generations, answer->position))
		return false;
	basis.max_age -= (uint32_t) age;
	basis.stamp.position = answer->position;
	flight->basis = basis;
	return true;
}

/* Redis has said what it has. */
static void
shared_read(void *arg, const struct shared_answer *answer)
{
	struct awaited_flight *flight = arg;
	struct rendered *rendered = answer->body != NULL && admits(flight, answer)
		? rendered_create(answer->body, answer->length, NULL) : NULL;

	if (rendered == NULL)
	{
		flight_start(flight->flight);
		return;
	}
	cache_count(&flight->cache->options.counters->shared_hits);
	keep(flight->cache, &flight->key, rendered, &flight->basis);
	flight_free(flight->flight);
	deliver(flight, rendered, NULL);
	rendered_release(rendered);
}

/* Look into Redis first, for what other proxies may have read. */
static void
take_off(struct awaited_flight *flight)
{
	struct answer_cache *cache = flight->cache;
	char		key[FRESHNESS_KEY_MAX];

	if (cache->shared == NULL || cache->options.identity->value == 0 ||
		!feed_is_current(cache->service->feed) ||
		!freshness_shared_key(flight->route, flight_values(flight->flight), key) ||
		!shared_cache_read(cache->shared, key, shared_read, flight))
		flight_start(flight->flight);
}

/* ---- asking ---- */

static struct awaited_flight *
new_flight(struct answer_cache *cache, const struct catalog_route *route,
		   const struct param_values *values, const struct target *target, const struct call_key *key)
{
	struct awaited_flight *flight = malloc(sizeof *flight);

	if (flight == NULL)
		return NULL;
	*flight = (struct awaited_flight) {.cache = cache, .route = route, .chain = call_key_hash(key) % FLIGHT_CHAINS};
	flight->key = *key;
	flight->flight = flight_prepare(cache->service, route, values, target, landed, is_wanted, flight);
	if (flight->flight == NULL)
	{
		free(flight);
		return NULL;
	}
	flight->basis.stamp = answer_cache_stamp(cache);
	flight->basis.since = loop_now(cache->service->loop);
	freshness_begin(&flight->basis, route, values);
	return flight;
}

/* The flight to wait for: one under way whose answer will be as new as one's own, or NULL. */
static struct awaited_flight *
flight_to_join(struct answer_cache *cache, const struct call_key *key)
{
	struct awaited_flight *flight = find_flight(cache, key);

	if (flight == NULL)
		return NULL;
	if (age_of(cache, &flight->basis) < UNHEARD_AGE && is_fresh(cache, &flight->basis))
		return flight;
	unlist_flight(flight);
	return NULL;
}

bool
answer_cache_get(struct answer_cache *cache, const struct catalog_route *route,
				 const struct param_values *values, const struct target *target, struct cache_wait *wait)
{
	struct awaited_flight *flight;
	struct rendered *rendered;
	struct call_key key;
	bool		known;

	wait->flight = NULL;
	if (!freshness_keeps(route) || !call_key_of(&key, cache->service->catalog, route, values))
		return false;
	rendered = find_fresh(cache, &key, &known);
	if (rendered != NULL)
	{
		cache_count(&cache->options.counters->hits);
		wait->done(wait->arg, rendered, NULL);
		return true;
	}
	flight = flight_to_join(cache, &key);
	if (flight != NULL)
	{
		cache_count(&cache->options.counters->joined);
		board_flight(flight, wait);
		return true;
	}
	flight = new_flight(cache, route, values, target, &key);
	if (flight == NULL)
		return false;
	cache_count(&cache->options.counters->misses);
	list_flight(flight);
	board_flight(flight, wait);
	flight_note_request(flight->flight, wait->request_id);
	take_off(flight);
	return true;
}

/* ---- hearing of changes ---- */

void
answer_cache_wrote(struct answer_cache *cache, const struct catalog_route *route,
				   const struct param_values *values, int64_t viewer_id)
{
	struct changes changes;

	freshness_of_write(&changes, route, values, viewer_id);
	for (size_t i = 0; i < changes.slot_count; i++)
		writes_note(cache->options.writes, changes.slots[i]);
	for (size_t i = 0; cache->shared != NULL && i < changes.key_count; i++)
		shared_cache_delete(cache->shared, changes.keys[i]);
}

static void
event_came(void *arg, const struct feed_event *event)
{
	struct answer_cache *cache = arg;
	struct changes changes;
	bool		tells = cache->shared != NULL && cache->options.tells_redis &&
		atomic_load_explicit(&cache->service->relay_metrics->leads, memory_order_relaxed) != 0;

	freshness_of_event(&changes, event);
	for (size_t i = 0; i < changes.slot_count; i++)
		generations_event(cache->generations, changes.slots[i], event->id);
	for (size_t i = 0; tells && i < changes.key_count; i++)
		shared_cache_delete(cache->shared, changes.keys[i]);
}

/* What happened before the feed began is not known. */
static void
feed_current(void *arg, bool current)
{
	struct answer_cache *cache = arg;

	if (!current || cache->heard)
		return;
	cache->heard = true;
	generations_reset(cache->generations, feed_position(cache->service->feed));
}

static void
feed_reset(void *arg)
{
	struct answer_cache *cache = arg;

	generations_reset(cache->generations, feed_position(cache->service->feed));
	cache_clear(cache->cache);
}

/* ---- life ---- */

struct answer_cache *
answer_cache_open(struct service *service, const struct answer_cache_options *options)
{
	const struct config *config = service->config;
	struct answer_cache *cache = calloc(1, sizeof *cache);

	if (cache == NULL)
		return NULL;
	cache->service = service;
	cache->options = *options;
	cache->cache = cache_create(config->cache_bytes, options->counters);
	cache->generations = generations_create(options->writes);
	if (config->redis.host != NULL)
		cache->shared = shared_cache_open(service->loop, &config->redis,
										  &service->metrics->redis[METRICS_REDIS_CACHE]);
	if (cache->cache == NULL || cache->generations == NULL ||
		(config->redis.host != NULL && cache->shared == NULL))
	{
		answer_cache_close(cache);
		return NULL;
	}
	cache->listener = (struct feed_listener) {
		.event = event_came, .current = feed_current, .reset = feed_reset, .arg = cache
	};
	feed_listen(service->feed, &cache->listener);
	return cache;
}

void
answer_cache_end(struct answer_cache *cache)
{
	if (cache == NULL)
		return;
	feed_ignore(cache->service->feed, &cache->listener);
	/* a read on its way finds nothing, and its flight goes on to a lane */
	shared_cache_close(cache->shared);
	cache->shared = NULL;
}

void
answer_cache_close(struct answer_cache *cache)
{
	if (cache == NULL)
		return;
	shared_cache_close(cache->shared);
	cache_free(cache->cache);
	generations_free(cache->generations);
	free(cache);
}
