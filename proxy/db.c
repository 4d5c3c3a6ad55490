/*
 * db.c - one asynchronous PostgreSQL connection: its life.
 *
 * State: WAITING (backoff) → CONNECTING → SETTING_UP → UP → WAITING again when
 * it is lost. Only the functions start_connecting(), setup_done() and lose()
 * move it. Hosts are tried here, not by libpq, which would wait for a silent one
 * again and again. What is in flight is pipeline.c's business.
 */
#include "db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "pg.h"
#include "pipeline.h"
#include "text.h"

#define BACKOFF_FIRST 100		/* ms */
#define BACKOFF_MOST 5000		/* ms */
#define CONNECT_LIMIT 10000		/* ms */
/* With several hosts one that is silent must not keep from the others for long, nor a pause from the one that is promoted. */
#define CONNECT_LIMIT_EACH 5000 /* ms; after two rounds in vain it may be all of them that are slow */
#define BACKOFF_MOST_HOSTS 1000 /* ms */
#define SETTINGS_MAX 16

enum state
{
	WAITING,
	CONNECTING,
	SETTING_UP,
	UP
};

struct db
{
	struct loop *loop;
	struct db_options options;
	char	   *urls[DB_HOSTS_MAX];	/* of each host */
	size_t		url_count;
	size_t		host;			/* which one is tried, or connected to */
	size_t		refusals;		/* in a row */
	char	   *name;
	enum state	state;
	struct pg_conn *conn;
	struct loop_watch watch;
	struct loop_timer timer;	/* backoff, connect limit, or silence limit */
	struct loop_hook hook;		/* sends what has been queued in this pass */
	unsigned	backoff;		/* ms */
	unsigned	seed;
	struct pipeline pipeline;
	struct db_query setup;
	char	   *setup_sql;
};

static void lose(struct db *db, const char *why);
static void start_connecting(void *arg);

static const char *const session_settings[] = {
	"TimeZone", "UTC",
	"DateStyle", "ISO, MDY",
	"search_path", "pg_catalog, pg_temp",
	"jit", "off",
	"log_parameter_max_length_on_error", "0",
	NULL
};

/* On one server a plan serves all values; on several nodes the values tell which of them is asked. */
static const char *const one_plan[] = {"plan_cache_mode", "force_generic_plan", NULL};
static const char *const any_plan[] = {"plan_cache_mode", "auto", NULL};
static const char *const *plans = one_plan;

void
db_plan_by_values(void)
{
	plans = any_plan;
}

/* ---- sending ---- */

static void
silence_check(void *arg)
{
	struct db  *db = arg;
	uint64_t	waited = loop_now(db->loop) - db->pipeline.head_since;

	if (db->pipeline.head == NULL)
		return;
	if (waited >= db->options.silence_limit)
		lose(db, "no answer in time");
	else
		loop_timer_set(db->loop, &db->timer, db->options.silence_limit - waited, silence_check, db);
}

static bool
send_now(struct db *db, struct db_query *query)
{
	if (!pipeline_send(&db->pipeline, query))
		return false;
	if (db->options.silence_limit > 0 && !db->timer.active)
		loop_timer_set(db->loop, &db->timer, db->options.silence_limit, silence_check, db);
	return true;
}

bool
db_send(struct db *db, struct db_query *query)
{
	return db_is_up(db) && send_now(db, query);
}

/* Before each wait: send what this pass has queued, and act on a broken session. */
static int
before_wait(void *arg)
{
	struct db  *db = arg;
	int			left;

	if (db->pipeline.broken != NULL && db->conn != NULL)
	{
		lose(db, db->pipeline.broken);
		return 0;				/* what that has set off may need hooks that ran already */
	}
	if (!db->pipeline.unflushed)
		return -1;
	left = pipeline_flush(&db->pipeline);
	if (left >= 0 && loop_watch_change(db->loop, &db->watch, LOOP_READ | (left ? LOOP_WRITE : 0u)))
	{
		db->pipeline.unflushed = false;
		return -1;
	}
	lose(db, left < 0 ? pg_error(db->conn) : "epoll refuses the socket");
	return 0;
}

