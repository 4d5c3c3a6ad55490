/*
 * channel.c - sends queries, and barriers behind them.
 *
 * At most one barrier is in flight. Since answers come in the order sent, all
 * successes held when it comes back are older than it, and covered.
 */
#include "channel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define BARRIER_ATTEMPTS 3

struct channel
{
	struct loop *loop;
	struct channel_options options;
	struct db  *db;
	struct loop_hook hook;
	bool		ready;			/* up, and it is known whether barriers are needed */
	bool		has_barriers;
	bool		uncovered;		/* a query was sent after the last barrier */
	bool		barrier_sent;
	int			barrier_attempts;
	struct db_query probe;
	struct db_query barrier;
	char		commit_setting[16]; /* synchronous_commit as the server has it */
	const char *barrier_values[1];
	struct channel_query *first_held;
	struct channel_query *last_held;
	size_t		held;
};

/* Turns waiting off for the session, and tries what a barrier needs; gives the setting as it was. */
static const char probe_sql[] =
	"SELECT pg_catalog.current_setting('synchronous_commit'),"
	" pg_catalog.set_config('synchronous_commit', 'off', false),"
	" pg_catalog.pg_logical_emit_message(true, 'timetrackr', '')";

/* A transaction that writes next to nothing, and waits for all that was written before. */
static const char barrier_sql[] =
	"SELECT pg_catalog.set_config('synchronous_commit', $1, true),"
	" pg_catalog.pg_logical_emit_message(true, 'timetrackr', '')";

/* Report every success that is held, or `lost` in its place. */
static void
release_held(struct channel *channel, struct db_result *lost)
{
	struct channel_query *query = channel->first_held;

	channel->first_held = NULL;
	channel->last_held = NULL;
	channel->held = 0;
	while (query != NULL)
	{
		struct channel_query *next = query->next;
		struct db_result *result = query->held;

		query->held = NULL;
		query->next = NULL;
		query->done(query, lost != NULL ? lost : result);
		db_result_free(result);
		query = next;
	}
}

static void
query_done(struct db_query *db_query, struct db_result *result)
{
	struct channel_query *query = db_query->arg;
	struct channel *channel = query->channel;

	/* without memory to hold it, the answer goes out ahead of its barrier */
	if (channel->has_barriers && db_result_outcome(result) == DB_OK)
		query->held = db_result_keep(result);
	if (query->held == NULL)
	{
		query->done(query, result);
		return;
	}
	query->next = NULL;
	if (channel->last_held != NULL)
		channel->last_held->next = query;
	else
		channel->first_held = query;
	channel->last_held = query;
	channel->held++;
}

static void
barrier_done(struct db_query *db_query, struct db_result *result)
{
	struct channel *channel = db_query->arg;

	channel->barrier_sent = false;
	if (db_result_outcome(result) == DB_OK)
	{
		channel->barrier_attempts = 0;
		release_held(channel, NULL);
	}
	else if (db_result_outcome(result) == DB_LOST)
		release_held(channel, result);
	else if (++channel->barrier_attempts < BARRIER_ATTEMPTS)
		channel->uncovered = true;	/* somebody has cancelled it: once more */
	else
		db_reconnect(channel->db, "commits cannot be confirmed");
}

/* Before each wait, and before the connection sends: put a barrier behind what was sent. */
static int
before_wait(void *arg)
{
	struct channel *channel = arg;

	if (!channel->uncovered || channel->barrier_sent || !channel->ready)
		return -1;
	channel->barrier = (struct db_query) {
		.sql = barrier_sql,
		.value_count = 1,
		.values = channel->barrier_values,
		.done = barrier_done,
		.arg = channel,
	};
	channel->barrier_sent = db_send(channel->db, &channel->barrier);
	channel->uncovered = !channel->barrier_sent;
	return -1;
}

static void
become_ready(struct channel *channel)
{
	channel->ready = true;
	channel->options.up(channel->options.arg);
}

static void
probe_done(struct db_query *query, struct db_result *result)
{
	struct channel *channel = query->arg;

	if (db_result_outcome(result) == DB_LOST)
		return;
	channel->has_barriers = false;
	if (db_result_outcome(result) == DB_OK)
	{
		snprintf(channel->commit_setting, sizeof channel->commit_setting, "%s",
				 db_result_value(result, 0, 0));
		channel->has_barriers = strcmp(channel->commit_setting, "off") != 0;
	}
	else
		log_event(LEVEL_WARN, "group_commit_off", "connection", channel->options.name,
				  "error", db_error_message(result), NULL);
	become_ready(channel);
}

static void
connection_up(void *arg)
{
	struct channel *channel = arg;

	channel->barrier_attempts = 0;
	channel->uncovered = false;
	if (!channel->options.group_commit)
	{
		become_ready(channel);
		return;
	}
	channel->probe = (struct db_query) {
		.sql = probe_sql,
		.done = probe_done,
		.arg = channel,
	};
	if (!db_send(channel->db, &channel->probe))
		db_reconnect(channel->db, "the session cannot be set up");
}

static void
connection_down(void *arg, const char *why)
{
	struct channel *channel = arg;
	bool		was_ready = channel->ready;

	(void) why;
	channel->ready = false;
	/* a barrier in flight will report what is held; without one nothing would */
	if (!channel->barrier_sent)
		release_held(channel, db_result_lost());
	if (was_ready)
		channel->options.down(channel->options.arg);
}

struct channel *
channel_open(struct loop *loop, const struct channel_options *options)
{
	struct channel *channel = calloc(1, sizeof *channel);
	struct db_options connection = {
		.url = options->url,
		.name = options->name,
		.settings = options->settings,
		.silence_limit = options->silence_limit,
		.up = connection_up,
		.down = connection_down,
		.arg = channel,
	};

	if (channel == NULL)
		return NULL;
	channel->loop = loop;
	channel->options = *options;
	channel->barrier_values[0] = channel->commit_setting;
	if (options->group_commit)
		loop_hook_start(loop, &channel->hook, before_wait, channel);
	channel->db = db_open(loop, &connection);
	if (channel->db != NULL)
		return channel;
	loop_hook_stop(loop, &channel->hook);
	free(channel);
	return NULL;
}

void
channel_close(struct channel *channel)
{
	if (channel == NULL)
		return;
	loop_hook_stop(channel->loop, &channel->hook);
	db_close(channel->db);
	release_held(channel, db_result_lost());
	free(channel);
}

bool
channel_is_up(const struct channel *channel)
{
	return channel->ready && db_is_up(channel->db);
}

size_t
channel_load(const struct channel *channel)
{
	return db_in_flight(channel->db) + channel->held;
}

bool
channel_send(struct channel *channel, struct channel_query *query)
{
	if (!channel_is_up(channel))
		return false;
	query->channel = channel;
	query->held = NULL;
	query->query = (struct db_query) {
		.statement = query->statement,
		.value_count = query->value_count,
		.values = query->values,
		.grouped = query->grouped,
		.done = query_done,
		.arg = query,
	};
	if (!db_send(channel->db, &query->query))
		return false;
	channel->uncovered = channel->has_barriers;
	return true;
}
