/*
 * statement.h - the SQL that calls a route's function, from what catalog.c
 * found out about it.
 */
#ifndef TIMETRACKR_STATEMENT_H
#define TIMETRACKR_STATEMENT_H

#include "catalog.h"

/* Ids of statements that are no route's; those of routes come before them. */
enum
{
	STATEMENT_IDENTITY = DB_STATEMENTS_MAX - 7,
	STATEMENT_LIVE_EVENTS,
	STATEMENT_LIVE_FOLLOWERS,
	STATEMENT_LIVE_USERS,
	STATEMENT_READY,
	STATEMENT_REPLAY,
	STATEMENT_WRITTEN
};

/* So many routes find room: each has two ids for statements: no route has both a CSV and a once. */
#define STATEMENT_ROUTES_MAX (STATEMENT_IDENTITY / 2)

/*
 * Build the statements of route number `id`, as catalog.h describes them; its
 * parameters, keys and shape are known. Sets `subject` too. False: out of memory.
 */
bool		statement_fill(struct catalog_route *route, int id, bool is_void);

#endif
