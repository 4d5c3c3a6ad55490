/*
 * request.c - a request as a state machine.
 *
 *   NEW ──run──▶ ACCELERATED ──declined──▶ QUERIED ──▶ ANSWERED
 *     ├───────────(or straight)──────────────┘ ▲ └─▶ WAITING (request_poll.c)
 *     │                                        └──────┘  any state ──refused, or too late──▶ ANSWERED
 *     ├──▶ JOINED ──▶ ANSWERED  (request_cache.c: another one's query, or none, answers)
 *     └──▶ IDENTIFIED ──▶ NEW  (request_identify.c: whose token it is has to be asked first)
 *
 * Only request_finish() enters ANSWERED. Two parties hold a request: the HTTP side,
 * until request_release(), and whoever works for it (a lane or an
 * accelerator), until that reports back; the last to let go frees it. So a
 * deadline can answer while the database is still busy with the statement.
 */
#include "request_state.h"

#include <stdlib.h>
#include <string.h>

#include "crash.h"
#include "image.h"
#include "json_body.h"
#include "live.h"
#include "log.h"
#include "params.h"
#include "static.h"

/* A request is answered after this many ms in any case; statements are ended earlier. */
#define REQUEST_LIMIT 15000
#define BULK_LIMIT 100000
#define EVENTS_LIMIT (REQUEST_LIMIT + POLL_SECONDS_MAX * 1000)

/* So many requests that are over leave their memory, of some 5 KB, to later ones. */
#define SPARE_MAX 16

/* ---- life ---- */

/* Memory, zeroed but for its arena: an earlier request's spares a new one the slow way through malloc(). */
static struct request *
take_memory(struct service *service)
{
	struct request *request = service->spare;
	struct arena arena;

	if (request == NULL)
		return calloc(1, sizeof *request);
	service->spare = request->next_spare;
	service->spare_count--;
	arena = request->arena;
	memset(request, 0, sizeof *request);
	request->arena = arena;
	return request;
}

void
request_free_spare(struct service *service)
{
	while (service->spare != NULL)
	{
		struct request *next = service->spare->next_spare;

		arena_free(&service->spare->arena);
		free(service->spare);
		service->spare = next;
	}
	service->spare_count = 0;
}

/* Keep its memory for a later one, or free it. */
static void
give_memory(struct request *request)
{
	struct service *service = request->service;

	if (service->spare_count == SPARE_MAX)
	{
		arena_free(&request->arena);
		free(request);
		return;
	}
	arena_reset(&request->arena);
	request->next_spare = service->spare;
	service->spare = request;
	service->spare_count++;
}

struct request *
request_create(struct service *service, const struct request_client *client)
{
	struct request *request = take_memory(service);

	if (request == NULL)
		return NULL;
	request->service = service;
	if (client != NULL)
		request->client = *client;
	request->started = loop_clock_us();
	request->admission.id = admit_new_id(service, &request->arena);
	request->head.method = "-";
	service->unfinished++;
	return request;
}

void
request_let_go(struct request *request)
{
	if (!request->released || request->working)
		return;
	loop_timer_stop(request->service->loop, &request->deadline);
	poll_end(&request->waiter);
	if (request->state != ANSWERED)
		request->service->unfinished--;
	if (request->admission.slots != NULL)
		(*request->admission.slots)--;
	if (request->holds_place)
		live_unreserve(request->service->live, request->admission.user_id);
	answer_reset(&request->answer);
	stream_free(&request->stream);
	text_free(&request->body);
	give_memory(request);
}

void
request_release(struct request *request)
{
	request->released = true;
	if (request->state == JOINED)
		request_leave_cache(request);
	if (request->state == IDENTIFIED)
		request_leave_identity(request);
	if (request->working && (request->state == QUERIED ? lane_withdraw(&request->job)
							 : stream_stop(&request->stream)))
		request->working = false;
	request_let_go(request);
}

const struct answer *
request_answer(const struct request *request)
{
	return &request->answer;
}

char *
request_take_body(struct request *request)
{
	return request->answer.shared == NULL ? text_take(&request->answer.body) : NULL;
}

/* ---- answering ---- */

/* Where its answer is counted. */
static size_t
metrics_place(const struct request *request)
{
	const struct catalog *catalog = request->service->catalog;
	const struct admission *admission = &request->admission;

	if (admission->route != NULL)
		return (size_t) (admission->route - catalog->routes);
	return catalog->route_count + (admission->is_options ? METRICS_OPTIONS
								   : admission->file != NULL ? METRICS_FILE : METRICS_UNMATCHED);
}

