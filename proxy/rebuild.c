/*
 * rebuild.c - pages of a board from PostgreSQL to Redis.
 *
 * Pages go down the board by (score, user id), as its index does. A user whose
 * score changes meanwhile may be seen twice or not at all; the event of that
 * change puts it right.
 */
#include "rebuild.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"

/* Rows of a page: a script of this size takes Redis about a millisecond. */
#define PAGE_ROWS 500
#define TEXT_OF(number) #number
#define TEXT_OF_VALUE(number) TEXT_OF(number)

void
rebuild_start(struct rebuild *rebuild, const char *name)
{
	snprintf(rebuild->name, sizeof rebuild->name, "%s", name);
	snprintf(rebuild->after_score, sizeof rebuild->after_score, "%" PRId64, INT64_MAX);
	snprintf(rebuild->after_user_id, sizeof rebuild->after_user_id, "0");
	rebuild->rows = 0;
}

void
rebuild_abandon(struct rebuild *rebuild)
{
	rebuild->running = false;
	rebuild->name[0] = '\0';
}

static void
ended(struct rebuild *rebuild, enum rebuild_outcome outcome)
{
	rebuild->running = false;
	if (outcome == REBUILD_DONE)
	{
		char		rows[24];

		snprintf(rows, sizeof rows, "%" PRIu64, rebuild->rows);
		log_event(LEVEL_INFO, "relay_board_built", "board", rebuild->name, "rows", rows, NULL);
	}
	if (outcome != REBUILD_MORE)
		rebuild->name[0] = '\0';
	rebuild->done(rebuild->arg, outcome);
}

/* Redis has answered to the page. */
static void
written(void *arg, enum board_answer answer, const char *name)
{
	struct rebuild *rebuild = arg;

	(void) name;
	if (!rebuild->running)
		return;
	if (answer == BOARD_OK)
		ended(rebuild, rebuild->last ? REBUILD_DONE : REBUILD_MORE);
	else
		ended(rebuild, answer == BOARD_STALE ? REBUILD_STALE : REBUILD_HELD);
}

/* PostgreSQL has answered with a page. */
static void
read_page(struct db_query *query, struct db_result *result)
{
	struct rebuild *rebuild = query->arg;
	bool		first = rebuild->rows == 0;
	long		rows;

	if (!rebuild->running || db_result_outcome(result) == DB_LOST)
		return;
	if (db_result_outcome(result) == DB_ERROR)
	{
		log_event(LEVEL_ERROR, "relay_refused", "sqlstate", db_error_sqlstate(result),
				  "error", db_error_message(result), NULL);
		ended(rebuild, REBUILD_HELD);
		return;
	}
	if (db_result_rows(result) == 0)
	{
		ended(rebuild, REBUILD_GONE);
		return;
	}
	rows = strtol(db_result_value(result, 0, 1), NULL, 10);
	rebuild->last = rows < PAGE_ROWS;
	rebuild->rows += (uint64_t) rows;
	if (rows > 0)
	{
		snprintf(rebuild->after_score, sizeof rebuild->after_score, "%s", db_result_value(result, 0, 2));
		snprintf(rebuild->after_user_id, sizeof rebuild->after_user_id, "%s", db_result_value(result, 0, 3));
	}
	if (!board_build(rebuild->board, rebuild->position, first, rebuild->last,
					 db_result_value(result, 0, 0), written, rebuild))
		ended(rebuild, REBUILD_HELD);
}

void
rebuild_page(struct rebuild *rebuild)
{
	rebuild->running = true;
	rebuild->values[0] = rebuild->name;
	rebuild->values[1] = rebuild->after_score;
	rebuild->values[2] = rebuild->after_user_id;
	rebuild->values[3] = TEXT_OF_VALUE(PAGE_ROWS);
	rebuild->query = (struct db_query) {
		.sql = "SELECT page, row_count, last_score, last_user_id"
		" FROM timetrackr.board_page($1, $2::bigint, $3::bigint, $4::integer)",
		.value_count = 4, .values = rebuild->values, .done = read_page, .arg = rebuild
	};
	if (!db_send(rebuild->db, &rebuild->query))
		db_reconnect(rebuild->db, "the relay cannot send a statement");
}
