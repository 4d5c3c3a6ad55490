/*
 * audit.c - one page from PostgreSQL, compared by a script in Redis; whoever
 * differs is rewritten from PostgreSQL as if an event had told of it.
 *
 * Pages go down a board, boards follow each other by name, and rounds each
 * other without end.
 */
#include "audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "log.h"

/* Rows of a page: comparing them takes Redis about a millisecond. */
#define PAGE_ROWS 500
#define TEXT_OF(number) #number
#define TEXT_OF_VALUE(number) TEXT_OF(number)

/* A page counts as so many rows at least: the shortest costs two round trips, too. */
#define ROWS_LEAST 250

uint64_t
audit_wait(const struct audit *audit, uint64_t now)
{
	if (audit->board == NULL || audit->rate == 0)
		return UINT64_MAX;
	return audit->due_at > now ? audit->due_at - now : 0;
}

void
audit_abandon(struct audit *audit)
{
	audit->running = false;
}

static void
begin_board(struct audit *audit)
{
	snprintf(audit->after.score, sizeof audit->after.score, "%" PRId64, INT64_MAX);
	snprintf(audit->after.user_id, sizeof audit->after.user_id, "0");
}

static void
ended(struct audit *audit, enum rebuild_outcome outcome)
{
	audit->running = false;
	audit->done(audit->arg, outcome);
}

/* The page is right now: go on after it, and keep to the rate. */
static void
page_ended(struct audit *audit)
{
	if (audit->last)
		begin_board(audit);
	else
		audit->after = audit->until;
	audit->due_at = audit->now +
		1000 * (uint64_t) (audit->rows > ROWS_LEAST ? audit->rows : ROWS_LEAST) / (uint64_t) audit->rate;
	atomic_fetch_add(&audit->counters->rows, (uint64_t) audit->rows);
	ended(audit, REBUILD_MORE);
}

/* There is no board after the last one. */
static void
round_ended(struct audit *audit)
{
	audit->name[0] = '\0';
	begin_board(audit);
	audit->last = true;
	atomic_fetch_add(&audit->counters->rounds, 1);
	ended(audit, REBUILD_MORE);
}

/* PostgreSQL has refused a statement. What is wrong with a user's row does not hold up the others. */
static void
refused(struct audit *audit, const struct db_result *result)
{
	log_event(LEVEL_ERROR, "relay_refused", "sqlstate", db_error_sqlstate(result),
			  "error", db_error_message(result), NULL);
	if (batch_error_passes(db_error_sqlstate(result)))
		ended(audit, REBUILD_HELD);
	else
		page_ended(audit);
}

static void
rewritten(void *arg, enum board_answer answer, const char *name)
{
	struct audit *audit = arg;

	(void) name;
	if (!audit->running)
		return;
	if (answer == BOARD_OK)
		page_ended(audit);
	else
		ended(audit, answer == BOARD_STALE ? REBUILD_STALE : REBUILD_HELD);
}

/* Those for whom no event waits are known, and how they ought to stand. */
static void
read_changes(struct db_query *query, struct db_result *result)
{
	struct audit *audit = query->arg;
	const char *count;

	if (!audit->running || db_result_outcome(result) == DB_LOST)
		return;
	if (db_result_outcome(result) == DB_ERROR)
	{
		refused(audit, result);
		return;
	}
	count = db_result_value(result, 0, 0);
	if (strcmp(count, "0") == 0)
	{
		page_ended(audit);
		return;
	}
	log_event(LEVEL_WARN, "relay_board_differed", "board", audit->name, "users", count, NULL);
	atomic_fetch_add(&audit->counters->differences, strtoull(count, NULL, 10));
	if (!board_apply(audit->board, audit->position, audit->position, db_result_value(result, 0, 1),
					 rewritten, audit))
		ended(audit, REBUILD_HELD);
}

/* Redis has compared the page. */
static void
compared(void *arg, enum board_answer answer, const char *users)
{
	struct audit *audit = arg;

	if (!audit->running)
		return;
	if (answer == BOARD_OK)
	{
		page_ended(audit);
		return;
	}
	if (answer != BOARD_DIFFERS)
	{
		ended(audit, answer == BOARD_STALE ? REBUILD_STALE : REBUILD_HELD);
		return;
	}
	audit->values[0] = users;
	audit->query = (struct db_query) {
		.sql = "SELECT cardinality(s.users), timetrackr.board_changes(s.users)"
		" FROM (SELECT timetrackr.settled_users($1::bigint[])) s (users)",
		.value_count = 1, .values = audit->values, .done = read_changes, .arg = audit
	};
	if (!db_send(audit->db, &audit->query))
		db_reconnect(audit->db, "the relay cannot send a statement");
}

/* PostgreSQL has answered with a page. */
static void
read_page(struct db_query *query, struct db_result *result)
{
	struct audit *audit = query->arg;

	if (!audit->running || db_result_outcome(result) == DB_LOST)
		return;
	if (db_result_outcome(result) == DB_ERROR)
	{
		refused(audit, result);
		return;
	}
	if (db_result_rows(result) == 0)
	{
		round_ended(audit);
		return;
	}
	snprintf(audit->name, sizeof audit->name, "%s", db_result_value(result, 0, 0));
	audit->rows = strtol(db_result_value(result, 0, 2), NULL, 10);
	audit->last = audit->rows < PAGE_ROWS;
	snprintf(audit->until.score, sizeof audit->until.score, "%s", audit->last ? "0" : db_result_value(result, 0, 3));
	snprintf(audit->until.user_id, sizeof audit->until.user_id, "%s",
			 audit->last ? "0" : db_result_value(result, 0, 4));
	if (!board_compare(audit->board, audit->position, db_result_value(result, 0, 1), &audit->after, &audit->until,
					   compared, audit))
		ended(audit, REBUILD_HELD);
}

void
audit_page(struct audit *audit, uint64_t now)
{
	bool		next = audit->last || audit->name[0] == '\0';

	audit->running = true;
	audit->now = now;
	if (audit->name[0] == '\0')
		begin_board(audit);
	audit->values[0] = audit->name;
	audit->values[1] = next ? "true" : "false";
	audit->values[2] = audit->after.score;
	audit->values[3] = audit->after.user_id;
	audit->values[4] = TEXT_OF_VALUE(PAGE_ROWS);
	/* A board that is live no more ends the round, as the last one does. */
	audit->query = (struct db_query) {
		.sql = "SELECT n.board, p.page, p.row_count, p.last_score, p.last_user_id"
		" FROM ("
		"SELECT l.board FROM timetrackr.live_boards() l"
		" WHERE CASE WHEN $2::boolean THEN l.board > $1 ELSE l.board = $1 END"
		" ORDER BY l.board LIMIT 1) n"
		" CROSS JOIN LATERAL timetrackr.board_page(n.board, $3::bigint, $4::bigint, $5::integer) p",
		.value_count = 5, .values = audit->values, .done = read_page, .arg = audit
	};
	if (!db_send(audit->db, &audit->query))
		db_reconnect(audit->db, "the relay cannot send a statement");
}
