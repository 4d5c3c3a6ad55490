/*
 * filling.h - the parameters of one request while they are being filled in:
 * what params.c (path, query, defaults) and json_body.c share.
 */
#ifndef TIMETRACKR_FILLING_H
#define TIMETRACKR_FILLING_H

#include "params.h"
#include "text.h"
#include "value.h"

struct filling
{
	const struct catalog_route *route;
	struct param_values *values;
	struct arena *arena;
	struct problem *problem;
	bool		filled[CATALOG_PARAMS_MAX];
	bool		needs_all;		/* of the body's fields none may be left out */
	bool		out_of_memory;
};

/* Note a fault: of a field, or with NULL of the request. A detail of NULL counts as out of memory. */
void		filling_fault(struct filling *filling, int status, const char *field, const char *code,
						  const char *detail);

/* There is no such field. */
void		filling_unknown(struct filling *filling, const char *name);

/* A value does not fit its parameter: bad syntax in a path or query is 400, in a body 422. */
void		filling_bad_value(struct filling *filling, const struct catalog_param *param,
							  enum value_status status);

/* Check a text value and put it into its parameter. */
void		filling_set_text(struct filling *filling, int index, const char *text);

/* Append a string to a text that becomes a PostgreSQL array literal; finish that and put it in. */
void		filling_add_element(struct text *literal, const char *string);
void		filling_set_literal(struct filling *filling, int index, struct text *literal);

#endif
