/*
 * scrape.c - adds up what the workers have counted, and names it.
 *
 * Names, labels and their meaning stand in docs/monitoring.md. Labels come from fixed
 * lists and from the routes' patterns, so that their number is bounded.
 */
#include "scrape.h"

#include <stdio.h>

#include "audit.h"
#include "exposition.h"
#include "sentry.h"

#define WORKER(member) offsetof(struct worker_metrics, member)
#define LANE(member) offsetof(struct lane_metrics, member)
#define REDIS(member) offsetof(struct redis_metrics, member)
#define CACHE(member) offsetof(struct cache_counters, member)

/* A number, where it stands in a struct, and its sample; families of several samples come in rows. */
struct row
{
	size_t		offset;
	const char *name;
	const char *label;
	const char *type;			/* NULL: another sample of the row before */
	const char *help;
};

static uint64_t
number_at(const void *counters, size_t offset)
{
	return counter_get((const _Atomic uint64_t *) ((const char *) counters + offset));
}

/* A number of all workers. */
static uint64_t
sum_at(const struct metrics *metrics, size_t offset)
{
	uint64_t	sum = 0;

	for (size_t i = 0; i < metrics->worker_count; i++)
		sum += number_at(metrics->workers[i], offset);
	return sum;
}

static void
begin_family(struct text *text, const struct row *row)
{
	if (row->type != NULL)
		exposition_family(text, row->name, row->type, row->help);
}

static void
gauge(struct text *text, const char *name, const char *help, uint64_t value)
{
	exposition_family(text, name, "gauge", help);
	exposition_number(text, name, "", value);
}

static void
counter(struct text *text, const char *name, const char *help, uint64_t value)
{
	exposition_family(text, name, "counter", help);
	exposition_number(text, name, "", value);
}

/* ---- HTTP ---- */

/* The labels of what answers. */
static void
write_route(char *labels, size_t size, const struct catalog *catalog, size_t place)
{
	static const char *const extras[METRICS_EXTRAS] = {
		[METRICS_UNMATCHED] = "unmatched", [METRICS_FILE] = "file", [METRICS_OPTIONS] = "options",
	};

	if (place < catalog->route_count)
		snprintf(labels, size, "method=\"%s\",route=\"%s\"",
				 catalog_method_name(catalog->routes[place].method), catalog->routes[place].path);
	else
		snprintf(labels, size, "method=\"any\",route=\"%s\"", extras[place - catalog->route_count]);
}

static void
scrape_statuses(const struct metrics *metrics, size_t place, const char *route, struct text *text)
{
	for (size_t status = 0; status < METRICS_STATUSES; status++)
	{
		uint64_t	count = sum_at(metrics, WORKER(routes) + place * sizeof(struct route_metrics) +
								   offsetof(struct route_metrics, statuses) + status * sizeof(uint64_t));
		char		labels[400];
		int			number = metrics_status_at(status);

		if (count == 0)
			continue;
		if (number > 0)
			snprintf(labels, sizeof labels, "%s,status=\"%d\"", route, number);
		else
			snprintf(labels, sizeof labels, "%s,status=\"other\"", route);
		exposition_number(text, "timetrackr_http_requests_total", labels, count);
	}
}

static void
scrape_duration(const struct metrics *metrics, size_t place, const char *route, struct text *text)
{
	struct histogram_sum sum = {0};

	for (size_t i = 0; i < metrics->worker_count; i++)
		histogram_sum_add(&sum, &metrics->workers[i]->routes[place].duration);
	if (sum.count > 0)
		exposition_histogram(text, "timetrackr_http_request_duration_seconds", route, &sum);
}

static void
scrape_requests(const struct worker_shared *shared, struct text *text)
{
	size_t		count = shared->catalog->route_count + METRICS_EXTRAS;
	char		route[300];

	exposition_family(text, "timetrackr_http_requests_total", "counter", "Requests answered, by route and status.");
	for (size_t place = 0; place < count; place++)
	{
		write_route(route, sizeof route, shared->catalog, place);
		scrape_statuses(shared->metrics, place, route, text);
	}
	exposition_family(text, "timetrackr_http_request_duration_seconds", "histogram",
					  "From the first line of a request to its answer, in seconds.");
	for (size_t place = 0; place < count; place++)
	{
		write_route(route, sizeof route, shared->catalog, place);
		scrape_duration(shared->metrics, place, route, text);
	}
}

