/*
 * request_identify.c - requests with a token of the identity provider whose user
 * is not known yet: they wait until the database has said who it is.
 */
#include "request_state.h"

static void
identified(void *arg, int64_t user_id, const struct problem *problem)
{
	struct request *request = arg;

	request->working = false;
	request->admission.user_id = user_id;
	if (user_id != 0)
	{
		request->identified = loop_clock_us();
		request->state = NEW;
		request_start(request);
		return;
	}
	/* its strings are not ours, but it is written down within this call */
	request->problem = *problem;
	request_finish_with_problem(request);
}

void
request_identify(struct request *request)
{
	request->state = IDENTIFIED;
	request->working = true;
	request->identity = (struct identity_wait) {.done = identified, .arg = request};
	if (identity_ask(request->service->identities, request->admission.newcomer, &request->identity))
		return;
	request->working = false;
	request_fail(request, 503, "overloaded", "The server is too busy or without its database.");
}

void
request_leave_identity(struct request *request)
{
	identity_leave(&request->identity);
	request->working = false;
}
