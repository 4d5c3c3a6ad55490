/*
 * carrier.c - who are you both, how far have you come, what is next, take it: one question after the other.
 *
 * What is known of the two is forgotten with either connection, and after any error.
 */
#include "carrier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

/* All in ms. */
#define LOOK_INTERVAL 250		/* a source that cannot notify is looked at */
#define PAUSE 1000				/* after an error */
#define NOTE_INTERVAL 60000		/* how far there was nothing to carry is noted */

#define EVENTS_MAX 500
#define TEXT_OF(value) TEXT_OF_VALUE(value)
#define TEXT_OF_VALUE(value) #value

static void look(void *arg);
static void begin(void *arg);

typedef void answered_fn(struct db_query *query, struct db_result *result);

/* False: the connection is going down, which is told. */
static bool
ask(struct carrier *carrier, struct db *db, const char *sql, int value_count, answered_fn *answered)
{
	carrier->query = (struct db_query) {
		.sql = sql, .value_count = value_count, .values = carrier->values, .done = answered, .arg = carrier
	};
	carrier->running = db_send(db, &carrier->query);
	return carrier->running;
}

static void
wait_for(struct carrier *carrier, uint64_t delay, loop_timer_fn *then)
{
	loop_timer_set(carrier->loop, &carrier->timer, delay, then, carrier);
}

/* Is an answer good? If not, begin again later. */
static bool
is_good(struct carrier *carrier, const struct db_result *result)
{
	carrier->running = false;
	if (!carrier->works)
		return false;
	if (db_result_outcome(result) == DB_OK && db_result_rows(result) == 1)
	{
		atomic_store(carrier->stuck, 0);
		return true;
	}
	atomic_store(carrier->stuck, 1);
	if (db_result_outcome(result) == DB_ERROR)
		log_event(LEVEL_WARN, "carrier_refused", "node", carrier->name, "sqlstate", db_error_sqlstate(result),
				  "error", db_error_message(result), NULL);
	*carrier->origin = '\0';
	wait_for(carrier, PAUSE, begin);
	return false;
}

/* Copy a number; NULL is "". */
static void
keep(char place[CARRIER_NUMBER_MAX], const struct db_result *result, int column)
{
	const char *value = db_result_value(result, 0, column);

	snprintf(place, CARRIER_NUMBER_MAX, "%s", value != NULL ? value : "");
}

/* Look on at once, or when there may be something. */
static void
look_on(struct carrier *carrier)
{
	if (carrier->is_full || carrier->again)
		look(carrier);
	else
		wait_for(carrier, LOOK_INTERVAL, look);
}

static void
taken(struct db_query *query, struct db_result *result)
{
	struct carrier *carrier = query->arg;

	if (!is_good(carrier, result))
		return;
	memcpy(carrier->noted, carrier->last, sizeof carrier->noted);
	memcpy(carrier->position, carrier->last, sizeof carrier->position);
	carrier->noted_at = loop_now(carrier->loop);
	look_on(carrier);
}

static void
skipped(struct db_query *query, struct db_result *result)
{
	struct carrier *carrier = query->arg;

	if (is_good(carrier, result))
		begin(carrier);
}

/* The source keeps less than it ought to. */
static void
skip(struct carrier *carrier)
{
	log_event(LEVEL_ERROR, "events_lost", "node", carrier->name, "error",
			  "events were pruned before they were carried to the other node", "after", carrier->noted, NULL);
	carrier->values[0] = carrier->origin;
	carrier->values[1] = carrier->noted;
	if (!ask(carrier, carrier->target, "SELECT timetrackr.skip_events($1::integer, $2::bigint)", 2, skipped))
		wait_for(carrier, PAUSE, begin);
}