/* ---- what workers count by themselves ---- */

static const struct row worker_rows[] = {
	{WORKER(connections), "timetrackr_http_connections", "", "gauge", "HTTP connections now."},
	{WORKER(connections_taken), "timetrackr_http_connections_accepted_total", "", "counter", "HTTP connections taken."},
	{WORKER(connections_refused), "timetrackr_http_connections_refused_total", "", "counter",
	"HTTP connections closed at once by CONNECTIONS_PER_ADDRESS."},
	{WORKER(limited[METRICS_LIMIT_USER]), "timetrackr_rate_limited_requests_total", "limit=\"user\"", "counter",
	"Requests refused by a rate limit."},
	{WORKER(limited[METRICS_LIMIT_ADDRESS]), "timetrackr_rate_limited_requests_total", "limit=\"address\"", NULL, NULL},
	{WORKER(limited[METRICS_LIMIT_SESSIONS]), "timetrackr_rate_limited_requests_total", "limit=\"sessions\"", NULL, NULL},
	{WORKER(live_opened), "timetrackr_websocket_opened_total", "", "counter", "WebSockets opened."},
	{WORKER(live_messages), "timetrackr_websocket_messages_sent_total", "", "counter", "Messages sent to WebSockets."},
	{WORKER(feed_current), "timetrackr_feed_current_workers", "", "gauge",
	"Event loops whose feed of events is less than a second behind."},
};

static void
scrape_workers(const struct worker_shared *shared, struct text *text)
{
	const struct metrics *metrics = shared->metrics;

	gauge(text, "timetrackr_ready", "1 while GET /readyz says ready, as far as connections go.",
		  atomic_load(shared->unready) == 0);
	gauge(text, "timetrackr_workers", "Event loops.", metrics->worker_count);
	for (size_t i = 0; i < sizeof worker_rows / sizeof worker_rows[0]; i++)
	{
		begin_family(text, &worker_rows[i]);
		exposition_number(text, worker_rows[i].name, worker_rows[i].label, sum_at(metrics, worker_rows[i].offset));
	}
	/* opened last: what is closed meanwhile was open before */
	gauge(text, "timetrackr_websocket_connections", "WebSockets now.",
		  (0 - sum_at(metrics, WORKER(live_closed))) + sum_at(metrics, WORKER(live_opened)));
	gauge(text, "timetrackr_websocket_connections_limit", "As many as LIVE_CONNECTIONS allows.",
		  shared->config->live_connections);
}

/* ---- lanes ---- */

static const char *const lane_names[LANE_COUNT] = {
	[LANE_READ] = "read", [LANE_WRITE] = "write", [LANE_BATCH] = "batch", [LANE_LOGIN] = "login", [LANE_BULK] = "bulk",
	[LANE_STANDBY] = "standby",
};

