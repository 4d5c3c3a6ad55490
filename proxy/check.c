/*
 * check.c - tries what a start would need, one thing after the other.
 */
#include "check.h"

#include <stdio.h>

#include "db_blocking.h"
#include "exporter.h"
#include "net.h"
#include "redis.h"
#include "tls.h"

#define DATABASE_LIMIT 10		/* s */
#define REDIS_LIMIT 5000		/* ms */

static bool
check_replica(const struct config *config, char *why, size_t why_size)
{
	char		reason[256];
	struct db_blocking *db = db_blocking_open(config->database_read_url, DATABASE_LIMIT,
											  reason, sizeof reason);

	if (db == NULL)
		snprintf(why, why_size, "DATABASE_READ_URL: %s", reason);
	db_blocking_close(db);
	return db != NULL;
}

bool
check_parameters_unlogged(const struct config *config)
{
	static const char sql[] = "SELECT current_setting('log_parameter_max_length') = '0'";
	char		why[256];
	struct db_blocking *db = db_blocking_open(config->database_url, DATABASE_LIMIT, why, sizeof why);
	struct db_result *result = db != NULL ? db_blocking_query(db, sql, 0, NULL, why, sizeof why) : NULL;
	bool		unlogged = result == NULL || *db_result_value(result, 0, 0) == 't';

	db_result_free(result);
	db_blocking_close(db);
	return unlogged;
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
		check_replica(config, why, why_size) &&
		(config->redis.host == NULL || check_redis(config, why, why_size));
}