/* The socket of an established connection is ready. */
static void
session_ready(void *arg, unsigned events)
{
	struct db  *db = arg;

	if (events & LOOP_WRITE)
		db->pipeline.unflushed = true;
	if (!(events & LOOP_READ))
		return;
	if (!pg_receive(db->conn))
	{
		pipeline_read(&db->pipeline);		/* what came before the end still counts */
		lose(db, pg_error(db->conn));
		return;
	}
	pipeline_read(&db->pipeline);
	pg_notifications(db->conn, db->options.notified, db->options.arg);
	if (pg_is_bad(db->conn))
		lose(db, pg_error(db->conn));
}

/* ---- connecting, setting up, losing ---- */

/* Wait before the next attempt: the backoff, give or take a quarter. */
static void
wait_to_connect(struct db *db)
{
	unsigned	spread = db->backoff / 2;
	unsigned	delay = db->backoff - spread / 2 + (unsigned) rand_r(&db->seed) % (spread + 1);
	unsigned	most = db->url_count > 1 ? BACKOFF_MOST_HOSTS : BACKOFF_MOST;

	db->backoff = db->backoff * 2 > most ? most : db->backoff * 2;
	loop_timer_set(db->loop, &db->timer, delay, start_connecting, db);
}

/* A host was not to be connected to: it is the next one's turn, at once unless all have been tried. */
static void
try_next_host(struct db *db)
{
	db->host = (db->host + 1) % db->url_count;
	if (++db->refusals % db->url_count == 0)
		wait_to_connect(db);
	else
		loop_timer_set(db->loop, &db->timer, 0, start_connecting, db);
}

/* Has every host refused by now? */
static bool
all_refuse(const struct db *db)
{
	return (db->refusals + 1) % db->url_count == 0;
}

/* Copy the first line of an error message of libpq, which may be about to be freed. */
static void
first_line(char *line, size_t size, const char *message)
{
	snprintf(line, size, "%.*s", (int) strcspn(message, "\n"), message);
}

/* Drop the connection, report every query in flight, and arrange for the next attempt. */
static void
lose(struct db *db, const char *why)
{
	char		reason[256];
	enum state	was = db->state;

	first_line(reason, sizeof reason, *why != '\0' ? why : "connection closed");
	if (was == UP || db->options.refused == NULL)
		log_event(LEVEL_WARN, was == UP ? "database_lost" : "database_refused",
				  "connection", db->name, "error", reason, NULL);
	loop_watch_stop(db->loop, &db->watch);
	loop_timer_stop(db->loop, &db->timer);
	db->state = WAITING;
	if (was == UP && db->options.down != NULL)
		db->options.down(db->options.arg, reason);
	if (was != UP && db->options.refused != NULL && all_refuse(db))
		db->options.refused(db->options.arg, reason);
	pipeline_fail(&db->pipeline);
	pg_finish(db->conn);
	db->conn = NULL;
	if (was == UP)
		wait_to_connect(db);
	else
		try_next_host(db);
}

static void
setup_done(struct db_query *query, struct db_result *result)
{
	struct db  *db = query->arg;

	if (db->state != SETTING_UP || result->outcome == DB_LOST)
		return;
	if (result->outcome == DB_ERROR)
	{
		log_event(LEVEL_ERROR, "database_setup_failed", "connection", db->name,
				  "error", db_error_message(result), NULL);
		db->pipeline.broken = "session settings were refused";
		return;
	}
	db->state = UP;
	db->refusals = 0;
	db->backoff = BACKOFF_FIRST;
	loop_timer_stop(db->loop, &db->timer);
	log_event(LEVEL_DEBUG, "database_connected", "connection", db->name, NULL);
	if (db->options.up != NULL)
		db->options.up(db->options.arg);
}

/* Apply the session settings in one statement: SELECT set_config($1, $2, false), … */
static bool
send_setup(struct db *db)
{
	const char *const *lists[] = {session_settings, plans, db->options.settings};
	const char *values[SETTINGS_MAX * 2];
	struct text sql = {0};
	int			count = 0;

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		for (const char *const *at = lists[i]; at != NULL && *at != NULL; at += 2)
		{
			if (count == SETTINGS_MAX * 2)
				return false;
			values[count++] = at[0];
			values[count++] = at[1];
			text_printf(&sql, "%s pg_catalog.set_config($%d, $%d, false)",
						count == 2 ? "SELECT" : ",", count - 1, count);
		}
	free(db->setup_sql);
	db->setup_sql = text_take(&sql);
	if (db->setup_sql == NULL)
		return false;
	db->setup = (struct db_query) {
		.sql = db->setup_sql,
		.value_count = count,
		.values = values,
		.done = setup_done,
		.arg = db,
	};
	return send_now(db, &db->setup);
}

