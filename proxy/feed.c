/*
 * feed.c - LISTEN, catch up, deliver in order.
 *
 * Each message names the event before its first one. When that is where the
 * feed stands, the message is delivered; otherwise, and for events too large for a message, the feed
 * reads on from the table. So a message that is lost, doubled or early does no
 * harm. A probe four times a second finds out whether the connection is alive, where the
 * stream ends, and how far behind the relay is.
 */
#include "feed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "feed_message.h"
#include "log.h"
#include "text.h"

/*
 * All in ms. An event is known of, or the feed is current no more, after an interval
 * and a limit at the latest, and what the relay may be behind: together a second.
 * Who follows says so anew within a second when the one who had said it for all is gone.
 */
#define PROBE_INTERVAL 250
#define PROBE_LIMIT 400			/* no answer for so long: perhaps not current */
#define BEHIND_MOST 350			/* the relay */
#define SILENCE_LIMIT 5000		/* then the connection is dropped */
#define UNFOLLOWED_LEAST 1000
#define REFUSED_PAUSE 5000

#define READ_ROWS 500
#define READ_ROWS_TEXT "500"

struct feed
{
	struct loop *loop;
	struct db  *db;
	struct feed_listener *listeners;
	struct feed_listener *told_next;	/* the next one to be told; NULL at the end, or between */
	int64_t		position;		/* 0: not known */
	int64_t		identity;		/* of the database; 0: not known */
	int64_t		behind;			/* ms: what the last probe found of the relay */
	uint64_t	unfollowed_since;	/* ms, on the loop's clock; 0: another proxy's relay follows, or may */
	bool		current;
	bool		sound;			/* the last probe was answered in time and found the relay at work */
	bool		caught_up;		/* nothing is missing since the connection was lost */
	bool		deaf;			/* LISTEN was refused */
	bool		pruned;			/* what should be read next is there no more */
	bool		reading;
	bool		more;			/* there is more in the table than the reading will find */
	struct text message;		/* the one that is read */
	struct loop_timer probe_timer;
	struct loop_timer late_timer;
	char		after[24];
	const char *values[1];
	struct db_query listen;
	struct db_query probe;
	struct db_query read;
};

static const char *const session_settings[] = {
	/* Events that nobody takes in must not pile up in the server, whose NOTIFY would fail in the end. */
	"tcp_user_timeout", "30000",
	"tcp_keepalives_idle", "10",
	"tcp_keepalives_interval", "5",
	"tcp_keepalives_count", "3",
	"statement_timeout", "10000",
	NULL
};

/* ---- telling the listeners ---- */

void
feed_listen(struct feed *feed, struct feed_listener *listener)
{
	listener->previous = NULL;
	listener->next = feed->listeners;
	if (listener->next != NULL)
		listener->next->previous = listener;
	feed->listeners = listener;
}

void
feed_ignore(struct feed *feed, struct feed_listener *listener)
{
	if (listener->previous == NULL && feed->listeners != listener)
		return;
	if (feed->told_next == listener)
		feed->told_next = listener->next;
	if (listener->previous != NULL)
		listener->previous->next = listener->next;
	else
		feed->listeners = listener->next;
	if (listener->next != NULL)
		listener->next->previous = listener->previous;
	listener->next = NULL;
	listener->previous = NULL;
}

/* The next listener to tell; NULL after the last. Any of them may leave while one is told. */
static struct feed_listener *
next_listener(struct feed *feed, bool first)
{
	struct feed_listener *listener = first ? feed->listeners : feed->told_next;

	feed->told_next = listener != NULL ? listener->next : NULL;
	return listener;
}

static void
deliver(struct feed *feed, const struct feed_event *event)
{
	feed->position = event->id;
	for (struct feed_listener *at = next_listener(feed, true); at != NULL; at = next_listener(feed, false))
		if (at->event != NULL)
			at->event(at->arg, event);
}

/* What has happened may have made the feed current, or ended that: tell. */
static void
settle(struct feed *feed)
{
	bool		current = feed->sound && feed->caught_up;

	if (current == feed->current)
		return;
	feed->current = current;
	for (struct feed_listener *at = next_listener(feed, true); at != NULL; at = next_listener(feed, false))
		if (at->current != NULL)
			at->current(at->arg, current);
}

