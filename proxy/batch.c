/*
 * batch.c - claim, apply, finish: one transaction of the relay.
 *
 * Each step is started by the answer to the one before. A step that fails rolls
 * back and reports; nothing is deleted before Redis has acknowledged it.
 */
#include "batch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

/* How often to look at events of all ids, in ms (see batch_run()). */
#define WHOLE_INTERVAL 200

/* How often to finish without events, in ms: the stream is pruned, and what changed on boards told. */
#define CHORES_INTERVAL 60000
#define CHORES_SOON 1000

enum effect
{
	EFFECT_NONE,
	EFFECT_BOARDS				/* the user's scores or row may have changed */
};

/* Every topic of the outbox. A new topic is one row. */
static const struct
{
	const char *name;
	enum effect effect;
}			topics[] = {
	{"badge_awarded", EFFECT_BOARDS},
	{"badges_changed", EFFECT_NONE},
	{"entries_imported", EFFECT_BOARDS},
	{"notification_created", EFFECT_NONE},
	{"notifications_changed", EFFECT_NONE},
	{"profile_changed", EFFECT_BOARDS},
	{"project_changed", EFFECT_NONE},
	{"project_created", EFFECT_NONE},
	{"score_changed", EFFECT_BOARDS},
	{"time_entry_completed", EFFECT_BOARDS},
};

static void finish(struct batch *batch);

bool
batch_error_passes(const char *sqlstate)
{
	static const char *const classes[] = {"08", "25", "40", "53", "55", "57", "58"};

	for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
		if (strncmp(sqlstate, classes[i], 2) == 0)
			return true;
	return false;
}

/* Send a statement; on failure the connection is going down, which ends the run. */
static void
ask(struct batch *batch, struct db_query *query, const char *sql, int value_count,
	void (*done) (struct db_query *query, struct db_result *result))
{
	*query = (struct db_query) {
		.sql = sql, .value_count = value_count, .values = batch->values, .done = done, .arg = batch
	};
	if (!db_send(batch->db, query))
		db_reconnect(batch->db, "the relay cannot send a statement");
}

/* Add a number to an array as PostgreSQL writes it: {1,2,3 */
static void
add_number(struct text *array, int64_t number)
{
	text_printf(array, "%c%" PRId64, array->length == 0 ? '{' : ',', number);
}

/* The end of the transaction is known: report. After a rollback the next run begins with the oldest event again. */
static void
ended(struct batch *batch, enum batch_outcome outcome)
{
	batch->running = false;
	if (outcome == BATCH_HELD || outcome == BATCH_STALE)
		batch->after_id = 0;
	batch->done(batch->arg, outcome);
}

static void
held(struct db_query *query, struct db_result *result)
{
	struct batch *batch = query->arg;

	if (db_result_outcome(result) != DB_LOST && batch->running)
		ended(batch, BATCH_HELD);
}

static void
stale(struct db_query *query, struct db_result *result)
{
	struct batch *batch = query->arg;

	if (db_result_outcome(result) != DB_LOST && batch->running)
		ended(batch, BATCH_STALE);
}

static void
retried(struct db_query *query, struct db_result *result)
{
	struct batch *batch = query->arg;

	if (db_result_outcome(result) != DB_LOST && batch->running)
		ended(batch, BATCH_DONE);
}

/* A statement was refused for a reason that will pass, or must be looked into by a person. */
static void
hold(struct batch *batch, const struct db_result *result)
{
	log_event(LEVEL_ERROR, "relay_refused", "sqlstate", db_error_sqlstate(result),
			  "error", db_error_message(result), NULL);
	ask(batch, &batch->end, "ROLLBACK", 0, held);
}

/* An answer that is of no interest unless it is an error. */
static void
noted(struct db_query *query, struct db_result *result)
{
	struct batch *batch = query->arg;

	if (db_result_outcome(result) != DB_ERROR || !batch->running)
		return;
	batch->refused = true;
	log_event(LEVEL_ERROR, "relay_refused", "sqlstate", db_error_sqlstate(result),
			  "error", db_error_message(result), NULL);
}

static void
committed(struct db_query *query, struct db_result *result)
{
	struct batch *batch = query->arg;

	if (db_result_outcome(result) == DB_LOST || !batch->running)
		return;
	if (db_result_outcome(result) == DB_ERROR || batch->refused)
	{
		ended(batch, BATCH_STALE);
		return;
	}
	memcpy(batch->position, batch->next, sizeof batch->position);
	batch->chores_at = batch->now + (batch->unfinished ? CHORES_SOON : CHORES_INTERVAL);
	relay_count(&batch->metrics->events, batch->finished);
	relay_count(&batch->metrics->batches, batch->finished > 0);
	if (batch->limit < BATCH_EVENTS_MAX)
		batch->limit = batch->limit * 2 < BATCH_EVENTS_MAX ? batch->limit * 2 : BATCH_EVENTS_MAX;
	ended(batch, BATCH_DONE);
}

