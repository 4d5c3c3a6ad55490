/*
 * standby.c - asks one question again and again.
 */
#include "standby.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "statement.h"

/* A question that is not answered for so long: it is busy with something else, or does not answer at all. */
#define SILENCE 250000			/* µs */

static const struct db_statement statement = {
	.id = STATEMENT_REPLAY,
	.sql = "SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.pg_last_wal_replay_lsn() OPERATOR(pg_catalog.-) '0/0'::pg_catalog.pg_lsn,"
	" r.identity FROM timetrackr.relay r"
};

static uint64_t
number(const struct db_result *result, int column)
{
	const char *value = db_result_value(result, 0, column);

	return value != NULL ? strtoull(value, NULL, 10) : 0;
}

/* Say once that it refuses to answer: the extension, its tables of this version, or a grant is missing. */
static void
complain(struct standby *standby, const struct db_result *result)
{
	bool		refused = result != NULL && db_result_outcome(result) == DB_ERROR;

	if (refused && !standby->refused)
		log_event(LEVEL_ERROR, "standby_refused", "sqlstate", db_error_sqlstate(result), "error", db_error_message(result), NULL);
	standby->refused = refused;
}

static void
answered(struct lane_job *job, struct db_result *result)
{
	struct standby *standby = job->arg;

	standby->asked = false;
	complain(standby, result);
	standby->known = result != NULL && db_result_outcome(result) == DB_OK && db_result_rows(result) == 1;
	if (standby->known)
	{
		const char *identity = db_result_value(result, 0, 2);

		standby->is_recovering = strcmp(db_result_value(result, 0, 0), "t") == 0;
		standby->place = number(result, 1);
		standby->identity = identity != NULL ? strtoll(identity, NULL, 10) : 0;
	}
	standby->told(standby->arg);
}

static bool
always_wanted(const struct lane_job *job)
{
	(void) job;
	return true;
}

/* The next server at the other end may be another one. */
static void
changed(void *arg, bool is_up)
{
	struct standby *standby = arg;

	(void) is_up;
	standby->known = false;
	standby->asked_at = 0;
	standby->told(standby->arg);
}

void
standby_ask(struct standby *standby, uint64_t now)
{
	if (standby->asked || !lane_is_up(standby->lane))
		return;
	standby->asked = true;
	standby->asked_at = now;
	standby->question = (struct lane_job) {
		.statement = &statement, .stays = true, .done = answered, .is_wanted = always_wanted, .arg = standby
	};
	if (!lane_submit(standby->lane, &standby->question))
		standby->asked = false;
}

enum standby_state
standby_state(const struct standby *standby, int64_t identity, uint64_t now)
{
	if (!standby->known || (standby->asked && now - standby->asked_at > SILENCE))
		return STANDBY_AWAY;
	if (!standby->is_recovering || identity == 0 || standby->identity != identity)
		return STANDBY_UNFIT;
	return STANDBY_SOUND;
}

bool
standby_open(struct standby *standby, struct loop *loop, struct lane_options options,
			 void (*told) (void *arg), void *arg)
{
	standby->told = told;
	standby->arg = arg;
	options.changed = changed;
	options.arg = standby;
	standby->lane = lane_open(loop, &options);
	return standby->lane != NULL;
}
