/*
 * request_poll.c - lists of events that are waited for while they are empty.
 *
 * The answer says where to go on, in a Link: after the last event of a full
 * page, else after the newest event of all that the statement saw, so that a client
 * whose own events are rare does not fall behind what is kept.
 */
#include "request_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Columns of the statement (statement.c). */
enum
{
	COLUMN_VIEWER,
	COLUMN_FOUND,
	COLUMN_JSON,
	COLUMN_ID,
	COLUMN_POSITION
};

static const char *
value_of(const struct request *request, const char *name)
{
	return catalog_value(request->admission.route, &request->values, name);
}

/* For how many seconds to wait. */
static long
wanted_wait(const struct request *request)
{
	const char *wait = value_of(request, "wait");

	if (wait != NULL)
		return strtol(wait, NULL, 10);
	return value_of(request, "after") != NULL ? POLL_SECONDS : 0;
}

/* Say where the next request goes on. */
static void
add_link(struct request *request, const char *position)
{
	const char *limit = value_of(request, "limit");
	long		wait = wanted_wait(request);

	answer_add_header(&request->answer, "Link",
					  arena_printf(&request->arena, "<%s?after=%s&wait=%ld&limit=%s>; rel=\"next\"",
								   request->admission.route->path, position,
								   wait > 0 ? wait : POLL_SECONDS, limit));
}

static void
event_came(void *arg)
{
	request_query(arg);
}

/* Answer that there is nothing. */
static void
wait_ended(void *arg)
{
	struct request *request = arg;

	answer_set_json(&request->answer, request->admission.route->status, "[]", 2);
	add_link(request, request->position);
	request_finish(request);
}

static bool
is_there(void *arg)
{
	const struct request *request = arg;

	return request->client.is_there(request->client.arg);
}

bool
request_begin_poll(struct request *request)
{
	long		wait = wanted_wait(request);

	request->waiter = (struct poll_waiter) {
		.user_id = request->admission.user_id,
		.came = event_came, .ended = wait_ended, .is_there = is_there, .arg = request
	};
	/* the function refuses what is out of range */
	return wait <= 0 || wait > POLL_SECONDS_MAX || poll_begin(request->service->poll, &request->waiter, wait);
}

bool
request_polls_on(struct request *request, const struct db_result *result)
{
	const char *position = db_result_value(result, 0, COLUMN_POSITION);
	int			after = catalog_param_index(request->admission.route, "after");
	enum poll_step step = POLL_OVER;

	snprintf(request->position, sizeof request->position, "%s", position != NULL ? position : "0");
	if (*db_result_value(result, 0, COLUMN_VIEWER) != 't' || db_result_value(result, 0, COLUMN_JSON) != NULL)
		return false;
	/* up to here nothing was missed, whatever is pruned while the request waits */
	request->values.value[after] = request->position;
	step = poll_wait(&request->waiter);
	if (step == POLL_AGAIN)
		request_query(request);
	else if (step == POLL_WAITS)
		request->state = WAITING;
	return step != POLL_OVER;
}

void
request_link_events(struct request *request, const struct db_result *result)
{
	int			rows = db_result_rows(result);
	const char *last_id = db_result_value(result, rows - 1, COLUMN_ID);
	bool		full = last_id != NULL && rows >= strtol(value_of(request, "limit"), NULL, 10);

	add_link(request, full ? arena_copy(&request->arena, last_id, strlen(last_id)) : request->position);
}
