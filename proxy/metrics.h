/*
 * metrics.h - what each worker counts, for /metrics.
 *
 * A worker writes only what is its own, in memory that no other one writes, and
 * scrape.c adds them up. What others count is theirs: cache.h, relay_metrics.h, audit.h.
 */
#ifndef TIMETRACKR_METRICS_H
#define TIMETRACKR_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "catalog.h"
#include "counter.h"

struct audit_counters;

/* Statuses are counted each by itself up to 31 of their hundred, as all are that there are; others together. */
#define METRICS_STATUS_SPAN 32
#define METRICS_STATUS_OTHER (5 * METRICS_STATUS_SPAN)
#define METRICS_STATUSES (METRICS_STATUS_OTHER + 1)

/* Answers of no route, counted behind the catalog's. */
enum metrics_extra
{
	METRICS_UNMATCHED,			/* no route fits, or the request could not be read */
	METRICS_FILE,				/* a file of the web app or of /api-docs */
	METRICS_OPTIONS,			/* OPTIONS, of any path */
	METRICS_EXTRAS
};

struct route_metrics
{
	struct histogram duration;	/* from the head of a request to its answer */
	_Atomic uint64_t statuses[METRICS_STATUSES];
};

struct lane_metrics
{
	_Atomic uint64_t connections;	/* that there should be */
	_Atomic uint64_t connections_up;
	_Atomic uint64_t connects;	/* times that one came up */
	_Atomic uint64_t waiting;	/* jobs in the queue */
	_Atomic uint64_t in_flight;
	_Atomic uint64_t batches;	/* transactions that jobs shared */
	_Atomic uint64_t ok;
	_Atomic uint64_t refused;	/* by a rule or a constraint: the client's fault */
	_Atomic uint64_t failed;	/* any other error */
	_Atomic uint64_t lost;		/* the connection was lost meanwhile */
	_Atomic uint64_t undone;	/* taken back with others of a batch, or not run because of them */
	_Atomic uint64_t retries;
	_Atomic uint64_t moved;		/* of them, to another lane */
	_Atomic uint64_t slow;		/* took SLOW_QUERY_MS or more */
	_Atomic uint64_t rejected;	/* never sent: no room, no connection, no time, or nobody who wants it any more */
	struct histogram wait;		/* from its submission to its last sending */
	struct histogram run;		/* from there to the answer */
};

/* Who is given a read while there are to be standbys: one of them, or the primary for a cause. */
enum read_target
{
	READS_STANDBY,
	READS_AWAY,					/* no standby is connected to, and answers */
	READS_UNFIT,				/* what is there is none, or has another history */
	READS_BEHIND,				/* what it must see is not there in time */
	READS_BUSY,					/* nor a standby that takes more reads */
	READS_PRIMARY_SILENT,		/* the primary has not said what it must see */
	READS_TARGETS
};

struct read_metrics
{
	_Atomic uint64_t targets[READS_TARGETS];
	_Atomic uint64_t usable;	/* connections to standbys that are hardly behind */
	_Atomic uint64_t lag;		/* µs: of the one that is behind the most */
	_Atomic uint64_t lag_bytes;
};

enum metrics_redis
{
	METRICS_REDIS_LEADERBOARD,
	METRICS_REDIS_CACHE,
	METRICS_REDIS_RELAY,
	METRICS_REDIS_COUNT
};

struct redis_metrics
{
	_Atomic uint64_t connections;	/* that there should be: 0 or 1 */
	_Atomic uint64_t up;
	_Atomic uint64_t connects;	/* times that it came up */
	_Atomic uint64_t failures;	/* connections lost, and attempts that failed */
	_Atomic uint64_t commands;	/* sent */
	_Atomic uint64_t errors;	/* answers that are errors */
	_Atomic uint64_t unanswered;	/* commands whose connection was lost */
};

enum metrics_limit
{
	METRICS_LIMIT_USER,
	METRICS_LIMIT_ADDRESS,
	METRICS_LIMIT_SESSIONS,
	METRICS_LIMIT_COUNT
};

struct worker_metrics
{
	_Alignas(64) _Atomic uint64_t connections;	/* of HTTP, now */
	_Atomic uint64_t connections_taken;
	_Atomic uint64_t connections_refused;	/* by CONNECTIONS_PER_ADDRESS */
	_Atomic uint64_t limited[METRICS_LIMIT_COUNT];	/* requests refused by a rate limit */
	_Atomic uint64_t live_opened;
	_Atomic uint64_t live_closed;
	_Atomic uint64_t live_messages; /* given to clients */
	_Atomic uint64_t feed_current;	/* 1: yes */
	_Atomic uint64_t relay_behind;	/* ms, as its feed has found */
	_Atomic(clockid_t) clock;	/* CPU time of its thread; 0 while there is none */
	struct lane_metrics lanes[LANE_COUNT];
	struct read_metrics reads;
	struct redis_metrics redis[METRICS_REDIS_COUNT];
	struct route_metrics routes[];	/* of the catalog, in its order, then METRICS_EXTRAS */
};

/* Of the whole process. */
struct metrics
{
	size_t		worker_count;
	size_t		route_count;	/* of the catalog */
	struct timespec started;
	_Atomic(const struct audit_counters *) audit; /* the relay's, once there is one */
	struct worker_metrics *workers[];
};

/* NULL when memory is out. */
struct metrics *metrics_create(size_t worker_count, size_t route_count);
void		metrics_free(struct metrics *metrics);

/* One worker's by itself; to be freed with free(). NULL when memory is out. */
struct worker_metrics *worker_metrics_create(size_t route_count);

/* Where a status is counted, and which one is counted there (0: others). */
static inline size_t
metrics_status_place(int status)
{
	unsigned	hundreds = (unsigned) status / 100 - 1;
	unsigned	rest = (unsigned) status % 100;

	return hundreds < 5 && rest < METRICS_STATUS_SPAN ? hundreds * METRICS_STATUS_SPAN + rest : METRICS_STATUS_OTHER;
}

static inline int
metrics_status_at(size_t place)
{
	return place == METRICS_STATUS_OTHER ? 0
		: (int) (place / METRICS_STATUS_SPAN + 1) * 100 + (int) (place % METRICS_STATUS_SPAN);
}

static inline void
metrics_count_answer(struct worker_metrics *metrics, size_t route, int status, uint64_t microseconds)
{
	struct route_metrics *counted = &metrics->routes[route];

	counter_add(&counted->statuses[metrics_status_place(status)], 1);
	histogram_observe(&counted->duration, microseconds);
}

#endif
