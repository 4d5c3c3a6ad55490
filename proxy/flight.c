/*
 * flight.c - from a call to a rendered answer.
 */
#include "flight.h"

#include <stdlib.h>
#include <string.h>

#include "reads.h"
#include "reply.h"

struct flight
{
	struct service *service;
	const struct catalog_route *route;
	flight_done_fn *done;
	flight_is_wanted_fn *is_wanted;
	void	   *arg;
	struct arena arena;
	struct param_values values;
	struct target target;
	const char *request_id;
	struct lane_job job;
	struct answer answer;
	struct problem problem;
};

void
flight_free(struct flight *flight)
{
	answer_reset(&flight->answer);
	arena_free(&flight->arena);
	free(flight);
}

/* Copy a string into the arena; false when memory is out. NULL stays NULL. */
static bool
keep(struct flight *flight, const char **place, const char *text)
{
	*place = text != NULL ? arena_copy(&flight->arena, text, strlen(text)) : NULL;
	return text == NULL || *place != NULL;
}

/* Those behind the parameters stay NULL: a viewer whom the function does not ask for. */
static bool
copy_values(struct flight *flight, const struct param_values *values)
{
	for (size_t i = 0; i < flight->route->param_count; i++)
		if (!keep(flight, &flight->values.value[i], values->value[i]))
			return false;
	return true;
}

/* What a reference to the next page is made of. */
static bool
copy_target(struct flight *flight, const struct target *target)
{
	struct target *copy = &flight->target;

	for (size_t i = 0; i < target->segment_count; i++)
		if (!keep(flight, &copy->segments[i], target->segments[i]))
			return false;
	for (size_t i = 0; i < target->query_count; i++)
		if (!keep(flight, &copy->query[i].name, target->query[i].name) ||
			!keep(flight, &copy->query[i].value, target->query[i].value))
			return false;
	copy->segment_count = target->segment_count;
	copy->query_count = target->query_count;
	return true;
}

struct flight *
flight_prepare(struct service *service, const struct catalog_route *route,
			   const struct param_values *values, const struct target *target,
			   flight_done_fn *done, flight_is_wanted_fn *is_wanted, void *arg)
{
	struct flight *flight = calloc(1, sizeof *flight);

	if (flight == NULL)
		return NULL;
	flight->service = service;
	flight->route = route;
	flight->done = done;
	flight->is_wanted = is_wanted;
	flight->arg = arg;
	if (copy_values(flight, values) && copy_target(flight, target))
		return flight;
	flight_free(flight);
	return NULL;
}

void
flight_note_request(struct flight *flight, const char *request_id)
{
	(void) keep(flight, &flight->request_id, request_id);	/* without memory the log is poorer */
}

const struct param_values *
flight_values(const struct flight *flight)
{
	return &flight->values;
}

/* ---- landing ---- */

static void
land(struct flight *flight, struct rendered *rendered)
{
	flight->done(flight->arg, rendered, &flight->problem);
	rendered_release(rendered);
	flight_free(flight);
}

static void
land_with_problem(struct flight *flight, int status, const char *code, const char *detail)
{
	problem_set(&flight->problem, status, code, detail);
	land(flight, NULL);
}

/* The answer is built: render it. */
static void
land_with_answer(struct flight *flight)
{
	const struct answer *answer = &flight->answer;
	struct rendered *rendered = answer_failed(answer) ? NULL
		: rendered_create(answer->body.data, answer->body.length, answer_header(answer, "Link"));

	if (rendered != NULL)
		land(flight, rendered);
	else
		land_with_problem(flight, 503, "out_of_memory", "The server is out of memory.");
}

static void
query_done(struct lane_job *job, struct db_result *result)
{
	struct flight *flight = job->arg;
	const struct reply_call call = {
		.service = flight->service,
		.route = flight->route,
		.values = &flight->values,
		.target = &flight->target,
		.arena = &flight->arena,
	};

	if (reply_result(&flight->answer, &call, result, "-", &flight->problem))
		land_with_answer(flight);
	else
		land(flight, NULL);
}

static bool
is_wanted(const struct lane_job *job)
{
	const struct flight *flight = job->arg;

	return flight->is_wanted(flight->arg);
}

/* ---- flying ---- */

static void
query(struct flight *flight)
{
	const struct catalog_route *route = flight->route;

	flight->job = (struct lane_job) {
		.statement = &route->statement,
		.value_count = (int) route->param_count + (route->viewer < 0),
		.values = flight->values.value,
		.done = query_done,
		.is_wanted = is_wanted,
		.arg = flight,
		.route = route,
		.request_id = flight->request_id,
	};
	if (!reads_submit(flight->service->reads, &flight->job))
		land_with_problem(flight, 503, lane_is_up(flight->service->lanes[LANE_READ]) ? "overloaded" : "database_unavailable",
						  "The server is too busy or without its database.");
}

static void
accelerator_done(void *arg, bool was_answered, const struct accelerated_row *rows, size_t row_count)
{
	struct flight *flight = arg;

	if (!was_answered)
	{
		query(flight);
		return;
	}
	answer_set_list(&flight->answer, flight->route, &flight->values, &flight->target, rows, row_count,
					&flight->arena);
	land_with_answer(flight);
}

void
flight_start(struct flight *flight)
{
	const struct accelerator *accelerator = &flight->service->accelerators[flight->route->accelerator];

	if (accelerator->attempt == NULL ||
		!accelerator->attempt(accelerator->state, flight->route, &flight->values, accelerator_done, flight))
		query(flight);
}
