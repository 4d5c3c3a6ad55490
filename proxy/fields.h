/*
 * fields.h - what timetrackr.api_fields() says of the API's fields beyond their
 * types: bounds, nulls, examples. Only the API's description uses it.
 */
#ifndef TIMETRACKR_FIELDS_H
#define TIMETRACKR_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "db_blocking.h"

/* The scope of rows that are schemas of their own. */
#define FIELDS_SCHEMAS "#/components/schemas"

struct field_rule
{
	char	   *scope;			/* a function or composite type; NULL: any */
	char	   *field;
	bool		nullable;		/* a result may be null */
	char	   *keywords;		/* JSON Schema: the members of an object, without its braces; may be "" */
	char	   *example;		/* JSON; NULL: none */
};

struct fields
{
	struct field_rule *rules;	/* in the order of the function's rows */
	size_t		count;
};

/* Read all rules. NULL with the reason in `why`. */
struct fields *fields_read(struct db_blocking *db, char *why, size_t why_size);

/* The rule for a field in that scope, else the one for any scope; NULL: there is neither. */
const struct field_rule *fields_find(const struct fields *fields, const char *scope,
									 const char *field);

/* Has the rule, which may be NULL, this JSON Schema keyword? */
bool		field_says(const struct field_rule *rule, const char *keyword);

void		fields_free(struct fields *fields);

#endif