/* What the log shows of where the request went: of a page that mails link to, not the secret in its path. */
static const char *
logged_target(const struct request *request)
{
	const struct catalog_route *route = request->admission.route;
	bool		is_secret = route != NULL && (route->shape == SHAPE_PAGE || route->shape == SHAPE_FORM);

	return is_secret ? route->path : request->head.target;
}

static void
log_answer(const struct request *request)
{
	const struct admission *admission = &request->admission;
	struct log_request line = {
		.method = request->head.method,
		.route = admission_path(admission),
		.request_id = admission->id,
		.status = request->answer.status,
		.microseconds = loop_clock_us() - request->started,
		.user_id = admission->user_id,
		.target = logged_target(request),
		.address = request->head.peer,
		.traceparent = request->head.traceparent,
	};

	(void) answer_body(&request->answer, &line.bytes);
	log_request(&line);
	metrics_count_answer(request->service->metrics, metrics_place(request), line.status, line.microseconds);
}

/* May the client, or a cache in between, keep the answer, and ask whether it is still right? */
static bool
is_kept(const struct request *request)
{
	const struct catalog_route *route = request->admission.route;

	return route != NULL && request->answer.status < 300 && catalog_is_kept(route);
}

void
request_finish(struct request *request)
{
	const struct admission *admission = &request->admission;
	struct answer *answer = &request->answer;
	bool		kept = is_kept(request);

	if (kept && answer->status == 200)
		answer_add_etag(answer);
	/* a session has secrets beside what the client chose: their lengths must not mix */
	if (answer->status < 300 && admission->route != NULL && admission->route->shape != SHAPE_SESSION &&
		catalog_gives_text(admission->route))
		answer_encode(answer, request->head.accept_encoding);
	answer_compare(answer, request->head.if_none_match);
	answer_add_common(answer, !kept ? "no-store" : admission->user_id == 0
					  ? "public, no-cache" : "private, no-cache", admission->origin);
	if (request->service->tls != NULL)
		answer_add_header(answer, "Strict-Transport-Security", "max-age=31536000");
	/* what differs from answer to answer comes last: http.c need not set the others again */
	answer_add_limit(answer, admission->limit_name, &admission->limit, &request->arena);
	answer_add_header(answer, "X-Request-Id", admission->id);
	if (answer_failed(answer))
	{
		answer_reset(answer);
		answer->status = 503;
		answer->closes = true;
	}
	answer->closes = answer->closes || request->service->draining;
	if (answer->status >= 500)
		request_report(request);
	request->state = ANSWERED;
	request->service->unfinished--;
	loop_timer_stop(request->service->loop, &request->deadline);
	poll_end(&request->waiter);
	log_answer(request);
	if (!request->running && !request->released)
		request->client.answered(request->client.arg);
}

void
request_finish_with_problem(struct request *request)
{
	const struct admission *admission = &request->admission;

	/* who the provider's token was for may be gone */
	if (request->problem.status == 401 && admission->user_id != 0 && request->service->identities != NULL)
		identity_forget(request->service->identities, admission->user_id);
	if (request->problem.members != NULL && !json_is_object_text(request->problem.members))
		request->problem.members = NULL;
	answer_set_problem(&request->answer, &request->problem, admission->id, &request->arena);
	if (request->problem.status == 405)
		answer_add_header(&request->answer, "Allow",
						  admit_allow(admission->allowed, &request->arena));
	request_finish(request);
}

void
request_fail(struct request *request, int status, const char *code, const char *detail)
{
	problem_set(&request->problem, status, code, detail);
	request_finish_with_problem(request);
}

void
request_refuse(struct request *request, int status, const char *code, const char *detail)
{
	request->running = true;	/* the caller looks at the answer itself */
	request->answer.closes = true;
	request_fail(request, status, code, detail);
}

static void
run_options(struct request *request)
{
	const struct admission *admission = &request->admission;
	const struct request_head *head = &request->head;
	const struct answer_options options = {
		.allow = admit_allow(admission->allowed, &request->arena),
		.is_preflight = admission->origin != NULL && head->access_method != NULL,
		.from_outside = head->access_private != NULL && strcmp(head->access_private, "true") == 0,
	};

	answer_set_options(&request->answer, &options);
	request_finish(request);
}

/* ---- from head to run ---- */

