/*
 * batch.h - one batch of outbox events: claimed, applied to the boards and
 * finished in one transaction, so that each event is applied at least once, and
 * is in the stream once.
 *
 * When to run one is the relay's business. Events that can't be applied are
 * noted with the reason (fail_events()) and come again later.
 */
#ifndef TIMETRACKR_BATCH_H
#define TIMETRACKR_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board.h"
#include "db.h"
#include "relay_metrics.h"
#include "text.h"

/* Most events of a batch. */
#define BATCH_EVENTS_MAX 500

enum batch_outcome
{
	BATCH_NOTHING,				/* no event is due */
	BATCH_DONE,					/* events were finished or failed; there may be more */
	BATCH_HELD,					/* nothing happened, through no fault of an event: try later */
	BATCH_STALE					/* nothing happened; what Redis holds must be looked at again */
};

typedef void batch_done_fn(void *arg, enum batch_outcome outcome);

/* Embedded by the relay; the first part is set by it before the first run. */
struct batch
{
	struct db  *db;
	struct board *board;		/* NULL: no Redis, or none now; events go into the stream only */
	const char *keep_seconds;	/* how long the stream keeps events */
	struct relay_metrics *metrics;
	void		(*working) (void *arg); /* called when events were found, before they are applied */
	batch_done_fn *done;
	/* So many events were given up, and why: SQLSTATE (empty: it was no error of the database) and message. */
	void		(*died) (void *arg, long events, const char *sqlstate, const char *message);
	void	   *arg;
	char		position[BOARD_POSITION_MAX];	/* the last finished one; moved on by a run */

	/* About the last run, for its caller. */
	int			claimed;		/* events */
	int64_t		age;			/* ms: of the oldest one claimed */

	/* Private. */
	bool		running;
	bool		refused;		/* a statement of this transaction failed */
	bool		unfinished;		/* there is more to tell or to prune, soon */
	int			limit;			/* most events to claim; smaller after an event broke a batch */
	int64_t		after_id;		/* claim events after this one */
	int64_t		first_id;		/* the least of those claimed */
	uint64_t	finished;		/* events that go into the stream */
	uint64_t	now;			/* ms: when the run began */
	uint64_t	whole_at;		/* ms: when all ids were looked at last */
	uint64_t	chores_at;		/* ms: when to finish even if there is no event */
	char		next[BOARD_POSITION_MAX];
	struct text ids;			/* arrays, as PostgreSQL writes them */
	struct text users;
	struct text failed;
	const char *reason;			/* why the failed ones do */
	char		sqlstate[6];	/* with which it begins; empty: with none */
	char		error[256];
	const char *values[4];
	struct db_query begin;
	struct db_query query;
	struct db_query end;
};

/*
 * Run one batch; done() is called once, not within this call, unless the connection
 * is lost first. `now` is loop_now(). `whole` looks at all events, also at those with an
 * old id that was committed late. False when the connection is not up.
 */
bool		batch_run(struct batch *batch, uint64_t now, bool whole);

/* The connection is lost: forget the run. */
void		batch_abandon(struct batch *batch);

/* Free what it holds. */
void		batch_free(struct batch *batch);

/* Is this SQLSTATE about the server's state or load, not about what was asked? */
bool		batch_error_passes(const char *sqlstate);

#endif
