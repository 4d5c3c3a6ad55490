/*
 * openapi_type.h - types of PostgreSQL, and the rules of fields, as JSON Schema.
 */
#ifndef TIMETRACKR_OPENAPI_TYPE_H
#define TIMETRACKR_OPENAPI_TYPE_H

#include <stdbool.h>
#include <stddef.h>

#include "catalog.h"
#include "text.h"

/* A value: where it belongs, and what may be in it. */
struct openapi_value
{
	const char *scope;			/* the function or composite type it is a field of */
	const char *name;
	const struct catalog_type *type;
	bool		nullable;
	bool		is_limit;		/* how long a page is */
	const char *fallback;		/* what it is when it is not given; NULL: nothing */
};

/* Add `"name":` with a comma before it unless it is the first of its object. */
void		openapi_add_member(struct text *out, bool *first, const char *name);

/* Add the schema of a value. */
void		openapi_add_value(struct text *out, const struct catalog *catalog,
							  const struct openapi_value *value);

/* Add the schema of an object with these columns; a session has what the proxy adds, too. */
void		openapi_add_object(struct text *out, const struct catalog *catalog, const char *scope,
							   const struct catalog_column *columns, size_t count, bool is_session);

/* Add the named schemas that others refer to, each with a comma before it. */
void		openapi_add_schemas(struct text *out, const struct catalog *catalog);

#endif
