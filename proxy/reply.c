/*
 * reply.c - rows → answers. The columns are those that catalog.c put into the statement.
 */
#include "reply.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cloudinary.h"
#include "csv.h"
#include "image.h"
#include "log.h"
#include "token.h"

static bool
out_of_memory(struct problem *problem)
{
	problem_set(problem, 503, "out_of_memory", "The server is out of memory.");
	return false;
}

/* Nothing is there to be shown. */
static bool
not_found(const struct reply_call *call, const char *noun, struct problem *problem)
{
	const char *code = arena_printf(call->arena, "%s_not_found", noun);
	const char *detail = arena_printf(call->arena, "There is no such %s.", noun);

	if (code == NULL || detail == NULL)
		return out_of_memory(problem);
	problem_set(problem, 404, code, detail);
	return false;
}

/*
 * A session: columns are the row's JSON, user_id and role. A refresh token that
 * is no good gives a row of nulls: an error would undo what it has revoked.
 */
static bool
reply_session(struct answer *answer, const struct reply_call *call,
			  const struct db_result *result, struct problem *problem)
{
	const char *user_id = db_result_value(result, 0, 1);
	const char *role = db_result_value(result, 0, 2);
	char		token[TOKEN_MAX + 1];

	if (user_id == NULL || role == NULL)
	{
		problem_set(problem, 401, "refresh_token_invalid",
					"The refresh token is unknown, expired, used or revoked.");
		return false;
	}
	if (!token_issue(call->service->tokens, strtoll(user_id, NULL, 10), role, time(NULL),
					 token, sizeof token))
		return out_of_memory(problem);
	answer_set_session(answer, call->route->status, db_result_value(result, 0, 0),
					   db_result_length(result, 0, 0), token,
					   call->service->config->access_token_ttl);
	explicit_bzero(token, sizeof token);
	return true;
}

/* What a function may say in `refused`: an error would undo what it has counted. */
static const struct
{
	const char *code;
	int			status;
	const char *detail;
}			refusals[] = {
	{"bad_credentials", 401, "email or password is wrong"},
	{"too_many_attempts", 429, "Too many wrong passwords. Wait a little."},
	{"wrong_password", 403, "This is not the account's password."},
};

/* Has the function refused? Then true, with the problem set. */
static bool
is_refused(const struct reply_call *call, const struct db_result *result, struct problem *problem)
{
	int			column = call->route->shape == SHAPE_SESSION ? 3 : 1;
	const char *code = call->route->may_refuse ? db_result_value(result, 0, column) : NULL;
	const char *wait;

	if (code == NULL)
		return false;
	problem_set(problem, 500, "internal_error", "This was refused, and the proxy does not know why.");
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
		if (strcmp(refusals[i].code, code) == 0)
			problem_set(problem, refusals[i].status, refusals[i].code, refusals[i].detail);
	wait = db_result_value(result, 0, column + 1);
	if (wait != NULL)
		problem->retry_after = (int) strtol(wait, NULL, 10);
	return true;
}

/* A list. A row without JSON only says that viewer and user exist. */
static bool
reply_list(struct answer *answer, const struct reply_call *call,
		   const struct db_result *result, struct problem *problem)
{
	const struct catalog_route *route = call->route;
	int			total = db_result_rows(result);
	struct accelerated_row *rows = calloc((size_t) total + 1, sizeof *rows);
	size_t		count = 0;

	if (rows == NULL)
		return out_of_memory(problem);
	for (int i = 0; i < total; i++)
	{
		struct accelerated_row *row = &rows[count];

		row->json = db_result_value(result, i, 2);
		if (row->json == NULL)
			continue;
		row->length = db_result_length(result, i, 2);
		for (size_t key = 0; key < route->key_count; key++)
			row->keys[key] = db_result_value(result, i, 3 + (int) key);
		count++;
	}
	answer_set_list(answer, route, call->values, call->target, rows, count, call->arena);
	free(rows);
	return true;
}

static bool
reply_csv(struct answer *answer, const struct reply_call *call, const struct db_result *result)
{
	answer->status = call->route->status;
	csv_add_header(&answer->body, call->route);
	csv_add_rows(&answer->body, result);
	answer_add_header(answer, "Content-Type", CSV_CONTENT_TYPE);
	return true;
}

/* A file: what is in it comes page by page (stream.c). */
static bool
reply_stream(struct answer *answer, const struct reply_call *call)
{
	bool		is_csv = call->route->shape == SHAPE_CSV;

	answer->status = call->route->status;
	answer_add_header(answer, "Content-Type", is_csv ? CSV_CONTENT_TYPE : "application/json");
	answer_add_header(answer, "Content-Disposition",
					  arena_printf(call->arena, "attachment; filename=\"timetrackr-%s%s\"",
								   strrchr(call->route->path, '/') + 1, is_csv ? "" : ".json"));
	return true;
}

/* A picture, of a type that browsers show: it never changes, and pages of anybody may show it. */
static bool
reply_image(struct answer *answer, const struct reply_call *call, const struct db_result *result,
			struct problem *problem)
{
	const char *type = image_type(db_result_value(result, 0, 2));

	if (type == NULL)
		return not_found(call, call->route->noun, problem);
	answer->status = call->route->status;
	text_add_bytes(&answer->body, db_result_value(result, 0, 3), db_result_length(result, 0, 3));
	answer_add_header(answer, "Content-Type", type);
	answer_add_header(answer, "Cache-Control", "public, max-age=31536000, immutable");
	answer_add_header(answer, "Cross-Origin-Resource-Policy", "cross-origin");
	return true;
}

