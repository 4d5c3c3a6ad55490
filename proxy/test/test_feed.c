/*
 * test_feed.c - the feed against a database that the test plays: messages in
 * and out of order, lost, doubled, cut and garbled; lost connections; pruning.
 *
 * The functions of db.h are defined here, so that feed.c talks to the test.
 */
#include "../feed.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../db.h"
#include "../feed_message.h"
#include "check.h"

#define QUERIES_MAX 16
#define ROWS_MAX 600

/* ---- the database ---- */

struct db_result
{
	enum db_outcome outcome;
	const char *sqlstate;
	int			rows;
	const char *values[ROWS_MAX][6];
};

static struct db_options options;
static struct db_query *queries[QUERIES_MAX];	/* not answered yet, oldest first */
static int	query_count;
static bool connected;
static int	reconnects;

struct db *
db_open(struct loop *loop, const struct db_options *given)
{
	(void) loop;
	options = *given;
	return (struct db *) &options;
}

void
db_close(struct db *db)
{
	(void) db;
	connected = false;
}

bool
db_send(struct db *db, struct db_query *query)
{
	(void) db;
	if (!connected || query_count == QUERIES_MAX)
		return false;
	queries[query_count++] = query;
	return true;
}

void
db_reconnect(struct db *db, const char *why)
{
	(void) db;
	(void) why;
	reconnects++;
}

enum db_outcome
db_result_outcome(const struct db_result *result)
{
	return result->outcome;
}

int
db_result_rows(const struct db_result *result)
{
	return result->rows;
}

const char *
db_result_value(const struct db_result *result, int row, int column)
{
	return result->values[row][column];
}

size_t
db_result_length(const struct db_result *result, int row, int column)
{
	return strlen(result->values[row][column]);
}

const char *
db_error_sqlstate(const struct db_result *result)
{
	return result->sqlstate;
}

const char *
db_error_message(const struct db_result *result)
{
	return result->sqlstate;
}

/* Answer the oldest query, which must be about this. */
static void
answer(const char *about, struct db_result *result)
{
	struct db_query *query = queries[0];

	if (!CHECK(query_count > 0 && strstr(query->sql, about) != NULL))
	{
		printf("  expected a query about %s, found %s\n", about, query_count > 0 ? query->sql : "none");
		return;
	}
	memmove(queries, queries + 1, sizeof queries - sizeof queries[0]);
	query_count--;
	query->done(query, result);
}

/* What the next probes find: does another relay follow? */
static const char *followed = "t";

static void
answer_probe(const char *identity, const char *newest, const char *behind)
{
	struct db_result result = {.outcome = DB_OK, .rows = 1, .values = {{identity, newest, behind, followed}}};

	answer("stream_state", &result);
}

/* Answer a reading with events first … last. */
static void
answer_read(int first, int last)
{
	static struct db_result result;
	static char ids[ROWS_MAX][24];

	result = (struct db_result) {.outcome = DB_OK};
	for (int id = first; id <= last; id++)
	{
		const char **row = result.values[result.rows];

		snprintf(ids[result.rows], sizeof ids[0], "%d", id);
		row[0] = ids[result.rows];
		row[1] = "read";
		row[2] = "7";
		row[4] = "f";
		row[5] = "{}";
		result.rows++;
	}
	answer("stream_after", &result);
}

static void
answer_error(const char *about, const char *sqlstate)
{
	struct db_result result = {.outcome = DB_ERROR, .sqlstate = sqlstate};

	answer(about, &result);
}

static void
connect_and_listen(void)
{
	struct db_result listening = {.outcome = DB_OK};

	connected = true;
	options.up(options.arg);
	answer("LISTEN timetrackr_events", &listening);
}

static void
lose_connection(void)
{
	struct db_result lost = {.outcome = DB_LOST};

	connected = false;
	options.down(options.arg, "the test says so");
	while (query_count > 0)
	{
		struct db_query *query = queries[0];

		memmove(queries, queries + 1, sizeof queries - sizeof queries[0]);
		query_count--;
		query->done(query, &lost);
	}
}