/* Events are lost: go on at the end of the stream, and only then have listeners look for themselves. */
static void
begin_anew(struct feed *feed, int64_t position)
{
	log_event(LEVEL_WARN, "feed_reset", "error", feed->pruned ? "events were pruned before they were read"
			  : "the database is another one, or older than it was", NULL);
	feed->position = position;
	feed->pruned = false;
	feed->caught_up = true;
	for (struct feed_listener *at = next_listener(feed, true); at != NULL; at = next_listener(feed, false))
		if (at->reset != NULL)
			at->reset(at->arg);
}

/* ---- reading the table ---- */

static void read_on(struct feed *feed);

static void
ask(struct feed *feed, struct db_query *query, const char *sql, int value_count,
	void (*done) (struct db_query *query, struct db_result *result))
{
	*query = (struct db_query) {
		.sql = sql, .value_count = value_count, .values = feed->values, .done = done, .arg = feed
	};
	if (!db_send(feed->db, query))
		db_reconnect(feed->db, "the feed cannot send a statement");
}

/* Is the result good? An error means that the extension is missing, or not granted to us. */
static bool
is_good(const struct db_result *result)
{
	if (db_result_outcome(result) == DB_ERROR)
		log_event(LEVEL_ERROR, "feed_refused", "sqlstate", db_error_sqlstate(result),
				  "error", db_error_message(result), NULL);
	return db_result_outcome(result) == DB_OK;
}

static int64_t
number(const struct db_result *result, int row, int column)
{
	const char *value = db_result_value(result, row, column);

	return value != NULL ? strtoll(value, NULL, 10) : 0;
}

static void
deliver_row(struct feed *feed, const struct db_result *result, int row)
{
	const struct feed_event event = {
		.id = number(result, row, 0),
		.topic = db_result_value(result, row, 1),
		.user_id = number(result, row, 2),
		.project_id = number(result, row, 3),
		.for_all = strcmp(db_result_value(result, row, 4), "t") == 0,
		.data = db_result_value(result, row, 5),
		.data_length = db_result_length(result, row, 5),
	};

	if (event.id > feed->position)
		deliver(feed, &event);
}

static void
have_read(struct db_query *query, struct db_result *result)
{
	struct feed *feed = query->arg;

	feed->reading = false;
	if (db_result_outcome(result) == DB_ERROR)
		feed->caught_up = false;	/* the next probe leads on */
	if (db_result_outcome(result) == DB_ERROR && strcmp(db_error_sqlstate(result), "TT410") == 0)
		feed->pruned = true;
	else if (is_good(result))
	{
		for (int row = 0; row < db_result_rows(result); row++)
			deliver_row(feed, result, row);
		if (feed->more || db_result_rows(result) == READ_ROWS)
			read_on(feed);
		else
			feed->caught_up = true;
	}
	settle(feed);
}

/* Read what follows the position, after what is being read already. */
static void
read_on(struct feed *feed)
{
	feed->more = feed->reading;
	if (feed->reading)
		return;
	feed->reading = true;
	snprintf(feed->after, sizeof feed->after, "%" PRId64, feed->position);
	feed->values[0] = feed->after;
	ask(feed, &feed->read, "SELECT id, topic, user_id, project_id, for_all, payload"
		" FROM timetrackr.stream_after($1::bigint, " READ_ROWS_TEXT ")", 1, have_read);
}

/* ---- messages ---- */

/* Deliver a message that goes on from the position. False: it has to be read from the table. */
static bool
deliver_message(struct feed *feed, char *message)
{
	struct feed_event event;
	int64_t		after;
	char	   *at = feed_message_begin(message, &after);

	if (at == NULL || after > feed->position)
		return false;
	while (at != NULL)
	{
		if (!feed_message_next(&at, &event))
			return false;
		if (event.id <= feed->position)
			continue;
		if (event.data == NULL)
			return false;
		deliver(feed, &event);
	}
	return true;
}

static void
notified(void *arg, const char *channel, const char *payload)
{
	struct feed *feed = arg;

	(void) channel;
	if (feed->position == 0 || feed->pruned)
		return;					/* the probe leads on */
	text_reset(&feed->message);
	text_add(&feed->message, payload);
	if (feed->reading || feed->message.failed || !deliver_message(feed, feed->message.data))
		read_on(feed);
	if (feed->message.failed)
		text_free(&feed->message);
}

/* ---- probes ---- */

static void
late(void *arg)
{
	struct feed *feed = arg;

	feed->sound = false;
	feed->unfollowed_since = 0;
	settle(feed);
}

