/*
 * openapi_example.h - examples of requests and answers, put together from those of their fields.
 */
#ifndef TIMETRACKR_OPENAPI_EXAMPLE_H
#define TIMETRACKR_OPENAPI_EXAMPLE_H

#include "catalog.h"
#include "text.h"

/* Add a body that the route takes: what it requires, and what its fields have examples of. */
void		openapi_add_body_example(struct text *out, const struct catalog *catalog,
									 const struct catalog_route *route);

/* Add an answer of the route as JSON; a list has one row. */
void		openapi_add_answer_example(struct text *out, const struct catalog *catalog,
									   const struct catalog_route *route);

/* Add `,"example":"…"` of the file that the route takes or gives, if there is one. */
void		openapi_add_csv_example(struct text *out, const struct catalog *catalog,
									const struct catalog_route *route);

#endif
