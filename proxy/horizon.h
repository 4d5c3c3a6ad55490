/*
 * horizon.h - up to which moment a standby has everything.
 *
 * Now and then the primary is asked how far its log of changes (WAL) goes. An answer
 * is a mark: what was committed before the moment of asking lies before that place. A standby that has replayed
 * as far as the place has all of it, whoever wrote it through whatever proxy. Only this process's clock is in it.
 *
 * A standby that is far behind has many marks before it. The older ones are thinned out: then it counts
 * as a little further behind than it is, never as less.
 */
#ifndef TIMETRACKR_HORIZON_H
#define TIMETRACKR_HORIZON_H

#include <stddef.h>
#include <stdint.h>

#define HORIZON_MARKS_MAX 64

struct horizon_mark
{
	uint64_t	place;			/* bytes of WAL since its beginning */
	uint64_t	first;			/* µs, on the clock of loop_clock_us(): when it was asked for before it had come so far, */
	uint64_t	moment;			/* and for the last time while it had come no further */
};

/* Zeroed, nothing is known. */
struct horizon
{
	struct horizon_mark marks[HORIZON_MARKS_MAX];	/* oldest first */
	size_t		count;
};

/* The primary was asked at a moment later than all before. A place before the last one begins anew: it is another server's. */
void		horizon_add(struct horizon *horizon, uint64_t moment, uint64_t place);

/* The moment before which everything committed is replayed at a place; 0: not known of any. */
uint64_t	horizon_moment(const struct horizon *horizon, uint64_t place);

/* Since when a standby at a place has been behind; 0: it is not. */
uint64_t	horizon_behind_since(const struct horizon *horizon, uint64_t place);

/* The last place of the primary's that is known; 0: none. */
uint64_t	horizon_end(const struct horizon *horizon);

#endif