/* The connection is there: enter pipeline mode and set the session up. */
static void
begin_session(struct db *db)
{
	db->state = SETTING_UP;
	pipeline_begin(&db->pipeline, db->conn);
	if (!pg_enter_pipeline(db->conn) || !send_setup(db))
		lose(db, "the session cannot be set up");
	else if (!loop_watch_start(db->loop, &db->watch, pg_socket(db->conn), LOOP_READ,
							   session_ready, db))
		lose(db, "epoll refuses the socket");
}

/* Take one step of connecting. The socket may be another one after each. */
static void
connect_ready(void *arg, unsigned events)
{
	struct db  *db = arg;
	enum pg_progress next;

	(void) events;
	loop_watch_stop(db->loop, &db->watch);
	next = pg_poll(db->conn);
	if (next == PG_CONNECTED)
		begin_session(db);
	else if (next == PG_FAILED)
		lose(db, pg_error(db->conn));
	else if (!loop_watch_start(db->loop, &db->watch, pg_socket(db->conn),
							   next == PG_WANTS_READ ? LOOP_READ : LOOP_WRITE,
							   connect_ready, db))
		lose(db, "epoll refuses the socket");
}

static void
connect_too_slow(void *arg)
{
	lose(arg, "no connection in time");
}

static void
start_connecting(void *arg)
{
	struct db  *db = arg;

	db->state = CONNECTING;
	db->conn = pg_start(db->urls[db->host], db->name, !db->options.any_server);
	loop_timer_set(db->loop, &db->timer, db->url_count > 1 && db->refusals < 2 * db->url_count
				   ? CONNECT_LIMIT_EACH : CONNECT_LIMIT, connect_too_slow, db);
	if (db->conn == NULL)
		lose(db, "out of memory");
	else if (pg_is_bad(db->conn))
		lose(db, pg_error(db->conn));
	else if (!loop_watch_start(db->loop, &db->watch, pg_socket(db->conn), LOOP_WRITE,
							   connect_ready, db))
		lose(db, "epoll refuses the socket");
}

static void
free_names(struct db *db)
{
	for (size_t i = 0; i < db->url_count; i++)
		db_url_free(db->urls[i]);
	free(db->name);
}

struct db *
db_open(struct loop *loop, const struct db_options *options)
{
	struct db  *db = calloc(1, sizeof *db);

	if (db == NULL)
		return NULL;
	db->loop = loop;
	db->pipeline.loop = loop;
	db->options = *options;
	db->url_count = db_url_hosts(options->url, db->urls);
	db->name = strdup(options->name);
	db->watch = (struct loop_watch) LOOP_WATCH_INIT;
	db->backoff = BACKOFF_FIRST;
	db->seed = (unsigned) time(NULL) ^ (unsigned) (uintptr_t) db;
	if (db->url_count == 0 || db->name == NULL)
	{
		free_names(db);
		free(db);
		return NULL;
	}
	loop_hook_start(loop, &db->hook, before_wait, db);
	loop_timer_set(loop, &db->timer, 0, start_connecting, db);
	return db;
}

void
db_close(struct db *db)
{
	if (db == NULL)
		return;
	loop_watch_stop(db->loop, &db->watch);
	loop_timer_stop(db->loop, &db->timer);
	loop_hook_stop(db->loop, &db->hook);
	db->state = WAITING;
	pipeline_fail(&db->pipeline);
	pg_finish(db->conn);
	free_names(db);
	free(db->setup_sql);
	free(db);
}

void
db_reconnect(struct db *db, const char *why)
{
	db->pipeline.broken = why;
}

int
db_server_process(const struct db *db)
{
	return pg_server_process(db->conn);
}

bool
db_is_up(const struct db *db)
{
	return db->state == UP && db->pipeline.broken == NULL;
}

size_t
db_in_flight(const struct db *db)
{
	return db->pipeline.in_flight;
}

uint64_t
db_waits_for(const struct db *db)
{
	return loop_now(db->loop) - db->pipeline.head_since;
}
