/*
 * db_blocking.c - queries that are waited for, on a loop of their own.
 */
#include "db_blocking.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct db_blocking
{
	struct loop *loop;
	struct db  *db;
	struct loop_timer limit;
	uint64_t	timeout;		/* ms */
	bool		finished;		/* what is waited for has happened */
	char		why[256];		/* the latest reason for failing */
	struct db_result *result;
};

static void
finish(struct db_blocking *blocking)
{
	blocking->finished = true;
	loop_stop(blocking->loop);
}

static void
is_up(void *arg)
{
	finish(arg);
}

static void
was_refused(void *arg, const char *why)
{
	struct db_blocking *blocking = arg;

	snprintf(blocking->why, sizeof blocking->why, "%s", why);
	finish(blocking);
}

static void
too_slow(void *arg)
{
	struct db_blocking *blocking = arg;

	snprintf(blocking->why, sizeof blocking->why, "no answer within %u s",
			 (unsigned) (blocking->timeout / 1000));
	loop_stop(blocking->loop);
}

/* Run the loop until finish() or the time limit. */
static bool
wait_for_it(struct db_blocking *blocking)
{
	blocking->finished = false;
	loop_timer_set(blocking->loop, &blocking->limit, blocking->timeout, too_slow, blocking);
	if (!loop_run(blocking->loop))
		snprintf(blocking->why, sizeof blocking->why, "%s", strerror(errno));
	loop_timer_stop(blocking->loop, &blocking->limit);
	return blocking->finished;
}

struct db_blocking *
db_blocking_open(const char *url, bool any_server, int timeout, char *why, size_t why_size)
{
	struct db_blocking *blocking = calloc(1, sizeof *blocking);
	struct db_options options = {
		.url = url,
		.name = "timetrackr start",
		.any_server = any_server,
		.up = is_up,
		.refused = was_refused,
		.arg = blocking,
	};

	if (blocking != NULL)
	{
		blocking->timeout = (uint64_t) timeout * 1000;
		blocking->loop = loop_create();
		if (blocking->loop != NULL)
			blocking->db = db_open(blocking->loop, &options);
		snprintf(blocking->why, sizeof blocking->why, "out of memory or descriptors");
		if (blocking->db != NULL && wait_for_it(blocking) && db_is_up(blocking->db))
			return blocking;
	}
	snprintf(why, why_size, "%s", blocking != NULL ? blocking->why : "out of memory");
	db_blocking_close(blocking);
	return NULL;
}

static void
query_done(struct db_query *query, struct db_result *result)
{
	struct db_blocking *blocking = query->arg;

	if (db_result_outcome(result) == DB_OK)
		blocking->result = db_result_keep(result);
	else
		snprintf(blocking->why, sizeof blocking->why, "%s",
				 db_result_outcome(result) == DB_ERROR ? db_error_message(result)
				 : "connection lost");
	finish(blocking);
}

struct db_result *
db_blocking_query(struct db_blocking *blocking, const char *sql, int value_count,
				  const char *const *values, char *why, size_t why_size)
{
	struct db_query query = {
		.sql = sql,
		.value_count = value_count,
		.values = values,
		.done = query_done,
		.arg = blocking,
	};
	struct db_result *result;

	blocking->result = NULL;
	snprintf(blocking->why, sizeof blocking->why, "connection lost");
	if (blocking->db != NULL && db_send(blocking->db, &query) && !wait_for_it(blocking))
	{
		/* the query lives on this stack frame: end it before leaving */
		db_close(blocking->db);
		blocking->db = NULL;
	}
	result = blocking->result;
	blocking->result = NULL;
	if (result == NULL)
		snprintf(why, why_size, "%s", blocking->why);
	return result;
}

int
db_blocking_server_process(const struct db_blocking *blocking)
{
	return blocking->db != NULL && db_is_up(blocking->db) ? db_server_process(blocking->db) : 0;
}

void
db_blocking_close(struct db_blocking *blocking)
{
	if (blocking == NULL)
		return;
	db_close(blocking->db);
	loop_free(blocking->loop);
	db_result_free(blocking->result);
	free(blocking);
}
