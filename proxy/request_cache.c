/*
 * request_cache.c - requests and the cache of answers.
 */
#include "request_state.h"

#include "freshness.h"

static void
cache_answered(void *arg, struct rendered *rendered, const struct problem *problem)
{
	struct request *request = arg;

	request->working = false;
	if (rendered != NULL)
	{
		answer_set_rendered(&request->answer, request->admission.route->status, rendered);
		request_finish(request);
		return;
	}
	/* its strings are not ours, but it is written down within this call */
	request->problem = *problem;
	request_finish_with_problem(request);
}

/* Would every viewer, and a visitor, get the same answer from this route? Then a token decides nothing but 401. */
static bool
is_same_for_all(const struct catalog_route *route)
{
	return route->viewer < 0 && freshness_keeps(route);
}

/* May whoever asks be given what is kept for him? */
static bool
may_use(struct answer_cache *cache, const struct catalog_route *route, int64_t user_id)
{
	if (!freshness_keeps(route))
		return false;
	if (user_id == 0)
		return true;
	return route->viewer >= 0 ? answer_cache_is_for_viewers(cache) : answer_cache_knows(cache, user_id);
}

bool
request_use_cache(struct request *request)
{
	struct answer_cache *cache = request->service->answer_cache;
	const struct catalog_route *route = request->admission.route;
	int64_t		user_id = request->admission.user_id;

	if (cache == NULL || !may_use(cache, route, user_id))
		return false;
	request->state = JOINED;
	request->working = true;
	request->wait = (struct cache_wait) {
		.done = cache_answered, .arg = request, .request_id = request->admission.id
	};
	if (answer_cache_get(cache, route, &request->values, &request->target, &request->wait))
		return true;
	request->state = NEW;
	request->working = false;
	return false;
}

void
request_leave_cache(struct request *request)
{
	answer_cache_leave(&request->wait);
	request->working = false;
}

void
request_tell_cache(struct request *request, const struct db_result *result)
{
	struct answer_cache *cache = request->service->answer_cache;
	const struct catalog_route *route = request->admission.route;
	int64_t		user_id = request->admission.user_id;

	if (cache == NULL || result == NULL || db_result_outcome(result) == DB_ERROR)
		return;					/* it never ran, or had no effect */
	if (route->lane != LANE_READ)
		answer_cache_wrote(cache, route, &request->values, user_id);
	else if (user_id != 0 && is_same_for_all(route) && db_result_outcome(result) == DB_OK &&
			 *db_result_value(result, 0, 0) == 't')
		answer_cache_note_viewer(cache, user_id, &request->stamp);
}
