/*
 * request_work.c - what works for a request: a lane, or an accelerator in front
 * of it; and what they say as its answer.
 */
#include "request_state.h"

#include "crash.h"
#include "reads.h"
#include "reply.h"

static void
answer_result(struct request *request, const struct db_result *result)
{
	const struct reply_call call = {
		.service = request->service,
		.route = request->admission.route,
		.values = &request->values,
		.target = &request->target,
		.wants_csv = request->admission.wants_csv,
		.wants_page = request->admission.wants_page,
		.has_key = request->has_key,
		.arena = &request->arena,
	};

	if (call.route->shape == SHAPE_EVENTS && result != NULL && db_result_outcome(result) == DB_OK &&
		request_polls_on(request, result))
		return;
	if (!reply_result(&request->answer, &call, result, request->admission.id, &request->problem))
	{
		request_finish_with_problem(request);
		return;
	}
	if (catalog_is_streamed(call.route))
		request_begin_stream(request, result);
	if (call.route->shape == SHAPE_EVENTS)
		request_link_events(request, result);
	request_finish(request);
}

void
request_too_late(void *arg)
{
	struct request *request = arg;

	if (request->state == JOINED)
		request_leave_cache(request);
	if (request->state == IDENTIFIED)
		request_leave_identity(request);
	if (request->state == QUERIED && request->working && lane_withdraw(&request->job))
	{
		request->working = false;
		request_fail(request, 503, "overloaded", "The server is too busy.");
	}
	else
		request_fail(request, 504, "timeout", "This took too long. It may still happen.");
}

static void
query_done(struct lane_job *job, struct db_result *result)
{
	struct request *request = job->arg;

	request->working = false;
	crash_at(request->admission.route->path, request->admission.id);
	request_tell_cache(request, result);
	if (request->state == ANSWERED || request->released)
		request_let_go(request);
	else
		answer_result(request, result);
	crash_at(NULL, NULL);
}

/* After a long wait: is the client still there, or has it hung up or been answered already? */
bool
request_is_wanted(const struct lane_job *job)
{
	const struct request *request = job->arg;

	return request->state == QUERIED && !request->released &&
		request->client.is_there(request->client.arg);
}

/* The lane for a route's statement. */
static struct lane *
lane_for(const struct service *service, const struct catalog_route *route)
{
	if (route->lane == LANE_BATCH && service->lanes[LANE_BATCH] == NULL)
		return service->lanes[LANE_WRITE];
	return service->lanes[route->lane];
}

/* Whom the feed has woken should not wait for a standby that has not come as far yet. */
static bool
submit(const struct service *service, const struct catalog_route *route, struct lane_job *job)
{
	return route->lane == LANE_READ && route->shape != SHAPE_EVENTS ? reads_submit(service->reads, job)
		: lane_submit(lane_for(service, route), job);
}

void
request_query(struct request *request)
{
	const struct catalog_route *route = request->admission.route;
	bool		adds_viewer = route->lane == LANE_READ && route->viewer < 0;

	request->state = QUERIED;
	if (request->service->answer_cache != NULL)
		request->stamp = answer_cache_stamp(request->service->answer_cache);
	request->job = (struct lane_job) {
		.statement = request->admission.wants_csv ? &route->csv :
		request->has_key ? &route->once : &route->statement,
		.value_count = (int) route->param_count + (request->has_key ? 2 : adds_viewer),
		.values = request->values.value,
		.binary_length = request->values.image_length,
		.repeatable = request->has_key,
		.user_id = request->admission.user_id,
		.done = query_done,
		.is_wanted = request_is_wanted,
		.arg = request,
		.route = route,
		.request_id = request->admission.id,
	};
	request->working = true;
	poll_look(&request->waiter);
	if (submit(request->service, route, &request->job))
		return;
	request->working = false;
	request_fail(request, 503, lane_is_up(lane_for(request->service, route))
		 ? "overloaded" : "database_unavailable", "The server is too busy or without its database.");
}

static void
accelerator_done(void *arg, bool was_answered, const struct accelerated_row *rows, size_t row_count)
{
	struct request *request = arg;

	request->working = false;
	if (request->state == ANSWERED || request->released)
		request_let_go(request);
	else if (was_answered)
	{
		answer_set_list(&request->answer, request->admission.route, &request->values,
						&request->target, rows, row_count, &request->arena);
		request_finish(request);
	}
	else
		request_query(request);
}

bool
request_accelerate(struct request *request)
{
	const struct catalog_route *route = request->admission.route;
	const struct accelerator *accelerator = &request->service->accelerators[route->accelerator];

	if (accelerator->attempt == NULL || request->admission.user_id != 0)
		return false;
	request->state = ACCELERATED;
	request->working = true;
	if (accelerator->attempt(accelerator->state, route, &request->values, accelerator_done, request))
		return true;
	request->working = false;
	return false;
}
