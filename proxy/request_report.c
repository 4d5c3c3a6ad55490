/*
 * request_report.c - a request that failed, as a report: what is told of it, and what has happened
 * until then, from the times that it has anyway.
 *
 * An outage makes thousands of requests fail for one reason. So those that fail for lack of
 * something are one issue by their code; an error that nobody expected is one by route and SQLSTATE.
 */
#include "request_state.h"

#include <stdio.h>
#include <string.h>

#include "sentry.h"
#include "sentry_scrub.h"
#include "trace.h"

/* Failures that are ours, or of what we stand on; 501 and 505 are answers like others. */
static bool
is_failure(int status)
{
	return status == 500 || status == 502 || status == 503 || status == 504;
}

/* Whoever asks for readiness is told it, and a proxy that ends says so. */
static bool
is_expected(const char *code)
{
	return strcmp(code, "not_ready") == 0 || strcmp(code, "shutting_down") == 0;
}

/* Does the route have a parameter of this name? What clients make up may be anything. */
static bool
is_parameter(const struct catalog_route *route, const char *name)
{
	if (route->key_count > 0 && strcmp(name, "cursor") == 0)
		return true;
	for (size_t i = 0; i < route->param_count; i++)
		if (strcmp(name, route->params[i].name) == 0)
			return true;
	return false;
}

/* Names of parameters, without their values. */
static void
write_query(char *out, size_t size, const struct target *target, const struct catalog_route *route)
{
	size_t		length = 0;

	out[0] = '\0';
	for (size_t i = 0; i < target->query_count && length < size; i++)
		if (is_parameter(route, target->query[i].name))
		{
			int			added = snprintf(out + length, size - length, "%s%s=" SENTRY_FILTERED,
										 length > 0 ? "&" : "", target->query[i].name);

			length += added > 0 ? (size_t) added : 0;
		}
}

static void
copy_path(char *out, size_t size, const struct target *target)
{
	char		path[256];

	snprintf(path, sizeof path, "%.*s", (int) (target->path_length < sizeof path ? target->path_length : sizeof path - 1),
			 target->path != NULL ? target->path : "");
	sentry_scrub(out, size, path);
}

static void
describe_request(struct sentry_request *told, const struct request *request)
{
	const struct admission *admission = &request->admission;
	const struct catalog_route *route = admission->route;
	struct trace trace;

	snprintf(told->id, sizeof told->id, "%s", admission->id);
	told->status = request->answer.status;
	told->user_id = admission->user_id;
	if (trace_parse(&trace, request->head.traceparent))
	{
		memcpy(told->trace_id, trace.id, sizeof told->trace_id);
		memcpy(told->parent_id, trace.parent, sizeof told->parent_id);
	}
	if (route == NULL)
		return;
	told->method = catalog_method_name(route->method);
	told->route = route->path;
	told->is_https = request->service->tls != NULL;
	copy_path(told->path, sizeof told->path, &request->target);
	write_query(told->query, sizeof told->query, &request->target, route);
	sentry_scrub(told->host, sizeof told->host, request->head.host);
	sentry_scrub(told->user_agent, sizeof told->user_agent, request->head.user_agent);
	sentry_scrub(told->accept, sizeof told->accept, request->head.accept);
	sentry_scrub(told->content_type, sizeof told->content_type, request->head.content_type);
}

/* Its steps. The loop's clock is told as the time of day by what both say now. */
static void
add_steps(struct sentry_event *event, const struct request *request)
{
	static const char *const lanes[LANE_COUNT] = {
		[LANE_READ] = "read", [LANE_WRITE] = "write", [LANE_BATCH] = "batch", [LANE_LOGIN] = "login", [LANE_BULK] = "bulk",
	};
	const struct admission *admission = &request->admission;
	const struct lane_job *job = &request->job;
	uint64_t	offset = event->at - loop_clock_us();

	sentry_event_step(event, offset + request->started, "http", false, "received, %zu bytes of body", request->body_length);
	if (request->identified != 0)
		sentry_event_step(event, offset + request->identified, "auth", false, "the provider's token belongs to a user");
	else if (admission->user_id != 0)
		sentry_event_step(event, offset + request->started, "auth", false, "the token belongs to a user");
	if (request->state == JOINED)
		sentry_event_step(event, offset + request->started, "cache", false, "waits for a query that others may wait for, too");
	if (job->statement != NULL && admission->route != NULL)
		sentry_event_step(event, offset + job->since, "database", false, "queued on lane %s", lanes[admission->route->lane]);
	if (job->sent != 0)
		sentry_event_step(event, offset + job->sent, "database", false, "sent, attempt %d", job->attempts);
	if (event->sqlstate[0] != '\0')
		sentry_event_step(event, event->at, "database", true, "failed with SQLSTATE %s", event->sqlstate);
	sentry_event_step(event, event->at, "http", true, "answered %d %s", request->answer.status, event->code);
}

/* What it is called, and what it goes with. */
static void
classify(struct sentry_event *event, const struct request *request)
{
	const struct problem *problem = &request->problem;
	const char *route = request->admission.route != NULL ? request->admission.route->path : "-";
	bool		is_unexpected = request->answer.status == 500;

	if (problem->sqlstate != NULL)
		snprintf(event->sqlstate, sizeof event->sqlstate, "%s", problem->sqlstate);
	if (is_unexpected && problem->sqlstate != NULL)
		snprintf(event->type, sizeof event->type, "SQLSTATE %s", event->sqlstate);
	else
		snprintf(event->type, sizeof event->type, "%s", event->code);
	if (is_unexpected)
		snprintf(event->group, sizeof event->group, "%s %s %s", event->type, request->head.method, route);
	else
		snprintf(event->group, sizeof event->group, "%s", event->code);
	if (problem->cause == NULL ||
		!sentry_scrub_error(event->text, sizeof event->text, event->sqlstate, problem->cause))
		sentry_scrub(event->text, sizeof event->text, problem->detail);
}

void
request_report(const struct request *request)
{
	struct sentry *sentry = request->service->sentry;
	const char *code = request->problem.code != NULL ? request->problem.code : "out_of_memory";
	struct sentry_event event;

	if (sentry == NULL || !is_failure(request->answer.status) || is_expected(code))
		return;
	sentry_event_begin(&event, "error", "http");
	event.worker = request->service->number;
	snprintf(event.code, sizeof event.code, "%s", code);
	classify(&event, request);
	describe_request(&event.request, request);
	add_steps(&event, request);
	sentry_report(sentry, &event);
}
