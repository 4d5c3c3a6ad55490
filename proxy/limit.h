/*
 * limit.h - how many requests a client may make in this process.
 *
 * Every client may make a minute's worth of requests at once, and gets them
 * back evenly over a minute. Shared by all workers without a lock. The table is of
 * fixed size: when clients collide in it, the one idle for longest is forgotten.
 */
#ifndef TIMETRACKR_LIMIT_H
#define TIMETRACKR_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct limits;

enum limit_kind
{
	LIMIT_REQUESTS,				/* RATE_LIMIT_PER_MINUTE, by user or by address */
	LIMIT_SESSIONS				/* AUTH_RATE_LIMIT_PER_MINUTE, by address */
};

/* What to tell the client. */
struct limit_state
{
	long		limit;			/* requests a minute; 0: there is no limit */
	long		remaining;
	long		reset;			/* seconds until one more is allowed or, when allowed, until all are back */
};

/* Limits are requests a minute, 0 for none. NULL when memory or randomness is out. */
struct limits *limits_create(long requests, long sessions);
void		limits_free(struct limits *limits);

/*
 * Take one request of the client named `who` at `now` (ms, monotonic); false
 * when it has none left. Any thread may call it.
 */
bool		limit_take(struct limits *limits, enum limit_kind kind, const char *who, uint64_t now,
					   struct limit_state *state);

#endif
