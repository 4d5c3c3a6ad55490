/*
 * request_builtin.c - requests that the proxy answers itself; only readiness
 * has to wait, for the database to say something.
 */
#include "request_state.h"

#include "builtin.h"

#define READY_LIMIT 2000		/* ms */

static void
ready_done(struct lane_job *job, struct db_result *result)
{
	struct request *request = job->arg;
	const char *missing = builtin_unready(request->service, result);

	request->working = false;
	if (request->state == ANSWERED || request->released)
		request_let_go(request);
	else if (missing != NULL)
		request_fail(request, 503, "not_ready", missing);
	else
	{
		builtin_answer(&request->answer, request->service, BUILTIN_READYZ);
		request_finish(request);
	}
}

static void
check_ready(struct request *request)
{
	request->state = QUERIED;
	request->job = (struct lane_job) {
		.statement = &builtin_ready_statement,
		.done = ready_done,
		.is_wanted = request_is_wanted,
		.arg = request,
		.route = request->admission.route,
		.request_id = request->admission.id,
	};
	request->working = true;
	if (lane_submit(request->service->lanes[LANE_READ], &request->job))
	{
		if (request->state == QUERIED)
			loop_timer_set(request->service->loop, &request->deadline, READY_LIMIT, request_too_late, request);
		return;
	}
	request->working = false;
	request_fail(request, 503, "not_ready", "The database does not answer.");
}

void
request_run_builtin(struct request *request)
{
	enum catalog_builtin builtin = request->admission.route->builtin;

	if (builtin == BUILTIN_READYZ)
	{
		check_ready(request);
		return;
	}
	if (builtin == BUILTIN_LIVE && !request_upgrade(request))
	{
		request_finish_with_problem(request);
		return;
	}
	if (builtin != BUILTIN_LIVE)
		builtin_answer(&request->answer, request->service, builtin);
	request_finish(request);
}
