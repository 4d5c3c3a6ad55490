/*
 * db_blocking.h - queries that are waited for: for the start of the program
 * only, never on a thread that serves requests.
 */
#ifndef TIMETRACKR_DB_BLOCKING_H
#define TIMETRACKR_DB_BLOCKING_H

#include "db.h"

struct db_blocking;

/*
 * Connect, to the primary alone or to a standby too, and wait for it, at most `timeout` seconds; each
 * query gets as long. NULL with one line in `why` on failure.
 */
struct db_blocking *db_blocking_open(const char *url, bool any_server, int timeout, char *why, size_t why_size);

/*
 * Run one statement. NULL with one line in `why` on failure; else free the
 * result with db_result_free().
 */
struct db_result *db_blocking_query(struct db_blocking *db, const char *sql, int value_count,
									const char *const *values, char *why, size_t why_size);

/* See db_server_process(); 0: the connection is lost. */
int			db_blocking_server_process(const struct db_blocking *db);

void		db_blocking_close(struct db_blocking *db);

#endif