static void send_probe(void *arg);

static void
listen_anew(void *arg)
{
	struct feed *feed = arg;

	db_reconnect(feed->db, "the feed could not listen");
}

/* See where the stream ends, and how far the relay is behind. */
static void
take_probe(struct feed *feed, const struct db_result *result)
{
	int64_t		identity = number(result, 0, 0);
	int64_t		newest = number(result, 0, 1);
	bool		known = feed->position != 0;

	feed->behind = number(result, 0, 2);
	feed->sound = !feed->deaf && feed->behind <= BEHIND_MOST;
	if (strcmp(db_result_value(result, 0, 3), "t") == 0)
		feed->unfollowed_since = 0;
	else if (feed->unfollowed_since == 0)
		feed->unfollowed_since = loop_now(feed->loop);
	if (known && (feed->pruned || feed->identity != identity || newest < feed->position))
		begin_anew(feed, newest);
	else if (known && newest > feed->position)
		read_on(feed);
	else
	{
		feed->position = newest;
		feed->caught_up = true;
	}
	feed->identity = identity;
}

static void
probed(struct db_query *query, struct db_result *result)
{
	struct feed *feed = query->arg;
	bool		good = is_good(result);

	if (db_result_outcome(result) == DB_LOST)
		return;
	loop_timer_stop(feed->loop, &feed->late_timer);
	if (good && db_result_rows(result) == 1)
		take_probe(feed, result);
	else
		feed->sound = false;
	settle(feed);
	if (feed->deaf)
		loop_timer_set(feed->loop, &feed->probe_timer, REFUSED_PAUSE, listen_anew, feed);
	else
		loop_timer_set(feed->loop, &feed->probe_timer, good ? PROBE_INTERVAL : REFUSED_PAUSE, send_probe, feed);
}

static void
send_probe(void *arg)
{
	struct feed *feed = arg;

	loop_timer_set(feed->loop, &feed->late_timer, PROBE_LIMIT, late, feed);
	ask(feed, &feed->probe, "SELECT identity, newest_id, behind_ms, followed FROM timetrackr.stream_state()", 0, probed);
}

/* ---- the connection ---- */

static void
listening(struct db_query *query, struct db_result *result)
{
	struct feed *feed = query->arg;

	feed->deaf = !is_good(result);
}

/* What is committed once LISTEN is in force is announced; what was before, the probe finds. */
static void
database_up(void *arg)
{
	struct feed *feed = arg;

	feed->deaf = false;
	ask(feed, &feed->listen, "LISTEN timetrackr_events", 0, listening);
	send_probe(feed);
}

static void
database_down(void *arg, const char *why)
{
	struct feed *feed = arg;

	(void) why;
	loop_timer_stop(feed->loop, &feed->probe_timer);
	loop_timer_stop(feed->loop, &feed->late_timer);
	feed->reading = false;
	feed->more = false;
	feed->caught_up = false;
	late(feed);
}

struct feed *
feed_new(struct loop *loop, const char *database_url)
{
	struct feed *feed = calloc(1, sizeof *feed);
	struct db_options options = {
		.url = database_url, .name = "timetrackr feed", .settings = session_settings, .silence_limit = SILENCE_LIMIT,
		.up = database_up, .down = database_down, .notified = notified, .arg = feed
	};

	if (feed == NULL)
		return NULL;
	feed->loop = loop;
	feed->db = db_open(loop, &options);
	if (feed->db == NULL)
	{
		free(feed);
		return NULL;
	}
	return feed;
}

void
feed_free(struct feed *feed)
{
	if (feed == NULL)
		return;
	feed->listeners = NULL;
	loop_timer_stop(feed->loop, &feed->probe_timer);
	loop_timer_stop(feed->loop, &feed->late_timer);
	db_close(feed->db);
	text_free(&feed->message);
	free(feed);
}

bool
feed_is_current(const struct feed *feed)
{
	return feed->current;
}

bool
feed_is_unfollowed(const struct feed *feed)
{
	return feed->current && feed->unfollowed_since != 0 &&
		loop_now(feed->loop) - feed->unfollowed_since >= UNFOLLOWED_LEAST;
}

int64_t
feed_relay_behind(const struct feed *feed)
{
	return feed->behind;
}

int64_t
feed_position(const struct feed *feed)
{
	return feed->position;
}