/* Send a message of events first … last after `after`. */
static void
notify(int after, int first, int last)
{
	char		message[8000];
	int			length = snprintf(message, sizeof message, "{\"after\": %d, \"events\": [\n", after);

	for (int id = first; id <= last; id++)
		length += snprintf(message + length, sizeof message - (size_t) length,
						   "{\"id\": %d, \"topic\": \"told\", \"user_id\": 7, \"project_id\": null,"
						   " \"for_all\": false, \"data\": {\"n\": [%d]}}%s", id, id, id == last ? "]}" : ",\n");
	options.notified(options.arg, "timetrackr_events", message);
}

/* ---- a listener ---- */

static char heard[4096];
static struct feed *leave_feed;	/* its listener leaves at the next event */

static void
note_event(void *arg, const struct feed_event *event)
{
	size_t		length = strlen(heard);

	snprintf(heard + length, sizeof heard - length, "%s%" PRId64 "%c", length > 0 ? " " : "", event->id, event->topic[0]);
	CHECK(event->user_id == 7 && event->project_id == 0 && !event->for_all);
	CHECK(event->data_length == strlen(event->data) && event->data[0] == '{');
	if (leave_feed != NULL)
		feed_ignore(leave_feed, arg);
	leave_feed = NULL;
}

static void
note(const char *what)
{
	size_t		length = strlen(heard);

	snprintf(heard + length, sizeof heard - length, "%s%s", length > 0 ? " " : "", what);
}

static void
note_current(void *arg, bool current)
{
	(void) arg;
	note(current ? "current" : "late");
}

static void
note_reset(void *arg)
{
	(void) arg;
	note("reset");
}

/* What was heard since the last call. */
static bool
heard_is(const char *expected)
{
	bool		same = strcmp(heard, expected) == 0;

	if (!same)
		printf("  heard \"%s\", expected \"%s\"\n", heard, expected);
	heard[0] = '\0';
	return same;
}

static struct feed_listener listener = {
	.event = note_event, .current = note_current, .reset = note_reset, .arg = &listener
};

static struct loop *loop;

/* A feed that is current at position 10. */
static struct feed *
feed_at_ten(void)
{
	struct feed *feed = feed_new(loop, "");

	feed_listen(feed, &listener);
	CHECK(!feed_is_current(feed) && feed_position(feed) == 0);
	connect_and_listen();
	notify(9, 10, 10);			/* before the probe was answered: it counts that in */
	answer_probe("1", "10", "0");
	CHECK(feed_is_current(feed) && feed_position(feed) == 10);
	CHECK(heard_is("current"));
	return feed;
}

static void
end(struct feed *feed)
{
	CHECK(query_count == 0);
	feed_ignore(feed, &listener);
	feed_free(feed);
	heard[0] = '\0';
}

/* ---- tests ---- */

static void
test_messages(void)
{
	struct feed *feed = feed_at_ten();

	notify(10, 11, 13);
	CHECK(heard_is("11t 12t 13t"));
	notify(10, 11, 13);			/* again */
	notify(8, 9, 10);			/* of before */
	CHECK(heard_is("") && query_count == 0);
	notify(11, 12, 15);			/* overlapping */
	CHECK(heard_is("14t 15t"));
	notify(17, 18, 20);			/* early: 16 and 17 are missing */
	CHECK(heard_is(""));
	notify(15, 16, 17);			/* while the table is read */
	answer_read(16, 20);
	CHECK(heard_is("16r 17r 18r 19r 20r"));
	answer_read(1, 0);			/* what came meanwhile is looked for once more */
	CHECK(heard_is("") && feed_is_current(feed) && feed_position(feed) == 20);
	end(feed);
}