static const struct row lane_rows[] = {
	{LANE(connections), "timetrackr_database_connections_wanted", "", "gauge", "Connections to PostgreSQL that a lane should have."},
	{LANE(connections_up), "timetrackr_database_connections", "", "gauge", "Connections to PostgreSQL that are up."},
	{LANE(connects), "timetrackr_database_connects_total", "", "counter", "Times that a connection to PostgreSQL came up."},
	{LANE(waiting), "timetrackr_lane_queued_statements", "", "gauge", "Statements that wait for a connection."},
	{LANE(in_flight), "timetrackr_lane_running_statements", "", "gauge", "Statements sent and not answered yet."},
	{LANE(ok), "timetrackr_lane_statements_total", ",outcome=\"ok\"", "counter", "Statements that came back, by what became of them."},
	{LANE(refused), "timetrackr_lane_statements_total", ",outcome=\"refused\"", NULL, NULL},
	{LANE(failed), "timetrackr_lane_statements_total", ",outcome=\"failed\"", NULL, NULL},
	{LANE(lost), "timetrackr_lane_statements_total", ",outcome=\"lost\"", NULL, NULL},
	{LANE(undone), "timetrackr_lane_statements_total", ",outcome=\"undone\"", NULL, NULL},
	{LANE(retries), "timetrackr_lane_retries_total", "", "counter", "Statements that were sent again."},
	{LANE(rejected), "timetrackr_lane_rejected_total", "", "counter",
	"Statements never sent: no room, no connection, no time, or nobody who wants them any more."},
	{LANE(slow), "timetrackr_lane_slow_statements_total", "", "counter", "Statements that took SLOW_QUERY_MS or more."},
	{LANE(batches), "timetrackr_lane_batches_total", "", "counter", "Transactions that statements shared."},
};

static void
scrape_lane_histogram(const struct metrics *metrics, const char *name, const char *help, size_t offset,
					  struct text *text)
{
	exposition_family(text, name, "histogram", help);
	for (size_t lane = 0; lane < LANE_COUNT; lane++)
	{
		struct histogram_sum sum = {0};
		char		label[32];

		for (size_t i = 0; i < metrics->worker_count; i++)
			histogram_sum_add(&sum, (const struct histogram *)
							  ((const char *) &metrics->workers[i]->lanes[lane] + offset));
		snprintf(label, sizeof label, "lane=\"%s\"", lane_names[lane]);
		exposition_histogram(text, name, label, &sum);
	}
}

static void
scrape_lanes(const struct metrics *metrics, struct text *text)
{
	for (size_t row = 0; row < sizeof lane_rows / sizeof lane_rows[0]; row++)
	{
		begin_family(text, &lane_rows[row]);
		for (size_t lane = 0; lane < LANE_COUNT; lane++)
		{
			char		labels[64];

			snprintf(labels, sizeof labels, "lane=\"%s\"%s", lane_names[lane], lane_rows[row].label);
			exposition_number(text, lane_rows[row].name, labels,
							  sum_at(metrics, WORKER(lanes) + lane * sizeof(struct lane_metrics) + lane_rows[row].offset));
		}
	}
	scrape_lane_histogram(metrics, "timetrackr_lane_wait_seconds", "From a statement's submission to its sending, in seconds.",
						  LANE(wait), text);
	scrape_lane_histogram(metrics, "timetrackr_lane_statement_seconds", "From a statement's sending to its answer, in seconds.",
						  LANE(run), text);
}

/* ---- standbys ---- */

static const struct row read_rows[] = {
	{WORKER(reads.targets[READS_STANDBY]), "timetrackr_standby_reads_total", "", "counter", "Reads given to a standby."},
	{WORKER(reads.targets[READS_AWAY]), "timetrackr_standby_fallbacks_total", "cause=\"away\"", "counter",
	"Reads given to the primary though there are to be standbys."},
	{WORKER(reads.targets[READS_UNFIT]), "timetrackr_standby_fallbacks_total", "cause=\"unfit\"", NULL, NULL},
	{WORKER(reads.targets[READS_BEHIND]), "timetrackr_standby_fallbacks_total", "cause=\"behind\"", NULL, NULL},
	{WORKER(reads.targets[READS_BUSY]), "timetrackr_standby_fallbacks_total", "cause=\"busy\"", NULL, NULL},
	{WORKER(reads.targets[READS_PRIMARY_SILENT]), "timetrackr_standby_fallbacks_total", "cause=\"primary_silent\"", NULL, NULL},
	{WORKER(lanes[LANE_STANDBY].moved), "timetrackr_standby_fallbacks_total", "cause=\"failed\"", NULL, NULL},
	{WORKER(reads.usable), "timetrackr_standby_usable_connections", "", "gauge",
	"Connections to standbys that are behind by no more than a read waits."},
};

