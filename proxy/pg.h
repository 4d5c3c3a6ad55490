/*
 * pg.h - what db.c needs of libpq, in its own words: a connection in pipeline
 * mode, and results. pg.c is the only user of libpq, and knows no loop and no
 * state machine. The results' accessors are declared in db.h.
 */
#ifndef TIMETRACKR_PG_H
#define TIMETRACKR_PG_H

#include <stdbool.h>

#include "db.h"

/* libpq's own types, under their own names; opaque outside pg.c. */
struct pg_conn;
struct pg_result;

struct db_result
{
	struct pg_result *rows;		/* NULL when the connection was lost */
	enum db_outcome outcome;
	bool		kept;			/* somebody else frees the rows */
};

enum pg_progress
{
	PG_WANTS_READ,
	PG_WANTS_WRITE,
	PG_CONNECTED,
	PG_FAILED
};

enum pg_event
{
	PG_NOTHING,					/* nothing is there without waiting */
	PG_GAP,						/* the end of one command's results */
	PG_ROWS,					/* a result that says success */
	PG_ERROR,					/* a result that says failure */
	PG_SKIPPED,					/* not run, because of an error before it */
	PG_SYNC						/* a sync point came back: what precedes it is committed */
};

/* Start to connect, to a primary alone if asked to; NULL when memory is out. Wait for the socket to be writable, then pg_poll(). */
struct pg_conn *pg_start(const char *url, const char *name, bool to_primary);

/* Take one step of connecting. */
enum pg_progress pg_poll(struct pg_conn *conn);

/* Enter nonblocking pipeline mode, once connected. */
bool		pg_enter_pipeline(struct pg_conn *conn);

void		pg_finish(struct pg_conn *conn);
int			pg_socket(const struct pg_conn *conn);
int			pg_server_process(const struct pg_conn *conn);
bool		pg_is_bad(const struct pg_conn *conn);
const char *pg_error(const struct pg_conn *conn);

/* What of a query is not in text format. All zero: nothing. */
struct pg_binary
{
	int			value;			/* $n; 0: none */
	size_t		length;			/* of that value */
	bool		result;
};

/* Queue a Parse; a query by its text or, when `name` is set, of a prepared statement; a sync point. */
bool		pg_prepare(struct pg_conn *conn, const char *name, const char *sql);
bool		pg_query(struct pg_conn *conn, const char *name, const char *sql, int value_count,
					 const char *const *values, const struct pg_binary *binary);
bool		pg_sync(struct pg_conn *conn);

/* Send what is queued: 0 all sent, 1 the socket is full, -1 failed. */
int			pg_flush(struct pg_conn *conn);

/* Read what the socket has; false when the connection is gone. */
bool		pg_receive(struct pg_conn *conn);

/* Take the next event. With PG_ROWS and PG_ERROR, `rows` is to be freed by pg_clear(). */
enum pg_event pg_next(struct pg_conn *conn, struct pg_result **rows);
void		pg_clear(struct pg_result *rows);

/* Of a statement that tells refusals by a row: is it one? The fields of the error are in it then. */
bool		pg_is_refusal(const struct pg_result *rows);

/* Deliver all notifications that have arrived. */
void		pg_notifications(struct pg_conn *conn, void (*notified) (void *arg, const char *channel,
																	  const char *payload), void *arg);

#endif