static void
test_large_and_garbled(void)
{
	static const char *const garbled[] = {
		"", "{", "null", "{\"after\": 10}", "{\"after\": 10, \"events\": [\n",
		"{\"after\": 10, \"events\": [\n]}", "{\"after\": -1, \"events\": [\n{\"id\": 11}]}",
		"{\"after\": 99999999999999999999, \"events\": [\n{\"id\": 11}]}",
		"{\"after\": 10, \"events\": [\n{\"id\": 11, \"topic\": \"a\\\"b\", \"user_id\": 7, \"project_id\": null, \"for_all\": false, \"data\": {}}]}",
		"{\"after\": 10, \"events\": [\n{\"id\": 11, \"topic\": \"told\", \"user_id\": 7, \"project_id\": null, \"for_all\": false, \"data\": {}]}",
		"{\"after\": 10, \"events\": [\n{\"id\": 11, \"topic\": \"told\", \"user_id\": \"7\", \"project_id\": null, \"for_all\": false, \"data\": {}}]}",
		"{\"after\": 10, \"events\": [\n{\"id\": 11, \"topic\": \"told\"}]}",
	};
	struct feed *feed = feed_at_ten();

	for (size_t i = 0; i < sizeof garbled / sizeof garbled[0]; i++)
	{
		options.notified(options.arg, "timetrackr_events", garbled[i]);
		CHECK(heard_is(""));
		answer_read(1, 0);
	}
	options.notified(options.arg, "timetrackr_events",
					 "{\"after\": 10, \"events\": [\n{\"id\": 11, \"topic\": \"told\", \"user_id\": 7, \"project_id\": null,"
					 " \"for_all\": false, \"data\": {\"a\": {}}},\n{\"id\": 12},\n{\"id\": 13}]}");
	CHECK(heard_is("11t"));
	answer_read(12, 13);
	CHECK(heard_is("12r 13r") && feed_position(feed) == 13);
	end(feed);
}

static void
test_lost_connection(void)
{
	struct feed *feed = feed_at_ten();

	lose_connection();
	CHECK(heard_is("late") && !feed_is_current(feed));
	connect_and_listen();
	notify(13, 14, 14);			/* new, but there is more before it */
	answer_probe("1", "14", "0");
	CHECK(heard_is("") && !feed_is_current(feed));
	answer_read(11, 12);
	CHECK(heard_is("11r 12r") && !feed_is_current(feed));
	answer_read(13, 14);
	CHECK(heard_is("13r 14r current") && feed_is_current(feed));
	lose_connection();
	connect_and_listen();
	answer_probe("1", "14", "0");
	CHECK(heard_is("late current"));
	end(feed);
}

static void
test_long_catch_up(void)
{
	struct feed *feed = feed_at_ten();

	lose_connection();
	connect_and_listen();
	answer_probe("1", "700", "0");
	heard[0] = '\0';
	answer_read(11, 510);
	CHECK(feed_position(feed) == 510 && !feed_is_current(feed));
	answer_read(511, 700);
	CHECK(feed_position(feed) == 700 && feed_is_current(feed));
	end(feed);
}

static void
test_resets(void)
{
	struct feed *feed = feed_at_ten();

	notify(20, 21, 21);
	answer_error("stream_after", "TT410");
	CHECK(heard_is("late"));
	notify(21, 22, 22);			/* of no use: it is not known what is before */
	CHECK(heard_is(""));
	options.up(options.arg);	/* as the next probe would come */
	queries[0] = queries[--query_count];
	answer_probe("1", "22", "0");
	CHECK(heard_is("reset current") && feed_position(feed) == 22);

	lose_connection();
	connect_and_listen();
	answer_probe("1", "5", "0");	/* restored from a backup */
	CHECK(heard_is("late reset current") && feed_position(feed) == 5);

	lose_connection();
	connect_and_listen();
	answer_probe("2", "5", "0");	/* promoted */
	CHECK(heard_is("late reset current") && feed_position(feed) == 5);
	end(feed);
}

