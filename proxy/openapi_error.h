/*
 * openapi_error.h - which errors an operation may answer with: those that the
 * comment of its function lists, and those of the proxy.
 */
#ifndef TIMETRACKR_OPENAPI_ERROR_H
#define TIMETRACKR_OPENAPI_ERROR_H

#include <stdbool.h>

#include "catalog.h"
#include "text.h"

/* Add the responses of errors of an operation, each with a comma before it; HEAD has no bodies. */
void		openapi_add_problems(struct text *out, const struct catalog *catalog,
								 const struct catalog_route *route, bool is_head);

/* Add the named responses that these refer to, and the schema of a problem. */
void		openapi_add_problem_responses(struct text *out, const struct catalog *catalog);
void		openapi_add_problem_schema(struct text *out);

/* Add `"headers":{…}` of an answer: those of its status, and those of the success of a route (NULL: no success). */
void		openapi_add_headers(struct text *out, int status, const struct catalog_route *route);

#endif
