/*
 * lane_report.c - results of a lane's jobs as metrics and log lines.
 */
#include "lane_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "catalog.h"
#include "log.h"
#include "metrics.h"

bool
lane_is_refusal(const char *sqlstate)
{
	return strncmp(sqlstate, "TT", 2) == 0 || strncmp(sqlstate, "22", 2) == 0 || strncmp(sqlstate, "23", 2) == 0;
}

void
lane_count_result(const struct lane_options *lane, const struct lane_job *job, const struct db_result *result, uint64_t ran)
{
	struct lane_metrics *metrics = lane->metrics;
	enum db_outcome outcome = db_result_outcome(result);

	counter_add(&metrics->in_flight, (uint64_t) -1);
	histogram_observe(&metrics->wait, job->sent - job->since);
	histogram_observe(&metrics->run, ran);
	counter_add(outcome == DB_OK ? &metrics->ok : outcome == DB_LOST ? &metrics->lost
				: outcome == DB_SKIPPED ? &metrics->undone
				: lane_is_refusal(db_error_sqlstate(result)) ? &metrics->refused : &metrics->failed, 1);
}

void
lane_log_slow(const struct lane_options *lane, const struct lane_job *job, uint64_t ran)
{
	uint64_t	queued = (job->sent - job->since) / 1000;
	uint64_t	ran_ms = ran / 1000;
	char		queue_text[24];
	char		run_text[24];
	char		attempts[16];

	if (lane->slow == 0 || queued + ran_ms < lane->slow)
		return;
	counter_add(&lane->metrics->slow, 1);
	snprintf(queue_text, sizeof queue_text, "%" PRIu64, queued);
	snprintf(run_text, sizeof run_text, "%" PRIu64, ran_ms);
	snprintf(attempts, sizeof attempts, "%d", job->attempts);
	log_event(LEVEL_WARN, "slow_query", "method", job->route != NULL ? catalog_method_name(job->route->method) : NULL,
			  "route", job->route != NULL ? job->route->path : NULL, "lane", lane->name,
			  "queue_ms", queue_text, "database_ms", run_text, "attempts", attempts,
			  "request_id", job->request_id, NULL);
}
