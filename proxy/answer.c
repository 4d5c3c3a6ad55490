/*
 * answer.c - builds answers.
 */
#include "answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accept.h"
#include "gzip.h"
#include "params.h"

void
answer_add_header(struct answer *answer, const char *name, const char *value)
{
	if (value == NULL || answer->header_count == ANSWER_HEADERS_MAX)
		answer->body.failed = true;
	else
		answer->headers[answer->header_count++] = (struct answer_header) {name, value};
}

/* Add a header of which the answer may have one of its own. */
static void
add_default(struct answer *answer, const char *name, const char *value)
{
	if (answer_header(answer, name) == NULL)
		answer_add_header(answer, name, value);
}

void
answer_add_common(struct answer *answer, const char *cache, const char *origin)
{
	add_default(answer, "Cache-Control", cache);
	add_default(answer, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
	add_default(answer, "Cross-Origin-Resource-Policy", "same-origin");
	answer->has_common = true;
	if (origin == NULL)
		return;
	answer_add_header(answer, "Access-Control-Allow-Origin", origin);
	answer_add_header(answer, "Access-Control-Expose-Headers",
					  "Allow, Content-Disposition, ETag, Idempotent-Replay, Link, Location, RateLimit, "
					  "RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id");
}

/* Take a header out, if it is there. */
static void
drop_header(struct answer *answer, const char *name)
{
	size_t		kept = 0;

	for (size_t i = 0; i < answer->header_count; i++)
		if (strcmp(answer->headers[i].name, name) != 0)
			answer->headers[kept++] = answer->headers[i];
	answer->header_count = kept;
}

void
answer_add_etag(struct answer *answer)
{
	if (answer->rendered == NULL)
		etag_make(answer->etag, answer->body.data, answer->body.length);
	answer_add_header(answer, "ETag", answer->rendered != NULL ? answer->rendered->etag : answer->etag);
}

void
answer_compare(struct answer *answer, const char *if_none_match)
{
	const char *etag = answer_header(answer, "ETag");

	if (etag == NULL || if_none_match == NULL || !etag_is_named(if_none_match, etag))
		return;
	answer->status = 304;
	drop_header(answer, "Content-Type");
	drop_header(answer, "Content-Encoding");
}

void
answer_add_limit(struct answer *answer, const char *policy, const struct limit_state *state,
				 struct arena *arena)
{
	if (state->limit == 0)
		return;
	answer_add_header(answer, "RateLimit-Policy",
					  arena_printf(arena, "\"%s\";q=%ld;w=60", policy, state->limit));
	answer_add_header(answer, "RateLimit",
					  arena_printf(arena, "\"%s\";r=%ld;t=%ld", policy, state->remaining, state->reset));
}

void
answer_set_problem(struct answer *answer, const struct problem *problem, const char *request_id,
				   struct arena *arena)
{
	answer->status = problem->status;
	problem_write(&answer->body, problem, request_id);
	answer_add_header(answer, "Content-Type", "application/problem+json");
	if (problem->status == 401)
		answer_add_header(answer, "WWW-Authenticate", strcmp(problem->code, "invalid_token") == 0
						  ? "Bearer error=\"invalid_token\"" : "Bearer");
	if (problem->retry_after > 0)
		answer_add_header(answer, "Retry-After", arena_printf(arena, "%d", problem->retry_after));
}

void
answer_set_json(struct answer *answer, int status, const char *json, size_t length)
{
	answer->status = status;
	text_add_bytes(&answer->body, json, length);
	answer_add_header(answer, "Content-Type", "application/json");
}

void
answer_set_options(struct answer *answer, const struct answer_options *options)
{
	answer->status = 204;
	answer_add_header(answer, "Allow", options->allow);
	if (!options->is_preflight)
		return;
	answer_add_header(answer, "Access-Control-Allow-Methods", options->allow);
	answer_add_header(answer, "Access-Control-Allow-Headers",
					  "Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Request-Id, "
					  "traceparent, tracestate");
	answer_add_header(answer, "Access-Control-Max-Age", "600");
	if (options->from_outside)
		answer_add_header(answer, "Access-Control-Allow-Private-Network", "true");
}

/* The reference of the next page: the same path and query, with another cursor. */
static char *
next_page(const struct target *target, const char *cursor, struct arena *arena)
{
	struct text link = {0};
	char	   *kept = NULL;

	text_add_char(&link, '<');
	for (size_t i = 0; i < target->segment_count; i++)
	{
		text_add_char(&link, '/');
		text_add_percent(&link, target->segments[i]);
	}
	text_add_char(&link, '?');
	for (size_t i = 0; i < target->query_count; i++)
	{
		if (strcmp(target->query[i].name, "cursor") == 0)
			continue;
		text_add_percent(&link, target->query[i].name);
		text_add_char(&link, '=');
		text_add_percent(&link, target->query[i].value);
		text_add_char(&link, '&');
	}
	text_add(&link, "cursor=");
	text_add(&link, cursor);
	text_add(&link, ">; rel=\"next\"");
	if (!link.failed)
		kept = arena_copy(arena, link.data, link.length);
	text_free(&link);
	return kept;
}

void
answer_set_list(struct answer *answer, const struct catalog_route *route,
				const struct param_values *values, const struct target *target,
				const struct accelerated_row *rows, size_t row_count, struct arena *arena)
{
	bool		paged = catalog_is_paged(route);
	size_t		page = paged ? (size_t) strtoul(values->value[route->limit], NULL, 10) - 1 : row_count;
	size_t		shown = row_count < page ? row_count : page;
	size_t		total = 2;

	answer->status = route->status;
	for (size_t i = 0; i < shown; i++)
		total += rows[i].length + 1;
	text_want(&answer->body, total);
	text_add_char(&answer->body, '[');
	for (size_t i = 0; i < shown; i++)
	{
		if (i > 0)
			text_add_char(&answer->body, ',');
		text_add_bytes(&answer->body, rows[i].json, rows[i].length);
	}
	text_add_char(&answer->body, ']');
	answer_add_header(answer, "Content-Type", "application/json");
	if (paged && row_count > page)
	{
		const char *cursor = params_make_cursor(rows[page - 1].keys, route->key_count, arena);

		answer_add_header(answer, "Link", cursor != NULL ? next_page(target, cursor, arena) : NULL);
	}
}

void
answer_set_session(struct answer *answer, int status, const char *json, size_t length,
				   const char *access_token, long ttl)
{
	/* the row is an object with members: the new ones take the place of its closing brace */
	answer_set_json(answer, status, json, length - 1);
	text_add(&answer->body, ",\"access_token\":");
	text_add_json(&answer->body, access_token);
	text_printf(&answer->body, ",\"token_type\":\"Bearer\",\"expires_in\":%ld}", ttl);
}

void
answer_set_rendered(struct answer *answer, int status, struct rendered *rendered)
{
	answer->status = status;
	answer->rendered = rendered_hold(rendered);
	answer->shared = rendered->body;
	answer->shared_length = rendered->length;
	answer_add_header(answer, "Content-Type", "application/json");
	if (rendered->link != NULL)
		answer_add_header(answer, "Link", rendered->link);
}

void
answer_encode(struct answer *answer, const char *accept_encoding)
{
	size_t		full;
	size_t		length;
	const char *kept;
	char	   *own;

	(void) answer_body(answer, &full);
	if (full <= GZIP_LEAST || !accept_gzip(accept_encoding))
		return;
	if (answer->rendered != NULL)
	{
		kept = rendered_gzip(answer->rendered, &length);
		if (kept == NULL)
			return;
		answer->shared = kept;
		answer->shared_length = length;
	}
	else
	{
		own = gzip_compress(answer->body.data, full, GZIP_ONCE, &length);
		if (own == NULL)
			return;
		text_free(&answer->body);
		/* it lies in as many bytes as there were */
		answer->body = (struct text) {.data = own, .length = length, .capacity = full};
	}
	answer_add_header(answer, "Content-Encoding", "gzip");
}

const char *
answer_header(const struct answer *answer, const char *name)
{
	for (size_t i = 0; i < answer->header_count; i++)
		if (strcmp(answer->headers[i].name, name) == 0)
			return answer->headers[i].value;
	return NULL;
}

bool
answer_failed(const struct answer *answer)
{
	return answer->body.failed;
}

const char *
answer_body(const struct answer *answer, size_t *length)
{
	*length = answer->shared != NULL ? answer->shared_length : answer->body.length;
	return answer->shared != NULL ? answer->shared : answer->body.data;
}

void
answer_write_headers(const struct answer *answer, struct text *text)
{
	static const char common[] =
		"Vary: Accept-Encoding, Authorization, Origin\r\n"
		"X-Content-Type-Options: nosniff\r\n"
		"X-Frame-Options: DENY\r\n"
		"Referrer-Policy: no-referrer\r\n"
		"Permissions-Policy: camera=(), geolocation=(), microphone=()\r\n";

	for (size_t i = 0; i < answer->header_count; i++)
	{
		const char *value = answer->headers[i].value;
		size_t		length = strlen(value);

		if (memchr(value, '\r', length) != NULL || memchr(value, '\n', length) != NULL)
			text->failed = true;
		text_add(text, answer->headers[i].name);
		text_add_literal(text, ": ");
		text_add_bytes(text, value, length);
		text_add_literal(text, "\r\n");
	}
	if (answer->has_common)
		text_add_literal(text, common);
}

void
answer_write(const struct answer *answer, struct text *text)
{
	size_t		length;
	const char *body = answer_body(answer, &length);

	text_printf(text, "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Length: %zu\r\n",
				answer->status, problem_title(answer->status), length);
	answer_write_headers(answer, text);
	text_add_literal(text, "\r\n");
	text_add_bytes(text, body, length);
}

void
answer_reset(struct answer *answer)
{
	text_free(&answer->body);
	rendered_release(answer->rendered);
	*answer = (struct answer) {0};
}