/* What could not be applied is noted; now what could be is finished. */
static void
failures_noted(struct db_query *query, struct db_result *result)
{
	struct batch *batch = query->arg;
	const char *dead;
	long		deaths;

	if (!batch->running || db_result_outcome(result) == DB_LOST)
		return;
	if (db_result_outcome(result) == DB_ERROR)
	{
		hold(batch, result);
		return;
	}
	dead = db_result_rows(result) == 1 ? db_result_value(result, 0, 0) : "0";
	log_event(LEVEL_ERROR, "relay_event_failed", "events", batch->failed.data, "error", batch->reason,
			  "dead", dead, NULL);
	deaths = strtol(dead, NULL, 10);
	relay_count(&batch->metrics->deaths, (uint64_t) deaths);
	if (deaths > 0)
		batch->died(batch->arg, deaths, batch->sqlstate,
					batch->sqlstate[0] != '\0' ? batch->error + strlen("00000: ") : batch->reason);
	relay_count(&batch->metrics->failures, (uint64_t) (batch->claimed - batch->finished));
	text_reset(&batch->failed);
	finish(batch);
}

/* The events are in the stream. */
static void
finished(struct db_query *query, struct db_result *result)
{
	struct batch *batch = query->arg;

	noted(query, result);
	batch->unfinished = db_result_outcome(result) == DB_OK && strcmp(db_result_value(result, 0, 0), "t") == 0;
}

/* Everything claimed has had its effect: note failures, move the others to the stream, commit. */
static void
finish(struct batch *batch)
{
	if (batch->failed.length > 0)
	{
		batch->values[0] = batch->failed.data;
		batch->values[1] = batch->reason;
		ask(batch, &batch->query, "SELECT timetrackr.fail_events($1::bigint[], $2)", 2, failures_noted);
		return;
	}
	batch->values[0] = batch->ids.length > 0 ? batch->ids.data : "{}";
	batch->values[1] = batch->position;
	batch->values[2] = batch->next;
	batch->values[3] = batch->keep_seconds;
	ask(batch, &batch->query, "SELECT timetrackr.finish_events($1::bigint[], $2, $3, $4::integer)", 4, finished);
	ask(batch, &batch->end, "COMMIT", 0, committed);
}

static void
applied(void *arg, enum board_answer answer, const char *name)
{
	struct batch *batch = arg;

	(void) name;
	if (answer == BOARD_OK)
		finish(batch);
	else
		ask(batch, &batch->end, "ROLLBACK", 0, answer == BOARD_STALE ? stale : held);
}

/*
 * The changes could not be read, and the transaction is rolled back: with several
 * events go on one by one, to find the one; with one, note that it failed.
 */
static void
isolate(struct batch *batch, const struct db_result *result)
{
	if (batch->claimed > 1)
	{
		batch->limit = 1;
		if (batch->after_id >= batch->first_id)
			batch->after_id = batch->first_id - 1;
		ask(batch, &batch->end, "ROLLBACK", 0, retried);
		return;
	}
	snprintf(batch->sqlstate, sizeof batch->sqlstate, "%s", db_error_sqlstate(result));
	snprintf(batch->error, sizeof batch->error, "%s: %s", batch->sqlstate, db_error_message(result));
	batch->reason = batch->error;
	text_reset(&batch->failed);
	text_printf(&batch->failed, "{%" PRId64 "}", batch->first_id);
	text_reset(&batch->ids);
	batch->finished = 0;
	memcpy(batch->next, batch->position, sizeof batch->next);
	ask(batch, &batch->begin, "ROLLBACK AND CHAIN", 0, noted);
	finish(batch);
}

static void
changes_read(struct db_query *query, struct db_result *result)
{
	struct batch *batch = query->arg;

	if (!batch->running || db_result_outcome(result) == DB_LOST)
		return;
	if (db_result_outcome(result) == DB_ERROR)
	{
		if (batch_error_passes(db_error_sqlstate(result)))
			hold(batch, result);
		else
			isolate(batch, result);
		return;
	}
	if (!board_random_name(batch->next) ||
		!board_apply(batch->board, batch->position, batch->next, db_result_value(result, 0, 0), applied, batch))
		ask(batch, &batch->end, "ROLLBACK", 0, held);
}

/* Sort one event into those that need Redis, those that fail, and the rest. */
static void
take_event(struct batch *batch, int64_t id, const char *topic, const char *user_id)
{
	for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++)
	{
		if (strcmp(topics[i].name, topic) != 0)
			continue;
		if (topics[i].effect == EFFECT_BOARDS && user_id == NULL)
			break;
		if (topics[i].effect == EFFECT_BOARDS)
			add_number(&batch->users, strtoll(user_id, NULL, 10));
		add_number(&batch->ids, id);
		batch->finished++;
		return;
	}
	batch->reason = "the proxy does not know the topic, or the payload has no user_id that could be one";
	add_number(&batch->failed, id);
}

