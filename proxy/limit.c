/*
 * limit.c - the generic cell rate algorithm in a fixed table of atomics.
 *
 * A client's whole state is one time: when all its requests will be back. Each
 * request moves it on by the interval between two evenly spread requests; it
 * may lie at most a minute ahead. Two workers may race for a slot that changes
 * its client; then one request goes uncounted, which does no harm.
 */
#include "limit.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>

#define SLOTS 16384				/* a power of two */
#define WAYS 4					/* slots in which one client may lie */
#define MINUTE 60000000u		/* µs */

struct slot
{
	_Atomic uint64_t client;	/* 0: free */
	_Atomic uint64_t full_at;	/* µs: when all its requests are back */
};

struct limits
{
	long		per_minute[2];
	uint64_t	seed;			/* so that nobody can choose whom to collide with */
	struct slot slots[SLOTS];
};

struct limits *
limits_create(long requests, long sessions)
{
	struct limits *limits = calloc(1, sizeof *limits);

	if (limits == NULL)
		return NULL;
	limits->per_minute[LIMIT_REQUESTS] = requests;
	limits->per_minute[LIMIT_SESSIONS] = sessions;
	if (getrandom(&limits->seed, sizeof limits->seed, 0) != sizeof limits->seed)
	{
		free(limits);
		return NULL;
	}
	return limits;
}

void
limits_free(struct limits *limits)
{
	free(limits);
}

/* A seeded hash (FNV-1a, finished by splitmix64), never 0. */
static uint64_t
hash_name(uint64_t seed, enum limit_kind kind, const char *who)
{
	uint64_t	hash = seed ^ 0xcbf29ce484222325u ^ (uint64_t) kind;

	for (; *who != '\0'; who++)
		hash = (hash ^ (unsigned char) *who) * 0x100000001b3u;
	hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9u;
	hash = (hash ^ hash >> 27) * 0x94d049bb133111ebu;
	hash ^= hash >> 31;
	return hash != 0 ? hash : 1;
}

/* The client's slot; a new client takes the place of the one idle for longest. */
static struct slot *
find_slot(struct limits *limits, uint64_t client)
{
	struct slot *idle = NULL;
	uint64_t	idle_since = UINT64_MAX;

	for (uint64_t i = 0; i < WAYS; i++)
	{
		struct slot *slot = &limits->slots[(client + i) & (SLOTS - 1)];
		uint64_t	full_at = atomic_load_explicit(&slot->full_at, memory_order_relaxed);

		if (atomic_load_explicit(&slot->client, memory_order_relaxed) == client)
			return slot;
		if (full_at >= idle_since)
			continue;
		idle = slot;
		idle_since = full_at;
	}
	atomic_store_explicit(&idle->full_at, 0, memory_order_relaxed);
	atomic_store_explicit(&idle->client, client, memory_order_relaxed);
	return idle;
}

static long
seconds_up(uint64_t microseconds)
{
	return (long) ((microseconds + 999999) / 1000000);
}

bool
limit_take(struct limits *limits, enum limit_kind kind, const char *who, uint64_t now,
		   struct limit_state *state)
{
	long		per_minute = limits->per_minute[kind];
	struct slot *slot;
	uint64_t	interval;
	uint64_t	before;
	uint64_t	after;

	*state = (struct limit_state) {.limit = per_minute};
	if (per_minute == 0)
		return true;
	interval = MINUTE / (uint64_t) per_minute;
	now *= 1000;
	slot = find_slot(limits, hash_name(limits->seed, kind, who));
	before = atomic_load_explicit(&slot->full_at, memory_order_relaxed);
	do
	{
		after = (before > now ? before : now) + interval;
		if (after - now > MINUTE)
		{
			state->reset = seconds_up(after - now - MINUTE);
			return false;
		}
	} while (!atomic_compare_exchange_weak_explicit(&slot->full_at, &before, after,
													memory_order_relaxed, memory_order_relaxed));
	state->remaining = (long) ((MINUTE - (after - now)) / interval);
	state->reset = seconds_up(after - now);
	return true;
}
