/*
 * statement.h - the SQL that calls a route's function, from what catalog.c
 * found out about it.
 */
#ifndef TIMETRACKR_STATEMENT_H
#define TIMETRACKR_STATEMENT_H

#include "catalog.h"

/* So many routes find room: each has two ids for statements, and the last id of all is not a route's. */
#define STATEMENT_ROUTES_MAX ((DB_STATEMENTS_MAX - 1) / 2)

/*
 * Build the statements of route number `id`, as catalog.h describes them; its
 * parameters, keys and shape are known. Sets `subject` too. False: out of memory.
 */
bool		statement_fill(struct catalog_route *route, int id, bool is_void);

#endif
