/*
 * leader.c - election by advisory lock (try_to_lead() in sql/30_relay.sql).
 *
 * The lock ends with the session that holds it, so a leader that has lost it has lost
 * its connection, too, and cannot finish a batch; in Redis the next leader's
 * token shuts it out (board_scripts.h).
 */
#include "leader.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

/* In ms. */
#define ELECTION_INTERVAL 300
#define REPORT_INTERVAL 10000

/* Every so many attempts look whether the leader is at work. */
#define INSPECTION_INTERVAL 10

/* What the database knows, in the order of the columns below. */
static const size_t gauges[] = {
	offsetof(struct relay_metrics, outbox_depth), offsetof(struct relay_metrics, outbox_age_ms),
	offsetof(struct relay_metrics, retrying), offsetof(struct relay_metrics, dead),
	offsetof(struct relay_metrics, deliveries_waiting), offsetof(struct relay_metrics, deliveries_late_ms),
	offsetof(struct relay_metrics, webhooks_failing), offsetof(struct relay_metrics, webhooks_disabled),
	offsetof(struct relay_metrics, mails_waiting), offsetof(struct relay_metrics, mails_late_ms),
};

#define GAUGE_COUNT (sizeof gauges / sizeof gauges[0])

static const char status[] =
	"SELECT r.outbox_depth, r.outbox_age_ms, r.retrying, r.dead, o.deliveries_waiting, o.deliveries_late_ms,"
	" o.webhooks_failing, o.webhooks_disabled, o.mails_waiting, o.mails_late_ms"
	" FROM timetrackr.relay_status() r CROSS JOIN timetrackr.outbound_status($1::boolean) o";

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
	if (leader->node == NULL)
		log_event(LEVEL_INFO, "relay_leads", NULL);
	else
		log_event(LEVEL_INFO, "node_relay_leads", "node", leader->node, NULL);
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

static _Atomic int64_t *
gauge(struct leader *leader, size_t index)
{
	return (_Atomic int64_t *) (void *) ((char *) leader->metrics + gauges[index]);
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

	if (!is_good(leader, result))
		return;
	for (size_t i = 0; db_result_rows(result) == 1 && i < GAUGE_COUNT; i++)
		atomic_store(gauge(leader, i), number(result, (int) i));
	leader->reported_at = loop_now(leader->loop);
	leader->reported(leader->arg);
}

void
leader_report(struct leader *leader)
{
	leader->values[0] = leader->sends_mails ? "true" : "false";
	ask(leader, status, 1, reported);
}

void
leader_resign(struct leader *leader)
{
	leader->running = false;
	loop_timer_stop(leader->loop, &leader->timer);
	atomic_store(&leader->metrics->leads, 0);
	for (size_t i = 0; i < GAUGE_COUNT; i++)
		atomic_store(gauge(leader, i), 0);
}