static void
test_behind(void)
{
	struct feed *feed = feed_at_ten();

	lose_connection();
	connect_and_listen();
	answer_probe("1", "10", "1500");
	CHECK(heard_is("late") && !feed_is_current(feed));
	notify(10, 11, 11);			/* events are delivered all the same */
	CHECK(heard_is("11t") && !feed_is_current(feed));
	end(feed);
}

static void
test_listeners(void)
{
	struct feed *feed = feed_at_ten();
	struct feed_listener second = {.event = note_event, .arg = &second};

	feed_listen(feed, &second);
	leave_feed = feed;			/* the newest one is told first, and leaves */
	notify(10, 11, 12);
	CHECK(heard_is("11t 11t 12t"));
	feed_ignore(feed, &second);
	feed_ignore(feed, &second);
	feed_ignore(feed, &listener);
	notify(12, 13, 13);
	CHECK(heard_is("") && feed_position(feed) == 13);
	feed_listen(feed, &listener);
	end(feed);
}

/* Whatever the message, nothing is read past its end. */
static void
test_noise(void)
{
	static const char good[] = "{\"after\": 10, \"events\": [\n{\"id\": 11, \"topic\": \"told\", \"user_id\": 7,"
		" \"project_id\": 8, \"for_all\": true, \"data\": {\"a\": {}}},\n{\"id\": 12}]}";
	unsigned	seed = 1;
	int			events = 0;

	for (int round = 0; round < 20000; round++)
	{
		char	   *message = strdup(good);
		size_t		length = strlen(message);
		struct feed_event event;
		int64_t		after;
		char	   *at;

		for (int change = rand_r(&seed) % 3; change > 0; change--)
			message[(size_t) rand_r(&seed) % length] = "\n{}]\"0,:x"[rand_r(&seed) % 9];
		message[(size_t) rand_r(&seed) % length] = round % 2 ? '\0' : '}';
		at = feed_message_begin(message, &after);
		while (at != NULL && feed_message_next(&at, &event))
			events++;
		free(message);
	}
	CHECK(events > 0);
}

/* ---- other proxies ---- */

static void
stop_loop(void *arg)
{
	(void) arg;
	loop_stop(loop);
}

/* Answer the probes as they come, for so many ms, or until the feed is unfollowed. How long was that? */
static uint64_t
probe_for(const struct feed *feed, uint64_t limit)
{
	uint64_t	begin = loop_now(loop);
	struct loop_timer timer = {0};

	while (!feed_is_unfollowed(feed) && loop_now(loop) - begin < limit)
	{
		loop_timer_set(loop, &timer, 10, stop_loop, NULL);
		if (!CHECK(loop_run(loop)))
			break;
		if (query_count > 0)
			answer_probe("1", "10", "0");
	}
	return loop_now(loop) - begin;
}

static void
test_followers(void)
{
	struct feed *feed = feed_at_ten();

	CHECK(probe_for(feed, 1500) >= 1500);
	followed = "f";
	CHECK(probe_for(feed, 10000) >= 1000 && feed_is_unfollowed(feed));
	followed = "t";
	options.up(options.arg);	/* as the next probe would come */
	queries[0] = queries[--query_count];
	answer_probe("1", "10", "0");
	CHECK(!feed_is_unfollowed(feed) && feed_is_current(feed));
	followed = "f";
	CHECK(probe_for(feed, 10000) >= 1000 && feed_is_unfollowed(feed));
	lose_connection();
	CHECK(!feed_is_unfollowed(feed));
	connect_and_listen();
	answer_probe("1", "10", "0");
	CHECK(feed_is_current(feed) && !feed_is_unfollowed(feed));
	followed = "t";
	end(feed);
}

int
main(void)
{
	loop = loop_create();
	if (!CHECK(loop != NULL))
		return check_summary("feed");
	test_messages();
	test_large_and_garbled();
	test_lost_connection();
	test_long_catch_up();
	test_resets();
	test_behind();
	test_listeners();
	test_noise();
	test_followers();
	loop_free(loop);
	return check_summary("feed");
}