static void
scrape_standbys(const struct metrics *metrics, struct text *text)
{
	uint64_t	lag = 0;
	uint64_t	bytes = 0;

	for (size_t i = 0; i < sizeof read_rows / sizeof read_rows[0]; i++)
	{
		begin_family(text, &read_rows[i]);
		exposition_number(text, read_rows[i].name, read_rows[i].label, sum_at(metrics, read_rows[i].offset));
	}
	for (size_t i = 0; i < metrics->worker_count; i++)
	{
		const struct read_metrics *reads = &metrics->workers[i]->reads;

		lag = counter_get(&reads->lag) > lag ? counter_get(&reads->lag) : lag;
		bytes = counter_get(&reads->lag_bytes) > bytes ? counter_get(&reads->lag_bytes) : bytes;
	}
	exposition_family(text, "timetrackr_standby_lag_seconds", "gauge",
					  "For how long the standby that is behind the most has been behind, in seconds.");
	exposition_seconds(text, "timetrackr_standby_lag_seconds", "", lag);
	gauge(text, "timetrackr_standby_lag_bytes", "How much of the primary's log it has not replayed, in bytes.", bytes);
}

/* ---- the cache of answers ---- */

static const struct row cache_rows[] = {
	{CACHE(hits), "timetrackr_cache_requests_total", "result=\"hit\"", "counter", "Requests that answers are kept for."},
	{CACHE(misses), "timetrackr_cache_requests_total", "result=\"miss\"", NULL, NULL},
	{CACHE(joined), "timetrackr_cache_requests_total", "result=\"joined\"", NULL, NULL},
	{CACHE(shared_hits), "timetrackr_cache_shared_hits_total", "", "counter", "Misses that were answered from Redis."},
	{CACHE(stale), "timetrackr_cache_stale_total", "", "counter", "Answers not kept since they changed while they were read."},
	{CACHE(evictions), "timetrackr_cache_evictions_total", "", "counter", "Answers dropped for lack of room."},
	{CACHE(entries), "timetrackr_cache_entries", "", "gauge", "Answers kept now."},
	{CACHE(bytes), "timetrackr_cache_bytes", "", "gauge", "Memory they take, in bytes."},
};

static void
scrape_cache(const struct worker_shared *shared, struct text *text)
{
	for (size_t row = 0; row < sizeof cache_rows / sizeof cache_rows[0]; row++)
	{
		uint64_t	sum = 0;

		for (size_t i = 0; i < shared->metrics->worker_count; i++)
			sum += number_at(&shared->cache_counters[i], cache_rows[row].offset);
		begin_family(text, &cache_rows[row]);
		exposition_number(text, cache_rows[row].name, cache_rows[row].label, sum);
	}
	gauge(text, "timetrackr_cache_limit_bytes", "What they may take, in bytes: CACHE_BYTES of each event loop.",
		  shared->config->cache_bytes * shared->metrics->worker_count);
}

/* ---- Redis ---- */

static const struct row redis_rows[] = {
	{REDIS(connects), "timetrackr_redis_connects_total", "", "counter", "Times that a connection to Redis came up."},
	{REDIS(failures), "timetrackr_redis_failures_total", "", "counter", "Connections to Redis lost, and attempts that failed."},
	{REDIS(commands), "timetrackr_redis_commands_total", "", "counter", "Commands sent to Redis."},
	{REDIS(errors), "timetrackr_redis_errors_total", "", "counter", "Answers of Redis that were errors."},
	{REDIS(unanswered), "timetrackr_redis_unanswered_total", "", "counter", "Commands whose connection was lost."},
};

static uint64_t
redis_sum(const struct metrics *metrics, size_t kind, size_t offset)
{
	return sum_at(metrics, WORKER(redis) + kind * sizeof(struct redis_metrics) + offset);
}

