/*
 * pipeline.h - the queries in flight on one connection, in the order sent.
 *
 * A query is followed by a sync point and reported only when that has come
 * back, since an error of the commit arrives between the two. Queries that are
 * joined share a sync point, and so a commit. Queries that only read may share
 * one, too, and are reported as they come: libpq sends at each sync point, so
 * sharing saves a system call each on both sides.
 */
#ifndef TIMETRACKR_PIPELINE_H
#define TIMETRACKR_PIPELINE_H

#include "db.h"
#include "pg.h"

struct pipeline
{
	struct loop *loop;
	struct pg_conn *conn;		/* NULL: none, and then no query is in flight */
	struct db_query *head;		/* oldest first */
	struct db_query *reading;	/* whose answer is next; those before it wait for their sync point */
	struct db_query *tail;
	size_t		in_flight;
	uint64_t	head_since;		/* ms: since when the head is the head */
	const char *broken;			/* why the session cannot be used on; NULL: it can */
	bool		unflushed;		/* something may wait to be sent */
	int			group;			/* queries sent without their sync point yet */
	bool		answered;		/* a result of the present part of what is read is there */
	bool		prepared[DB_STATEMENTS_MAX];
};

/* Begin on a new connection, in pipeline mode. */
void		pipeline_begin(struct pipeline *pipeline, struct pg_conn *conn);

/* Add a query; false when libpq refuses it, which breaks the session. */
bool		pipeline_send(struct pipeline *pipeline, struct db_query *query);

/* Send what is queued: 0 all sent, 1 the socket is full, -1 failed. */
int			pipeline_flush(struct pipeline *pipeline);

/* Report whatever libpq has ready. */
void		pipeline_read(struct pipeline *pipeline);

/* The connection is lost: report every query in flight. `conn` is not touched any more. */
void		pipeline_fail(struct pipeline *pipeline);

#endif
