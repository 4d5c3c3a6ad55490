/*
 * schema.h - what PostgreSQL's catalog says about functions of schema
 * timetrackr and the types they use. Knows nothing of routes or HTTP.
 */
#ifndef TIMETRACKR_SCHEMA_H
#define TIMETRACKR_SCHEMA_H

#include "catalog.h"
#include "db_blocking.h"

struct schema_argument
{
	char	   *name;
	const struct catalog_type *type;
	char	   *cast;			/* the type's full name, for a cast */
	bool		is_output;
	bool		has_default;
	char	   *fallback;		/* the default's value as text, NULL for SQL NULL */
};

struct schema_function
{
	char	   *name;
	char	   *comment;		/* "" when there is none */
	bool		may_execute;	/* has the connection's role the privilege? */
	char	   *home_argument;	/* on several nodes: the user at whose home it is called; "": anywhere */
	const struct catalog_type *result;
	struct schema_argument *arguments;
	size_t		argument_count;
};

struct schema
{
	struct schema_function *functions;	/* sorted by name */
	size_t		function_count;
	struct catalog_type **types;
	size_t		type_count;
	char	   *version;		/* of the extension */
	bool		is_distributed;	/* over several nodes: some functions have a home_argument */
};

/*
 * Read all functions of the schema. NULL with one line in `why` that says what
 * to do when the extension is not there or its tables are not installed.
 */
struct schema *schema_read(struct db_blocking *db, char *why, size_t why_size);

/* The function of that name; NULL when there is none, or (with `overloaded` set) more than one. */
const struct schema_function *schema_find(const struct schema *schema, const char *name,
										  bool *overloaded);

void		schema_free(struct schema *schema);

#endif