/* A page, which loads nothing, and whose forms lead nowhere but here. */
static bool
reply_page(struct answer *answer, const struct reply_call *call, const struct db_result *result,
		   struct problem *problem)
{
	const char *html = db_result_value(result, 0, 2);

	if (html == NULL)
		return not_found(call, call->route->noun, problem);
	answer->status = call->route->status;
	text_add_bytes(&answer->body, html, db_result_length(result, 0, 2));
	answer_add_header(answer, "Content-Type", "text/html; charset=utf-8");
	answer_add_header(answer, "Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'");
	return true;
}

/* What a form did is shown by the page it came from: that has the same path, relative to where clients see it. */
static void
send_back(struct answer *answer, const struct reply_call *call)
{
	answer->status = 303;
	answer_add_header(answer, "Location", call->target->segments[call->target->segment_count - 1]);
}

/* What to send to Cloudinary. */
static bool
reply_upload(struct answer *answer, const struct reply_call *call, const struct db_result *result,
			 struct problem *problem)
{
	if (!cloudinary_add_upload(&answer->body, &call->service->config->cloudinary,
							   db_result_value(result, 0, 2), time(NULL)))
		return out_of_memory(problem);
	answer->status = call->route->status;
	answer_add_header(answer, "Content-Type", "application/json");
	return true;
}

/* Say where to find what was made: its id is the first member of the row. */
static void
add_location(struct answer *answer, const struct reply_call *call, const char *json)
{
	const char *id = json + strlen("{\"") + strlen(call->route->location) + strlen("\":");

	answer_add_header(answer, "Location",
					  arena_printf(call->arena, "%s/%.*s", call->route->path,
								   (int) strspn(id, "0123456789"), id));
}

/* One object in `column`, or none. */
static bool
reply_row(struct answer *answer, const struct reply_call *call, const struct db_result *result,
		  int column, struct problem *problem)
{
	const struct catalog_route *route = call->route;
	const char *json = db_result_rows(result) > 0 ? db_result_value(result, 0, column) : NULL;

	if (json == NULL && route->shape != SHAPE_MAYBE)
		return not_found(call, route->noun, problem);
	if (json == NULL)
		answer->status = 204;
	else if (route->shape == SHAPE_SESSION)
		return reply_session(answer, call, result, problem);
	else
		answer_set_json(answer, route->status, json, db_result_length(result, 0, column));
	if (json != NULL && route->location != NULL)
		add_location(answer, call, json);
	return true;
}

/* The work was done by an earlier request with the same key: this is the answer to that. */
static void
reply_again(struct answer *answer, const char *status)
{
	answer->status = (int) strtol(status, NULL, 10);
	answer_add_header(answer, "Idempotent-Replay", "true");
}

bool
reply_rows(struct answer *answer, const struct reply_call *call,
		   const struct db_result *result, struct problem *problem)
{
	const struct catalog_route *route = call->route;

	if (is_refused(call, result, problem))
		return false;
	if (catalog_gives_nothing(route))
	{
		answer->status = route->status;
		if (call->wants_page)
			send_back(answer, call);
		return true;
	}
	if (route->lane != LANE_READ)
		return reply_row(answer, call, result, 0, problem);
	if (*db_result_value(result, 0, 0) != 't')
	{
		problem_set(problem, 401, "invalid_token", "The access token's user is gone.");
		return false;
	}
	if (*db_result_value(result, 0, 1) != 't')
		return not_found(call, route->subject, problem);
	if (route->shape == SHAPE_REPORT)
		answer_add_header(answer, "Vary", "Accept");
	if (catalog_is_streamed(route))
		return reply_stream(answer, call);
	if (route->shape == SHAPE_IMAGE)
		return reply_image(answer, call, result, problem);
	if (route->shape == SHAPE_PAGE)
		return reply_page(answer, call, result, problem);
	if (route->shape == SHAPE_UPLOAD)
		return reply_upload(answer, call, result, problem);
	if (call->wants_csv)
		return reply_csv(answer, call, result);
	if (route->shape == SHAPE_LIST || route->shape == SHAPE_EVENTS || route->shape == SHAPE_REPORT)
		return reply_list(answer, call, result, problem);
	return reply_row(answer, call, result, 2, problem);
}

static bool
reply_error(const struct reply_call *call, const struct db_result *result, const char *request_id,
			struct problem *problem)
{
	if (!problem_from_error(problem, result, call->arena))
		return out_of_memory(problem);
	/* 501: it is as the operator has set it */
	if (problem->status >= 500 && problem->status != 501)
		log_event(LEVEL_ERROR, "statement_failed", "route", call->route->path,
				  "request_id", request_id, "sqlstate", db_error_sqlstate(result),
				  "error", db_error_message(result), NULL);
	return false;
}

bool
reply_result(struct answer *answer, const struct reply_call *call, const struct db_result *result,
			 const char *request_id, struct problem *problem)
{
	if (result != NULL && db_result_outcome(result) == DB_OK)
	{
		const char *first_status = call->has_key ? db_result_value(result, 0, 1) : NULL;
		bool		good = reply_rows(answer, call, result, problem);

		if (good && first_status != NULL)
			reply_again(answer, first_status);
		return good;
	}
	if (result != NULL && db_result_outcome(result) == DB_ERROR)
		return reply_error(call, result, request_id, problem);
	problem_set(problem, 503, "database_unavailable", result == NULL
				? "The database is not available."
				: "The connection to the database broke. Whether this has happened is unknown.");
	return false;
}
