/*
 * check.c - tries what a start would need, one thing after the other.
 */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>

#include "db_blocking.h"
#include "exporter.h"
#include "net.h"
#include "redis.h"
#include "tls.h"

#define DATABASE_LIMIT 10		/* s */
#define STANDBY_LIMIT 2			/* s: one that is away is done without */
#define REDIS_LIMIT 5000		/* ms */
/* So often two connections are looked at for a session that they share. */
#define POOLER_TRIES 5

enum sessions
{
	SESSIONS_UNKNOWN,			/* there is no connection */
	SESSIONS_OWN,
	SESSIONS_SHARED
};

/* The process in which a statement of this connection runs; 0: that can't be found out. */
static int
running_process(struct db_blocking *db)
{
	char		why[256];
	struct db_result *result = db_blocking_query(db, "SELECT pg_catalog.pg_backend_pid()", 0, NULL, why, sizeof why);
	int			process = result != NULL ? (int) strtol(db_result_value(result, 0, 0), NULL, 10) : 0;

	db_result_free(result);
	return process;
}

/*
 * Do two connections share a session? A pooler that gives a session to each transaction takes the one that was used
 * last, unless somebody else was quicker. One that is none of a pooler's tells its process itself.
 */
static bool
shares_sessions(const char *url, bool any_server, struct db_blocking *db)
{
	char		why[256];
	struct db_blocking *other;
	bool		shares = false;

	if (db_blocking_server_process(db) == running_process(db))
		return false;
	other = db_blocking_open(url, any_server, DATABASE_LIMIT, why, sizeof why);
	for (int i = 0; i < POOLER_TRIES && other != NULL && !shares; i++)
	{
		int			process = running_process(db);

		shares = process != 0 && running_process(other) == process;
	}
	db_blocking_close(other);
	return shares;
}

/* Have connections to a server sessions of their own? */
static enum sessions
find_sessions(const char *url, bool any_server, int limit)
{
	char		why[256];
	struct db_blocking *db = db_blocking_open(url, any_server, limit, why, sizeof why);
	enum sessions found = SESSIONS_UNKNOWN;

	if (db != NULL)
		found = shares_sessions(url, any_server, db) ? SESSIONS_SHARED : SESSIONS_OWN;
	db_blocking_close(db);
	return found;
}

/* Refuse a setting that leads through a pooler of transactions. What can't be reached now is waited for, or done without. */
static bool
check_pooler(const char *setting, enum sessions found, char *why, size_t why_size)
{
	if (found != SESSIONS_SHARED)
		return true;
	snprintf(why, why_size, "%s: a pooler, such as PgBouncer in transaction mode, lets connections share sessions, "
			 "and the proxy needs its own: name PostgreSQL itself, or a pool in session mode", setting);
	return false;
}

bool
check_poolers(const struct config *config, char *why, size_t why_size)
{
	bool		good = check_pooler("DATABASE_URL", find_sessions(config->database_url, false, DATABASE_LIMIT), why, why_size) &&
		(config->database_read_url == NULL ||
		 check_pooler("DATABASE_READ_URL", find_sessions(config->database_read_url, true, STANDBY_LIMIT), why, why_size));

	for (size_t i = 0; good && i < config->event_url_count; i++)
		good = check_pooler("EVENT_DATABASE_URLS", find_sessions(config->event_urls[i], false, STANDBY_LIMIT), why, why_size);
	return good;
}

static bool
check_server(const char *setting, const char *url, bool any_server, char *why, size_t why_size)
{
	char		reason[256];
	struct db_blocking *db = db_blocking_open(url, any_server, DATABASE_LIMIT, reason, sizeof reason);

	if (db == NULL)
		snprintf(why, why_size, "%s: %s", setting, reason);
	db_blocking_close(db);
	return db != NULL;
}

/* Is there a standby at all, and every other node? */
static bool
check_servers(const struct config *config, char *why, size_t why_size)
{
	bool		good = config->database_read_url == NULL ||
		check_server("DATABASE_READ_URL", config->database_read_url, true, why, why_size);

	for (size_t i = 0; good && i < config->event_url_count; i++)
		good = check_server("EVENT_DATABASE_URLS", config->event_urls[i], false, why, why_size);
	return good;
}

/* Ask the database something that is true or false; true also when it does not answer. */
static bool
is_true(const struct config *config, const char *sql, int value_count, const char *const *values)
{
	char		why[256];
	struct db_blocking *db = db_blocking_open(config->database_url, false, DATABASE_LIMIT, why, sizeof why);
	struct db_result *result = db != NULL ? db_blocking_query(db, sql, value_count, values, why, sizeof why) : NULL;
	bool		answer = result == NULL || *db_result_value(result, 0, 0) == 't';

	db_result_free(result);
	db_blocking_close(db);
	return answer;
}

bool
check_parameters_unlogged(const struct config *config)
{
	return is_true(config, "SELECT current_setting('log_parameter_max_length') = '0'", 0, NULL);
}

bool
check_nodes_heard(const struct config *config)
{
	char		named[24];
	const char *const values[] = {named};

	snprintf(named, sizeof named, "%zu", config->event_url_count);
	return is_true(config, "SELECT count(*) <= $1::bigint FROM pg_catalog.pg_dist_node"
				   " WHERE groupid <> 0 AND noderole = 'primary' AND isactive", 1, values);
}

/* Redis is up, or has had its time. */
static void
stop_waiting(void *arg)
{
	loop_stop(arg);
}

static bool
check_redis(const struct config *config, char *why, size_t why_size)
{
	struct loop *loop = loop_create();
	struct redis_options options = {
		.server = &config->redis,
		.name = "check",
		.silence_limit = REDIS_LIMIT,
		.up = stop_waiting,
		.arg = loop,
	};
	struct redis *redis = loop != NULL ? redis_open(loop, &options) : NULL;
	struct loop_timer limit = {0};
	char		place[256];
	char		trouble[256] = "out of memory";
	bool		is_up = false;

	if (redis != NULL)
	{
		loop_timer_set(loop, &limit, REDIS_LIMIT, stop_waiting, loop);
		is_up = loop_run(loop) && redis_is_up(redis);
		snprintf(trouble, sizeof trouble, "%s",
				 redis_trouble(redis)[0] != '\0' ? redis_trouble(redis) : "it does not answer");
		redis_close(redis);
	}
	loop_free(loop);
	redis_url_describe(&config->redis, place, sizeof place);
	if (!is_up)
		snprintf(why, why_size, "REDIS_URL: Redis (%s) cannot be used: %s", place, trouble);
	return is_up;
}

bool
check_settings(const struct config *config, char *why, size_t why_size)
{
	struct tls_identity *identity = NULL;

	if (config->tls_cert != NULL &&
		(identity = tls_load(config->tls_cert, config->tls_key, why, why_size)) == NULL)
		return false;
	tls_release(identity);
	return net_check(config->host, config->port, why, why_size) &&
		exporter_check(config, why, why_size) &&
		check_poolers(config, why, why_size) && check_servers(config, why, why_size) &&
		(config->redis.host == NULL || check_redis(config, why, why_size));
}
