/*
 * openapi.h - the OpenAPI 3.1 document of this API, from the route table and
 * what PostgreSQL's catalog says about its functions.
 */
#ifndef TIMETRACKR_OPENAPI_H
#define TIMETRACKR_OPENAPI_H

#include "catalog.h"

/* The document as JSON text, to be freed by the caller; NULL when memory is out. */
char	   *openapi_build(const struct catalog *catalog);

#endif
