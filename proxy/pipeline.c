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
	struct db_result result = {.rows = query->rows, .outcome = outcome};

	query->rows = NULL;
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

/* Note a result of a query. What its Parse gives is of no interest; an error stands. */
static void
note_result(struct db_query *query, enum pg_event event, struct pg_result *rows)
{
	if (event == PG_SKIPPED)
		query->is_skipped = !query->is_error;
	else if (query->is_error || (event == PG_ROWS && query->parts > 1))
		pg_clear(rows);
	else
	{
		pg_clear(query->rows);
		query->rows = rows;
		query->is_error = event == PG_ERROR;
	}
}

static bool
has_failed(const struct db_query *query)
{
	return query->is_error || query->is_skipped;
}

/* What became of a query, now that its sync point is here, in a transaction that failed or did not, or never will be. */
static enum db_outcome
outcome_of(const struct db_query *query, bool synced, bool transaction_failed)
{
	struct db_result result = {.rows = query->rows};

	/* libpq makes up an error without SQLSTATE when the connection breaks */
	if (query->is_error)
		return *db_error_sqlstate(&result) != '\0' ? DB_ERROR : DB_LOST;
	if (!synced)
		return DB_LOST;
	if (transaction_failed)
		return DB_SKIPPED;
	if (query->rows == NULL)
		return DB_LOST;
	return query->statement != NULL && query->statement->tells_refusals && pg_is_refusal(query->rows) ? DB_ERROR : DB_OK;
}

/* A statement that was not parsed, or that the server forgot, is to be prepared again. */
static void
forget_statement(struct pipeline *pipeline, const struct db_query *query)
{
	struct db_result result = {.rows = query->rows};
	const char *sqlstate = db_error_sqlstate(&result);

	if (query->statement == NULL || !has_failed(query))
		return;
	if (query->prepares)
		pipeline->prepared[query->statement->id] = false;
	else if (strcmp(sqlstate, "26000") == 0 || strcmp(sqlstate, "0A000") == 0)
		pipeline->broken = "a prepared statement is out of date";
}

/* Report everything up to what was read last: one transaction, or one query of a group of reads. */
static void
finish_read(struct pipeline *pipeline)
{
	const struct db_query *last = pipeline->reading;
	bool		failed = false;
	bool		is_last = false;

	for (const struct db_query *query = pipeline->head; query != last->next; query = query->next)
	{
		failed = failed || has_failed(query);
		forget_statement(pipeline, query);
	}
	pipeline->reading = last->next;
	while (!is_last)
	{
		is_last = pipeline->head == last;
		finish_head(pipeline, outcome_of(pipeline->head, true, failed));
	}
}

/* One command is answered. After the last one of a query it is the next one's turn, or that of a sync point. */
static void
end_part(struct pipeline *pipeline)
{
	struct db_query *query = pipeline->reading;

	pipeline->answered = false;
	if (query->parts == 0)
		return;					/* an error of the commit */
	/* its Parse is the first of two */
	if (query->parts == 2 && !has_failed(query))
		query->prepares = false;
	if (--query->parts > 0)
		return;
	if (query->grouped)
		finish_read(pipeline);
	else if (query->joined)
		pipeline->reading = query->next;
}

void
pipeline_read(struct pipeline *pipeline)
{
	int			gaps = 0;		/* one ends each command; two in a row: nothing is there */

	while (pipeline->reading != NULL && gaps < 2)
	{
		struct pg_result *rows = NULL;
		enum pg_event event = pg_next(pipeline->conn, &rows);

		gaps = event == PG_GAP ? gaps + 1 : 0;
		if (event == PG_NOTHING)
			return;
		if (event == PG_GAP && pipeline->answered)
			end_part(pipeline);
		else if (event == PG_SYNC && pipeline->reading->parts == 0)
			finish_read(pipeline);
		else if (event != PG_GAP && event != PG_SYNC)
		{
			note_result(pipeline->reading, event, rows);
			pipeline->answered = true;
		}
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
	struct pg_binary binary = {0};
	bool		queued;

	if (!query->grouped && pipeline->group > 0 && !end_group(pipeline))
		return false;
	query->prepares = statement != NULL && !pipeline->prepared[statement->id];
	query->parts = query->prepares ? 2 : 1;
	query->rows = NULL;
	query->is_error = false;
	query->is_skipped = false;
	if (statement == NULL)
		queued = pg_query(pipeline->conn, NULL, query->sql, query->value_count, query->values, &binary);
	else
	{
		name_statement(name, statement->id);
		if (query->prepares && !pg_prepare(pipeline->conn, name, statement->sql))
			return false;
		pipeline->prepared[statement->id] = true;
		binary = (struct pg_binary) {statement->binary_value, query->binary_length, statement->binary_result};
		queued = pg_query(pipeline->conn, name, NULL, query->value_count, query->values, &binary);
	}
	if (!queued || query->joined)
		return queued;
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
	if (pipeline->reading == NULL)
		pipeline->reading = query;
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
	pipeline->reading = NULL;
	while (pipeline->head != NULL)
		finish_head(pipeline, outcome_of(pipeline->head, false, false));
}
