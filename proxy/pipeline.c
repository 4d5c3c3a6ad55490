/*
 * pipeline.c - sends queries and sorts the answers.
 */
#include "pipeline.h"

#include <stdio.h>
#include <string.h>

#define GROUP_MAX 8				/* queries that share a sync point */
#define STATEMENT_NAME_SIZE 5

_Static_assert(DB_STATEMENTS_MAX <= 1000, "three digits are enough for a name");

void
pipeline_begin(struct pipeline *pipeline, struct pg_conn *conn)
{
	*pipeline = (struct pipeline) {.loop = pipeline->loop, .conn = conn};
}

/* Take the oldest query out and report what became of it. */
static void
finish_head(struct pipeline *pipeline, enum db_outcome outcome)
{
	struct db_query *query = pipeline->head;
	struct db_result result = {.rows = pipeline->pending, .outcome = outcome};

	pipeline->pending = NULL;
	pipeline->pending_is_error = false;
	pipeline->pending_is_skipped = false;
	pipeline->head = query->next;
	if (pipeline->head == NULL)
		pipeline->tail = NULL;
	pipeline->in_flight--;
	pipeline->head_since = loop_now(pipeline->loop);
	query->next = NULL;
	query->done(query, &result);
	if (!result.kept)
		pg_clear(result.rows);
}

/* Note a result of the oldest query. What its Parse gives is of no interest; an error stands. */
static void
note_result(struct pipeline *pipeline, enum pg_event event, struct pg_result *rows)
{
	pipeline->answered = true;
	if (event == PG_SKIPPED)
		pipeline->pending_is_skipped = !pipeline->pending_is_error;
	else if (pipeline->pending_is_error || (event == PG_ROWS && pipeline->head->parts > 1))
		pg_clear(rows);
	else
	{
		pg_clear(pipeline->pending);
		pipeline->pending = rows;
		pipeline->pending_is_error = event == PG_ERROR;
	}
}

/* What became of the oldest query, now that its sync is here or never will be. */
static enum db_outcome
head_outcome(const struct pipeline *pipeline, bool synced)
{
	struct db_result result = {.rows = pipeline->pending};

	if (synced && pipeline->pending_is_skipped)
		return DB_SKIPPED;
	if (!pipeline->pending_is_error)
		return synced && pipeline->pending != NULL ? DB_OK : DB_LOST;
	/* libpq makes up an error without SQLSTATE when the connection breaks */
	return *db_error_sqlstate(&result) != '\0' ? DB_ERROR : DB_LOST;
}

/* A statement that was not parsed, or that the server forgot, is to be prepared again. */
static void
forget_statement(struct pipeline *pipeline)
{
	struct db_result result = {.rows = pipeline->pending};
	const char *sqlstate = db_error_sqlstate(&result);

	if (pipeline->head->statement == NULL)
		return;
	if (pipeline->head->prepares)
		pipeline->prepared[pipeline->head->statement->id] = false;
	else if (strcmp(sqlstate, "26000") == 0 || strcmp(sqlstate, "0A000") == 0)
		pipeline->broken = "a prepared statement is out of date";
}

static void
finish_answered(struct pipeline *pipeline)
{
	if (pipeline->pending_is_error || pipeline->pending_is_skipped)
		forget_statement(pipeline);
	finish_head(pipeline, head_outcome(pipeline, true));
}

/* One command of the oldest query is answered; a grouped query is finished with its last one. */
static void
end_part(struct pipeline *pipeline)
{
	struct db_query *head = pipeline->head;

	pipeline->answered = false;
	/* its Parse is the first of two */
	if (head->parts == 2 && !pipeline->pending_is_error && !pipeline->pending_is_skipped)
		head->prepares = false;
	if (--head->parts == 0 && head->grouped)
		finish_answered(pipeline);
}

void
pipeline_read(struct pipeline *pipeline)
{
	int			gaps = 0;		/* one ends each command; two in a row: nothing is there */

	while (pipeline->head != NULL && gaps < 2)
	{
		struct pg_result *rows = NULL;
		enum pg_event event = pg_next(pipeline->conn, &rows);

		gaps = event == PG_GAP ? gaps + 1 : 0;
		if (event == PG_NOTHING)
			return;
		if (event == PG_GAP && pipeline->answered)
			end_part(pipeline);
		else if (event == PG_SYNC && pipeline->head->parts == 0)
			finish_answered(pipeline);
		else if (event != PG_GAP && event != PG_SYNC)
			note_result(pipeline, event, rows);
	}
}

/* End a group with its sync point. */
static bool
end_group(struct pipeline *pipeline)
{
	pipeline->group = 0;
	return pg_sync(pipeline->conn);
}

/* Statements are named s000, s001 … */
static void
name_statement(char name[STATEMENT_NAME_SIZE], int id)
{
	name[0] = 's';
	for (int at = STATEMENT_NAME_SIZE - 2; at > 0; at--, id /= 10)
		name[at] = (char) ('0' + id % 10);
	name[STATEMENT_NAME_SIZE - 1] = '\0';
}

/* Hand one query, its Parse if it needs one, and mostly a sync point to libpq. */
static bool
queue_query(struct pipeline *pipeline, struct db_query *query)
{
	const struct db_statement *statement = query->statement;
	char		name[STATEMENT_NAME_SIZE];
	bool		queued;

	if (!query->grouped && pipeline->group > 0 && !end_group(pipeline))
		return false;
	query->prepares = statement != NULL && !pipeline->prepared[statement->id];
	query->parts = query->prepares ? 2 : 1;
	if (statement == NULL)
		queued = pg_query(pipeline->conn, NULL, query->sql, query->value_count, query->values);
	else
	{
		name_statement(name, statement->id);
		if (query->prepares && !pg_prepare(pipeline->conn, name, statement->sql))
			return false;
		pipeline->prepared[statement->id] = true;
		queued = pg_query(pipeline->conn, name, NULL, query->value_count, query->values);
	}
	if (!queued)
		return false;
	if (query->grouped && ++pipeline->group < GROUP_MAX)
		return true;
	return end_group(pipeline);
}

bool
pipeline_send(struct pipeline *pipeline, struct db_query *query)
{
	if (!queue_query(pipeline, query))
	{
		/* libpq may hold a part of it, so the session cannot be used on */
		pipeline->broken = "libpq refuses a query";
		return false;
	}
	query->next = NULL;
	if (pipeline->head == NULL)
	{
		pipeline->head = query;
		pipeline->head_since = loop_now(pipeline->loop);
	}
	else
		pipeline->tail->next = query;
	pipeline->tail = query;
	pipeline->in_flight++;
	pipeline->unflushed = true;
	return true;
}

int
pipeline_flush(struct pipeline *pipeline)
{
	if (pipeline->group > 0 && !end_group(pipeline))
		return -1;
	return pg_flush(pipeline->conn);
}

void
pipeline_fail(struct pipeline *pipeline)
{
	pipeline->conn = NULL;
	pipeline->broken = NULL;
	pipeline->unflushed = false;
	while (pipeline->head != NULL)
		finish_head(pipeline, head_outcome(pipeline, false));
}