static void
scrape_redis(const struct metrics *metrics, struct text *text)
{
	static const char *const labels[METRICS_REDIS_COUNT] = {
		[METRICS_REDIS_LEADERBOARD] = "connection=\"leaderboard\"",
		[METRICS_REDIS_CACHE] = "connection=\"cache\"",
		[METRICS_REDIS_RELAY] = "connection=\"relay\"",
	};

	exposition_family(text, "timetrackr_redis_up", "gauge", "1 while all connections to Redis of this kind are up.");
	for (size_t kind = 0; kind < METRICS_REDIS_COUNT; kind++)
	{
		uint64_t	wanted = redis_sum(metrics, kind, REDIS(connections));

		if (wanted > 0)
			exposition_number(text, "timetrackr_redis_up", labels[kind], redis_sum(metrics, kind, REDIS(up)) == wanted);
	}
	for (size_t row = 0; row < sizeof redis_rows / sizeof redis_rows[0]; row++)
	{
		begin_family(text, &redis_rows[row]);
		for (size_t kind = 0; kind < METRICS_REDIS_COUNT; kind++)
			exposition_number(text, redis_rows[row].name, labels[kind], redis_sum(metrics, kind, redis_rows[row].offset));
	}
}

/* ---- the relay ---- */

/* Every proxy's feeds look at it, also while its leader is stuck. */
static void
scrape_lag(const struct metrics *metrics, struct text *text)
{
	uint64_t	most = 0;

	for (size_t i = 0; i < metrics->worker_count; i++)
	{
		uint64_t	behind = counter_get(&metrics->workers[i]->relay_behind);

		most = behind > most ? behind : most;
	}
	exposition_family(text, "timetrackr_relay_lag_seconds", "gauge",
					  "For how long the next event has been waiting for the relay, whoever leads it, in seconds.");
	exposition_seconds(text, "timetrackr_relay_lag_seconds", "", most * 1000);
}

static uint64_t
level_of(const _Atomic int64_t *level)
{
	return (uint64_t) atomic_load_explicit(level, memory_order_relaxed);
}

static void
scrape_relay(const struct relay_metrics *relay, struct text *text)
{
	gauge(text, "timetrackr_relay_leader", "1 while this process leads the relay.", level_of(&relay->leads));
	counter(text, "timetrackr_relay_elections_total", "Times that this process became the leader.", counter_get(&relay->elections));
	counter(text, "timetrackr_relay_events_total", "Events put into the stream.", counter_get(&relay->events));
	counter(text, "timetrackr_relay_batches_total", "Batches of events.", counter_get(&relay->batches));
	counter(text, "timetrackr_relay_failures_total", "Times that an event could not be applied.", counter_get(&relay->failures));
	counter(text, "timetrackr_relay_deaths_total", "Events given up after all their tries.", counter_get(&relay->deaths));
	counter(text, "timetrackr_webhook_deliveries_total", "Requests to webhooks that were taken.", counter_get(&relay->delivered));
	counter(text, "timetrackr_webhook_failures_total", "Requests to webhooks that failed.", counter_get(&relay->undelivered));
	counter(text, "timetrackr_mails_total", "Mails that the mail server has taken.", counter_get(&relay->mailed));
	exposition_family(text, "timetrackr_mail_failures_total", "counter", "Times that it has not taken one, by why.");
	exposition_number(text, "timetrackr_mail_failures_total", "cause=\"connection\"", counter_get(&relay->mails_undelivered));
	exposition_number(text, "timetrackr_mail_failures_total", "cause=\"refusal\"", counter_get(&relay->mails_refused));
	gauge(text, "timetrackr_outbox_events", "Events in the outbox, at the leader; 0 elsewhere.", level_of(&relay->outbox_depth));
	gauge(text, "timetrackr_outbox_retrying_events", "Those of them that failed at least once.", level_of(&relay->retrying));
	exposition_family(text, "timetrackr_outbox_age_seconds", "gauge",
					  "Age of the oldest event that is due, at the leader, in seconds; 0 elsewhere.");
	exposition_seconds(text, "timetrackr_outbox_age_seconds", "", level_of(&relay->outbox_age_ms) * 1000);
	gauge(text, "timetrackr_dead_events", "Rows of dead_events, at the leader; 0 elsewhere.", level_of(&relay->dead));
	gauge(text, "timetrackr_carriers_stuck", "Ways between nodes on which no events are carried, at the leader; 0 elsewhere.",
		  level_of(&relay->inward_stuck) + level_of(&relay->outward_stuck));
}