/* Sort the claimed events; false, and the lists are usable again, when memory is out. */
static bool
take_events(struct batch *batch, const struct db_result *result)
{
	text_reset(&batch->ids);
	text_reset(&batch->users);
	text_reset(&batch->failed);
	batch->sqlstate[0] = '\0';
	batch->age = 0;
	batch->finished = 0;
	batch->first_id = INT64_MAX;
	for (int row = 0; row < batch->claimed; row++)
	{
		int64_t		id = strtoll(db_result_value(result, row, 0), NULL, 10);
		int64_t		age = strtoll(db_result_value(result, row, 3), NULL, 10);

		take_event(batch, id, db_result_value(result, row, 1), db_result_value(result, row, 2));
		batch->first_id = id < batch->first_id ? id : batch->first_id;
		if (strcmp(db_result_value(result, row, 4), "t") == 0)
			batch->after_id = id;
		batch->age = age > batch->age ? age : batch->age;
	}
	if (batch->ids.length > 0)
		text_add_char(&batch->ids, '}');
	if (batch->users.length > 0)
		text_add_char(&batch->users, '}');
	if (batch->failed.length > 0)
		text_add_char(&batch->failed, '}');
	if (!batch->ids.failed && !batch->users.failed && !batch->failed.failed)
		return true;
	batch_free(batch);
	return false;
}

static void
nothing(struct db_query *query, struct db_result *result)
{
	struct batch *batch = query->arg;

	if (db_result_outcome(result) != DB_LOST && batch->running)
		ended(batch, BATCH_NOTHING);
}

/* No event is due; at times there is something else to do. */
static void
no_event(struct batch *batch)
{
	/* After the last of the newer ids; the next run looks at all of them. */
	bool		all = batch->after_id == 0;

	batch->after_id = 0;
	if (all && batch->now >= batch->chores_at)
	{
		text_reset(&batch->ids);
		text_reset(&batch->failed);
		batch->finished = 0;
		finish(batch);
	}
	else
		ask(batch, &batch->end, "COMMIT", 0, all ? nothing : retried);
}

/* Events are locked; see what they need. */
static void
claimed(struct db_query *query, struct db_result *result)
{
	struct batch *batch = query->arg;

	if (!batch->running || db_result_outcome(result) == DB_LOST)
		return;
	if (db_result_outcome(result) == DB_ERROR)
	{
		hold(batch, result);
		return;
	}
	if (batch->refused)
	{
		/* There is no transaction, so nothing is locked. */
		ask(batch, &batch->end, "ROLLBACK", 0, held);
		return;
	}
	batch->claimed = db_result_rows(result);
	memcpy(batch->next, batch->position, sizeof batch->next);
	if (batch->claimed == 0)
	{
		no_event(batch);
		return;
	}
	batch->working(batch->arg);
	if (!take_events(batch, result))
		ask(batch, &batch->end, "ROLLBACK", 0, held);
	else if (batch->users.length == 0)
		finish(batch);
	else if (batch->board == NULL)
	{
		/* A Redis that is used again later must know that it missed something. */
		if (board_random_name(batch->next))
			finish(batch);
		else
			ask(batch, &batch->end, "ROLLBACK", 0, held);
	}
	else
	{
		batch->values[0] = batch->users.data;
		ask(batch, &batch->query, "SELECT timetrackr.board_changes($1::bigint[])", 1, changes_read);
	}
}

bool
batch_run(struct batch *batch, uint64_t now, bool whole)
{
	char		limit[16];
	char		after[24];
	const char *values[] = {limit, after};

	if (!db_is_up(batch->db))
		return false;
	if (batch->limit == 0)
		batch->limit = BATCH_EVENTS_MAX;
	/*
	 * Going on after the last id spares walking over the index entries of
	 * deleted events; ids that were committed late are found a little later.
	 */
	if (whole || now >= batch->whole_at + WHOLE_INTERVAL)
		batch->after_id = 0;
	if (batch->after_id == 0)
		batch->whole_at = now;
	batch->now = now;
	batch->running = true;
	batch->refused = false;
	batch->claimed = 0;
	snprintf(limit, sizeof limit, "%d", batch->limit);
	snprintf(after, sizeof after, "%" PRId64, batch->after_id);
	ask(batch, &batch->begin, "BEGIN", 0, noted);
	memcpy(batch->values, values, sizeof values);
	ask(batch, &batch->query, "SELECT event_id, topic, user_id, age_ms, in_order"
		" FROM timetrackr.claim_events($1::integer, $2::bigint)", 2, claimed);
	return true;
}

void
batch_abandon(struct batch *batch)
{
	batch->running = false;
	batch->after_id = 0;
}

void
batch_free(struct batch *batch)
{
	text_free(&batch->ids);
	text_free(&batch->users);
	text_free(&batch->failed);
}