/* How long may its body be? */
static size_t
body_limit(const struct request *request)
{
	const struct config *config = request->service->config;
	const struct catalog_route *route = request->admission.route;

	if (route != NULL && route->takes_image)
		return IMAGE_MAX_BYTES;
	return route != NULL && route->document >= 0 ? config->max_import_bytes : config->max_body_bytes;
}

void
request_note(struct request *request, const struct request_head *head)
{
	request->head = *head;
	admit_note(request->service, head, &request->admission);
}

bool
request_begin(struct request *request, const struct request_head *head)
{
	struct service *service = request->service;

	request->head = *head;
	request->refused = !admit(service, head, &request->arena, &request->target,
							  &request->admission, &request->problem);
	if (head->content_length <= body_limit(request))
	{
		if (request->admission.slots != NULL)
			text_want(&request->body, (size_t) head->content_length);
		return true;
	}
	request_refuse(request, 413, "body_too_large", "The body is too long.");
	return false;
}

void
request_note_client(struct request *request, const char *target, const char *peer)
{
	request->head.target = target;
	request->head.peer = peer;
}

bool
request_is_refused(const struct request *request)
{
	return request->refused;
}

bool
request_add_body(struct request *request, const char *data, size_t length)
{
	if (length > body_limit(request) - request->body_length)
	{
		request_refuse(request, 413, "body_too_large", "The body is too long.");
		return false;
	}
	request->body_length += length;
	if (!request->refused)
		text_add_bytes(&request->body, data, length);
	return true;
}

/* Read the parameters and start to work. */
static void
call_route(struct request *request)
{
	struct service *service = request->service;
	const struct catalog_route *route = request->admission.route;
	const struct params_context context = {
		.viewer_id = request->admission.user_id == 0 ? NULL
		: arena_printf(&request->arena, "%lld", (long long) request->admission.user_id),
		.refresh_ttl = service->refresh_ttl,
		.client_address = request->admission.address,
		.allow_private = service->config->webhooks_allow_private,
		.has_mail = service->config->mail.server != NULL,
		.image_type = request_brings_image(request) ? image_type(request->head.content_type) : NULL,
		.cloud_name = service->config->cloudinary.cloud_name,
	};
	bool		takes_body = (route->method == METHOD_DELETE ? route->reads_body : route->method != METHOD_GET) &&
		!admit_ignores_body(route, &request->head);
	const char *body = takes_body && request->body_length > 0 ? request->body.data : NULL;

	if (takes_body && !admit_body(route, &request->head, request->body_length, &request->problem))
		request_finish_with_problem(request);
	else if (request->body.failed || (request->admission.user_id != 0 && context.viewer_id == NULL))
		request_fail(request, 503, "out_of_memory", "The server is out of memory.");
	else if (!params_fill(route, &request->target, body, request->body.length, &context,
						  &request->values, &request->arena, &request->problem) ||
			 !request_check_upload(request) || !request_note_key(request))
		request_finish_with_problem(request);
	else if (route->shape == SHAPE_EVENTS && !request_begin_poll(request))
		request_fail(request, 503, "overloaded", "Too many clients wait for events.");
	else
	{
		/* a read whose function does not ask for the viewer gets it behind its own parameters */
		if (!request->has_key)
			request->values.value[route->param_count] = context.viewer_id;
		if (!request_use_cache(request) && !request_accelerate(request))
			request_query(request);
	}
}

void
request_start(struct request *request)
{
	if (request->admission.route->builtin != BUILTIN_NONE)
		request_run_builtin(request);
	else
		call_route(request);
}

static int64_t
time_limit(const struct catalog_route *route)
{
	return route->lane == LANE_BULK ? BULK_LIMIT : route->shape == SHAPE_EVENTS ? EVENTS_LIMIT : REQUEST_LIMIT;
}

bool
request_run(struct request *request)
{
	const struct catalog_route *route = request->admission.route;

	request->running = true;
	crash_at(admission_path(&request->admission), request->admission.id);
	if (request->refused)
		request_finish_with_problem(request);
	else if (request->admission.is_options)
		run_options(request);
	else if (request->admission.file != NULL)
	{
		static_answer(&request->answer, request->admission.file, request->head.accept_encoding);
		request_finish(request);
	}
	else if (request->admission.newcomer != NULL)
		request_identify(request);
	else
		request_start(request);
	request->running = false;
	crash_at(NULL, NULL);
	/* what has no route is answered at once */
	if (route != NULL && request->state != ANSWERED && !request->deadline.active)
		loop_timer_set(request->service->loop, &request->deadline, time_limit(route), request_too_late, request);
	return request->state == ANSWERED;
}