static void
scrape_outbound(const struct relay_metrics *relay, struct text *text)
{
	gauge(text, "timetrackr_webhook_deliveries_waiting", "Deliveries that wait, be it for their next attempt, at the leader; 0 elsewhere.",
		  level_of(&relay->deliveries_waiting));
	exposition_family(text, "timetrackr_webhook_late_seconds", "gauge",
					  "For how long a delivery has been due that nobody sends, at the leader, in seconds; 0 elsewhere.");
	exposition_seconds(text, "timetrackr_webhook_late_seconds", "", level_of(&relay->deliveries_late_ms) * 1000);
	gauge(text, "timetrackr_webhooks_failing", "Webhooks whose last request failed, at the leader; 0 elsewhere.", level_of(&relay->webhooks_failing));
	gauge(text, "timetrackr_webhooks_disabled", "Webhooks that were disabled for their failures, at the leader; 0 elsewhere.",
		  level_of(&relay->webhooks_disabled));
	gauge(text, "timetrackr_mails_waiting", "Mails that wait, be it for their next attempt, at the leader; 0 elsewhere.", level_of(&relay->mails_waiting));
	exposition_family(text, "timetrackr_mail_late_seconds", "gauge",
					  "For how long a mail has been due that nobody sends, at the leader, in seconds; 0 elsewhere.");
	exposition_seconds(text, "timetrackr_mail_late_seconds", "", level_of(&relay->mails_late_ms) * 1000);
}

static void
scrape_audit(const struct audit_counters *audit, struct text *text)
{
	if (audit == NULL)
		return;
	counter(text, "timetrackr_board_rows_compared_total", "Rows of boards in Redis compared with PostgreSQL.", counter_get(&audit->rows));
	counter(text, "timetrackr_board_rounds_total", "Times that all boards were compared.", counter_get(&audit->rounds));
	counter(text, "timetrackr_board_differences_total", "Users whose rows in Redis were wrong, and were mended.", counter_get(&audit->differences));
}

/* ---- reports of errors ---- */

static void
scrape_sentry(const struct sentry_counters *counters, struct text *text)
{
	exposition_family(text, "timetrackr_error_reports_total", "counter", "Errors to be reported to Sentry, by what became of that.");
	exposition_number(text, "timetrackr_error_reports_total", "outcome=\"sent\"", counter_get(&counters->sent));
	exposition_number(text, "timetrackr_error_reports_total", "outcome=\"repeated\"", counter_get(&counters->repeated));
	exposition_number(text, "timetrackr_error_reports_total", "outcome=\"dropped\"", counter_get(&counters->dropped));
	exposition_number(text, "timetrackr_error_reports_total", "outcome=\"failed\"", counter_get(&counters->failed));
}

void
scrape(const struct worker_shared *shared, struct text *text)
{
	char		versions[200];
	struct relay_metrics relays;

	snprintf(versions, sizeof versions, "version=\"%s\",extension_version=\"%s\"", TIMETRACKR_VERSION, shared->catalog->version);
	exposition_family(text, "timetrackr_build_info", "gauge", "1; the versions of proxy and extension.");
	exposition_number(text, "timetrackr_build_info", versions, 1);
	scrape_workers(shared, text);
	scrape_requests(shared, text);
	scrape_lanes(shared->metrics, text);
	scrape_standbys(shared->metrics, text);
	scrape_cache(shared, text);
	scrape_redis(shared->metrics, text);
	scrape_lag(shared->metrics, text);
	relay_metrics_sum(shared->relay_metrics, 1 + shared->config->event_url_count, &relays);
	scrape_relay(&relays, text);
	scrape_outbound(&relays, text);
	scrape_audit(atomic_load(&shared->metrics->audit), text);
	scrape_sentry(sentry_counters(shared->sentry), text);
	scrape_process(shared->metrics, text);
}
