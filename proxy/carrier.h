/*
 * carrier.h - events of one node's stream into another node's outbox, on a database of several nodes
 * (sql/48_carry.sql). The outbox notes how far it has come, so each event is carried once, whoever does it.
 */
#ifndef TIMETRACKR_CARRIER_H
#define TIMETRACKR_CARRIER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "db.h"
#include "loop.h"
#include "text.h"

/* Longest number of a node or an event, as text. */
#define CARRIER_NUMBER_MAX 24

/* Embedded by nodes.c, which sets the first part. */
struct carrier
{
	struct loop *loop;
	struct db  *source;
	struct db  *target;
	const char *name;			/* for the log */
	_Atomic int64_t *stuck;		/* set to 1 while it ought to work and does not, else 0 */

	/* Private. */
	bool		works;
	bool		running;		/* something is asked */
	bool		again;			/* the source has news */
	char		origin[CARRIER_NUMBER_MAX];	/* the source's number; "": not known yet */
	char		reader[CARRIER_NUMBER_MAX];	/* the target's */
	char		noted[CARRIER_NUMBER_MAX];	/* how far the target says that it has come */
	char		position[CARRIER_NUMBER_MAX];	/* and how far there is nothing to carry */
	char		last[CARRIER_NUMBER_MAX];	/* of what is being carried */
	bool		is_full;		/* and there may be more */
	struct text events;
	uint64_t	noted_at;		/* ms */
	struct loop_timer timer;
	const char *values[4];
	struct db_query query;
};

/* Work, as long as both connections are up, or do not: for want of one, or since another process does. */
void		carrier_work(struct carrier *carrier, bool works, bool is_wanted);

/* The source has told that its stream goes on. */
void		carrier_hear(struct carrier *carrier);

/* Before the connections are closed. */
void		carrier_stop(struct carrier *carrier);

#endif
