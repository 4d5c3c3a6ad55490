/*
 * answer.h - the answer to a request: status, headers and body.
 *
 * Knows what HTTP wants on every answer, and how rows become a body; not how an
 * answer is sent.
 */
#ifndef TIMETRACKR_ANSWER_H
#define TIMETRACKR_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "accelerator.h"
#include "arena.h"
#include "catalog.h"
#include "etag.h"
#include "limit.h"
#include "problem.h"
#include "rendered.h"
#include "target.h"
#include "text.h"

#define ANSWER_HEADERS_MAX 28

struct answer_header
{
	const char *name;
	const char *value;
};

struct answer
{
	int			status;			/* 0: there is none yet */
	struct text body;			/* owned, unless `rendered` is set */
	struct rendered *rendered;	/* held */
	const char *shared;			/* the body: one of its forms */
	size_t		shared_length;
	struct answer_header headers[ANSWER_HEADERS_MAX];
	size_t		header_count;
	bool		has_common;		/* it has those that are the same on every answer, too */
	char		etag[ETAG_SIZE];	/* of a body that is its own */
	bool		closes;			/* the connection ends after it */
};

/* Add a header. Name and value must live as long as the request. NULL counts as out of memory. */
void		answer_add_header(struct answer *answer, const char *name, const char *value);

/*
 * Add what every answer carries: security headers, Vary, caching,
 * and for a known origin CORS. `cache` is the value of Cache-Control, `origin` NULL for none.
 * An answer that has Cache-Control, Content-Security-Policy or Cross-Origin-Resource-Policy already keeps its own.
 */
void		answer_add_common(struct answer *answer, const char *cache, const char *origin);

/* Add RateLimit and RateLimit-Policy; nothing when there is no limit. */
void		answer_add_limit(struct answer *answer, const char *policy,
							 const struct limit_state *state, struct arena *arena);

/* Name its body by an ETag, before it is encoded. */
void		answer_add_etag(struct answer *answer);

/*
 * If the request's If-None-Match (NULL: it has none) names its ETag, make it 304. The body stays
 * for its length, which 304 tells as 200 would; libmicrohttpd does not send it.
 */
void		answer_compare(struct answer *answer, const char *if_none_match);

/* Make it this problem, with the headers that its status asks for. */
void		answer_set_problem(struct answer *answer, const struct problem *problem,
							   const char *request_id, struct arena *arena);

/* Make its body JSON, copied. */
void		answer_set_json(struct answer *answer, int status, const char *json, size_t length);

/* Who asks with OPTIONS. */
struct answer_options
{
	const char *allow;			/* methods of the path; NULL counts as out of memory */
	bool		is_preflight;	/* a browser asks for a page of a known origin, before it calls */
	bool		from_outside;	/* from a public network into a private one */
};

/* Tell which methods a path has, and a browser what its page may send. */
void		answer_set_options(struct answer *answer, const struct answer_options *options);

/*
 * Make its body the array of these rows. Of a paged list, which was asked for
 * one row more than the page holds, the extra row becomes a Link to the next page.
 */
void		answer_set_list(struct answer *answer, const struct catalog_route *route,
							const struct param_values *values, const struct target *target,
							const struct accelerated_row *rows, size_t row_count,
							struct arena *arena);

/* Make its body a session: the row's JSON with the access token added. */
void		answer_set_session(struct answer *answer, int status, const char *json, size_t length,
							   const char *access_token, long ttl);

/* Make it what was rendered, as JSON. */
void		answer_set_rendered(struct answer *answer, int status, struct rendered *rendered);

/* Compress its body, if it is long and the request's Accept-Encoding takes that. */
void		answer_encode(struct answer *answer, const char *accept_encoding);

/* The value of a header of it; NULL: it has none of this name. */
const char *answer_header(const struct answer *answer, const char *name);

/* Has building it run out of memory? */
bool		answer_failed(const struct answer *answer);

/* Its body. */
const char *answer_body(const struct answer *answer, size_t *length);

/* Write its headers as they go over the wire. A value that has an end of line makes the text fail. */
void		answer_write_headers(const struct answer *answer, struct text *text);

/* Write a problem's answer as it goes over the wire, ending the connection. */
void		answer_write(const struct answer *answer, struct text *text);

/* Free the body and make it empty. */
void		answer_reset(struct answer *answer);

#endif