/* Have the target take what has come. */
static void
give(struct carrier *carrier, const char *events)
{
	text_reset(&carrier->events);
	text_add(&carrier->events, events);
	if (carrier->events.failed)
		text_free(&carrier->events);
	carrier->values[0] = carrier->origin;
	carrier->values[1] = carrier->noted;
	carrier->values[2] = carrier->last;
	carrier->values[3] = carrier->events.data;
	if (carrier->events.data == NULL ||
		!ask(carrier, carrier->target, "SELECT timetrackr.take_events($1::integer, $2::bigint, $3::bigint, $4)", 4, taken))
		wait_for(carrier, PAUSE, begin);
}

static void
looked(struct db_query *query, struct db_result *result)
{
	struct carrier *carrier = query->arg;
	const char *events;

	if (db_result_outcome(result) == DB_ERROR && strcmp(db_error_sqlstate(result), "TT410") == 0 && carrier->works)
	{
		skip(carrier);
		return;
	}
	if (!is_good(carrier, result))
		return;
	keep(carrier->last, result, 0);
	carrier->is_full = strtol(db_result_value(result, 0, 1), NULL, 10) == EVENTS_MAX;
	events = db_result_value(result, 0, 2);
	if (events != NULL)
		give(carrier, events);
	else if (*carrier->last != '\0' && loop_now(carrier->loop) >= carrier->noted_at + NOTE_INTERVAL)
		give(carrier, "[]");
	else
	{
		if (*carrier->last != '\0')
			memcpy(carrier->position, carrier->last, sizeof carrier->position);
		look_on(carrier);
	}
}

static void
look(void *arg)
{
	struct carrier *carrier = arg;

	carrier->again = false;
	carrier->values[0] = carrier->reader;
	carrier->values[1] = carrier->position;
	if (!ask(carrier, carrier->source, "SELECT last_id, event_count, events FROM timetrackr.events_for($1::integer, $2::bigint, "
			 TEXT_OF(EVENTS_MAX) ")", 2, looked))
		wait_for(carrier, PAUSE, begin);
}

static void
target_told(struct db_query *query, struct db_result *result)
{
	struct carrier *carrier = query->arg;

	if (!is_good(carrier, result))
		return;
	keep(carrier->reader, result, 0);
	keep(carrier->noted, result, 1);
	memcpy(carrier->position, carrier->noted, sizeof carrier->position);
	carrier->noted_at = loop_now(carrier->loop);
	if (strcmp(carrier->origin, carrier->reader) != 0)
	{
		look(carrier);
		return;
	}
	atomic_store(carrier->stuck, 1);
	log_event(LEVEL_ERROR, "carrier_refused", "node", carrier->name, "error",
			  "EVENT_DATABASE_URLS names the node of DATABASE_URL", NULL);
	wait_for(carrier, NOTE_INTERVAL, begin);
}

static void
source_told(struct db_query *query, struct db_result *result)
{
	struct carrier *carrier = query->arg;

	if (!is_good(carrier, result))
		return;
	keep(carrier->origin, result, 0);
	carrier->values[0] = carrier->origin;
	if (!ask(carrier, carrier->target, "SELECT timetrackr.node_number(), timetrackr.carried_until($1::integer)", 1, target_told))
		wait_for(carrier, PAUSE, begin);
}

static void
begin(void *arg)
{
	struct carrier *carrier = arg;

	carrier->is_full = false;
	*carrier->origin = '\0';
	if (!ask(carrier, carrier->source, "SELECT timetrackr.node_number()", 0, source_told))
		wait_for(carrier, PAUSE, begin);
}

void
carrier_work(struct carrier *carrier, bool works, bool is_wanted)
{
	if (!works)
		atomic_store(carrier->stuck, is_wanted);
	if (carrier->works == works)
		return;
	carrier->works = works;
	if (!works)
		loop_timer_stop(carrier->loop, &carrier->timer);
	else if (!carrier->running)
		begin(carrier);
}

void
carrier_hear(struct carrier *carrier)
{
	carrier->again = true;
	if (carrier->works && !carrier->running && *carrier->origin != '\0')
	{
		loop_timer_stop(carrier->loop, &carrier->timer);
		look(carrier);
	}
}

void
carrier_stop(struct carrier *carrier)
{
	carrier_work(carrier, false, false);
	text_free(&carrier->events);
}
