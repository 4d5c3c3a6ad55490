/*
 * rebuild.h - one board of Redis made anew from PostgreSQL, page by page.
 *
 * The relay runs pages and batches of events in turns: a page is written before
 * the next events are claimed, so events that change what the page showed are
 * applied after it, and nothing is lost.
 */
#ifndef TIMETRACKR_REBUILD_H
#define TIMETRACKR_REBUILD_H

#include <stdbool.h>
#include <stdint.h>

#include "board.h"
#include "db.h"

enum rebuild_outcome
{
	REBUILD_MORE,				/* a page was written, others follow */
	REBUILD_DONE,				/* the board is whole and in its place */
	REBUILD_GONE,				/* it is live no more */
	REBUILD_STALE,				/* what Redis holds must be looked at again */
	REBUILD_HELD				/* PostgreSQL or Redis refuses: try again later */
};

typedef void rebuild_done_fn(void *arg, enum rebuild_outcome outcome);

/* Embedded by the relay, which sets the first part. */
struct rebuild
{
	struct db  *db;
	struct board *board;
	const char *position;		/* the batch's */
	rebuild_done_fn *done;
	void	   *arg;

	char		name[BOARD_NAME_MAX];	/* "" while nothing is to be built */
	uint64_t	rows;			/* written so far */

	/* Private. */
	bool		running;
	bool		last;
	char		after_score[24];
	char		after_user_id[24];
	const char *values[4];
	struct db_query query;
};

/* Begin with a board. */
void		rebuild_start(struct rebuild *rebuild, const char *name);

/* Write one page. done() is called once, not within this call, unless the connection is lost first. */
void		rebuild_page(struct rebuild *rebuild);

/* Forget the board, and the page on its way. */
void		rebuild_abandon(struct rebuild *rebuild);

#endif
