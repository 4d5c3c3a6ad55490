/*
 * params.h - path, query, cursor and JSON body → the values of a call.
 *
 * Nothing here decides who may call; JSON itself is json_body.c's.
 */
#ifndef TIMETRACKR_PARAMS_H
#define TIMETRACKR_PARAMS_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "catalog.h"
#include "problem.h"
#include "target.h"

/* What a call needs besides the request. */
struct params_context
{
	const char *viewer_id;		/* NULL: anonymous */
	const char *refresh_ttl;	/* seconds */
	const char *client_address;
	bool		allow_private;	/* webhooks may lead anywhere */
	bool		has_mail;		/* mails can be sent */
	const char *image_type;		/* the body is a picture of this type; NULL: it is not */
	const char *cloud_name;		/* the setting; NULL: none */
};

/*
 * Fill `values` of a route's call. `body` is NULL when there is none. False
 * with every fault found in `problem` (400 bad syntax, 422 bad meaning).
 */
bool		params_fill(const struct catalog_route *route, const struct target *target,
						const char *body, size_t body_length,
						const struct params_context *context, struct param_values *values,
						struct arena *arena, struct problem *problem);

/*
 * The cursor that continues after a row with these key values: base64url of a
 * JSON array. NULL when memory is out.
 */
char	   *params_make_cursor(const char *const *keys, size_t key_count, struct arena *arena);

#endif
