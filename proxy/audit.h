/*
 * audit.h - the boards of Redis compared with PostgreSQL, slowly and without end.
 *
 * The relay writes what events tell it; what somebody else does to Redis, or a
 * fault of ours, no event tells. Whole keys and missing members are noticed by
 * their sizes (board_scripts.h); the rest is found here, and put right.
 *
 * A user for whom an event waits may stand otherwise and is no difference. That is
 * exact: the relay writes nothing while a page is compared, and an event
 * becomes visible in the same moment as its cause.
 */
#ifndef TIMETRACKR_AUDIT_H
#define TIMETRACKR_AUDIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "board.h"
#include "db.h"
#include "rebuild.h"

/* Since the start of the process. Written by the relay's thread, read by any. */
struct audit_counters
{
	_Atomic uint64_t rows;		/* compared */
	_Atomic uint64_t rounds;	/* times that all boards were through */
	_Atomic uint64_t differences;	/* users whose rows were not right, and were rewritten */
};

/* Embedded by upkeep.h, which sets the first part. */
struct audit
{
	struct db  *db;
	struct board *board;		/* NULL: nothing to do */
	const char *position;		/* the batch's */
	long		rate;			/* rows a second; 0: nothing to do */
	struct audit_counters *counters;
	rebuild_done_fn *done;
	void	   *arg;

	/* Private. */
	bool		running;
	bool		last;			/* page of the board */
	uint64_t	now;			/* ms: when the page was begun */
	uint64_t	due_at;			/* ms */
	long		rows;			/* of the page */
	char		name[BOARD_NAME_MAX];	/* of the board; "" before the first of a round */
	struct board_place after;	/* where the page begins, and ends */
	struct board_place until;
	const char *values[5];
	struct db_query query;
};

/* In how many ms is a page due? 0: now. UINT64_MAX: never. `now` is loop_now(). */
uint64_t	audit_wait(const struct audit *audit, uint64_t now);

/*
 * Compare one page: when done() is called with REBUILD_MORE, it is right now; REBUILD_STALE and
 * REBUILD_HELD mean what they do in rebuild.h. done() is called once, not within this call, unless
 * the connection is lost first. To be called when Redis is attached, and nothing else is under way.
 */
void		audit_page(struct audit *audit, uint64_t now);

/* Forget the page on its way. */
void		audit_abandon(struct audit *audit);

#endif
