/*
 * leader.c - election by advisory lock (try_to_lead() in sql/30_relay.sql).
 *
 * The lock ends with the session that holds it, so a leader that has lost it has lost
 * its connection, too, and cannot finish a batch; in Redis the next leader's
 * token shuts it out (board_scripts.h).
 */
#include "leader.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"

/* In ms. */
#define ELECTION_INTERVAL 300
#define REPORT_INTERVAL 10000

/* Every so many attempts look whether the leader is at work. */
#define INSPECTION_INTERVAL 10

static void campaign(void *arg);

static void
ask(struct leader *leader, const char *sql, int value_count,
	void (*done) (struct db_query *query, struct db_result *result))
{
	leader->running = true;
	leader->query = (struct db_query) {
		.sql = sql, .value_count = value_count, .values = leader->values, .done = done, .arg = leader
	};
	if (!db_send(leader->db, &leader->query))
		db_reconnect(leader->db, "the relay cannot send a statement");
}

/* Is an answer of interest, and good? */
static bool
is_good(struct leader *leader, const struct db_result *result)
{
	bool		wanted = leader->running && db_result_outcome(result) != DB_LOST;

	if (wanted)
		leader->running = false;
	if (wanted && db_result_outcome(result) != DB_OK)
		leader->refused(leader->arg, result);
	return wanted && db_result_outcome(result) == DB_OK;
}

static void
voted(struct db_query *query, struct db_result *result)
{
	struct leader *leader = query->arg;

	if (!is_good(leader, result))
		return;
	if (strcmp(db_result_value(result, 0, 0), "t") != 0)
	{
		loop_timer_set(leader->loop, &leader->timer, ELECTION_INTERVAL, campaign, leader);
		leader->follows(leader->arg);
		return;
	}
	leader->reported_at = 0;
	relay_count(&leader->metrics->elections, 1);
	atomic_store(&leader->metrics->leads, 1);
	log_event(LEVEL_INFO, "relay_leads", NULL);
	leader->elected(leader->arg);
}

static void
campaign(void *arg)
{
	struct leader *leader = arg;

	leader->attempts++;
	leader->values[0] = leader->attempts % INSPECTION_INTERVAL == 0 ? "true" : "false";
	ask(leader, "SELECT timetrackr.try_to_lead($1::boolean)", 1, voted);
}

void
leader_campaign(struct leader *leader)
{
	leader->attempts = 0;
	campaign(leader);
}

bool
leader_report_is_due(const struct leader *leader)
{
	return leader->reported_at == 0 || loop_now(leader->loop) >= leader->reported_at + REPORT_INTERVAL;
}

static int64_t
number(const struct db_result *result, int column)
{
	const char *value = db_result_value(result, 0, column);

	return value != NULL ? strtoll(value, NULL, 10) : 0;
}

static void
reported(struct db_query *query, struct db_result *result)
{
	struct leader *leader = query->arg;
	struct relay_metrics *metrics = leader->metrics;

	if (!is_good(leader, result))
		return;
	if (db_result_rows(result) == 1)
	{
		atomic_store(&metrics->outbox_depth, number(result, 0));
		atomic_store(&metrics->outbox_age_ms, number(result, 1));
		atomic_store(&metrics->retrying, number(result, 2));
		atomic_store(&metrics->dead, number(result, 3));
	}
	leader->reported_at = loop_now(leader->loop);
	leader->reported(leader->arg);
}

void
leader_report(struct leader *leader)
{
	ask(leader, "SELECT outbox_depth, outbox_age_ms, retrying, dead FROM timetrackr.relay_status()", 0, reported);
}

void
leader_resign(struct leader *leader)
{
	struct relay_metrics *metrics = leader->metrics;

	leader->running = false;
	loop_timer_stop(leader->loop, &leader->timer);
	atomic_store(&metrics->leads, 0);
	atomic_store(&metrics->outbox_depth, 0);
	atomic_store(&metrics->outbox_age_ms, 0);
	atomic_store(&metrics->retrying, 0);
	atomic_store(&metrics->dead, 0);
}
