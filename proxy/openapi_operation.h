/*
 * openapi_operation.h - one operation of the OpenAPI document.
 */
#ifndef TIMETRACKR_OPENAPI_OPERATION_H
#define TIMETRACKR_OPENAPI_OPERATION_H

#include <stdbool.h>

#include "catalog.h"
#include "text.h"

/* Add `"get":{…}`, of the method of the route; or for a GET the HEAD beside it. */
void		openapi_add_operation(struct text *out, const struct catalog *catalog,
								  const struct catalog_route *route, bool is_head);

#endif
