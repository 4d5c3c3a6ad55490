/*
 * schema.c - reads functions, argument defaults and types from pg_catalog.
 */
#include "schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* What the tables must be: timetrackr.schema_version() of the extension of this version. */
#define SCHEMA_VERSION 2

static const char extension_query[] =
	"SELECT"
	"  (SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'timetrackr'),"
	"  EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
	"    WHERE n.nspname = 'timetrackr' AND c.relname = 'meta'),"
	"  (SELECT pg_catalog.has_schema_privilege(n.oid, 'USAGE')"
	"      AND coalesce(pg_catalog.has_table_privilege(c.oid, 'SELECT'), true)"
	"    FROM pg_catalog.pg_namespace n"
	"    LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = 'meta'"
	"    WHERE n.nspname = 'timetrackr'),"
	"  current_user";

static const char tables_query[] = "SELECT schema_version FROM timetrackr.meta";

/* Every type that an argument, a result, or a part of one has. */
static const char types_query[] =
	"WITH RECURSIVE used (oid) AS ("
	"  SELECT pg_catalog.unnest(p.prorettype || p.proargtypes::pg_catalog.oid[]"
	"      || coalesce(p.proallargtypes, '{}'))"
	"  FROM pg_catalog.pg_proc p"
	"  WHERE p.pronamespace = 'timetrackr'::pg_catalog.regnamespace"
	"  UNION"
	"  SELECT part.oid"
	"  FROM used"
	"  JOIN pg_catalog.pg_type t ON t.oid = used.oid"
	"  LEFT JOIN pg_catalog.pg_attribute a"
	"    ON a.attrelid = t.typrelid AND t.typrelid <> 0 AND a.attnum > 0 AND NOT a.attisdropped"
	"  CROSS JOIN LATERAL (VALUES (t.typelem), (a.atttypid), (t.typbasetype)) AS part (oid)"
	"  WHERE part.oid <> 0"
	")"
	" SELECT t.oid, t.typname, t.typtype, t.typcategory, t.typelem, t.typbasetype,"
	"   (SELECT pg_catalog.string_agg(e.enumlabel, E'\\n' ORDER BY e.enumsortorder)"
	"    FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid),"
	"   (SELECT pg_catalog.string_agg(a.attname || E'\\n' || a.atttypid, E'\\n' ORDER BY a.attnum)"
	"    FROM pg_catalog.pg_attribute a"
	"    WHERE a.attrelid = t.typrelid AND t.typrelid <> 0 AND a.attnum > 0 AND NOT a.attisdropped)"
	" FROM used JOIN pg_catalog.pg_type t ON t.oid = used.oid"
	" ORDER BY t.oid";

static const char functions_query[] =
	"SELECT p.oid, p.proname, p.prorettype,"
	"  coalesce(pg_catalog.obj_description(p.oid, 'pg_proc'), ''),"
	"  pg_catalog.has_function_privilege(p.oid, 'EXECUTE'), h.user_argument"
	" FROM pg_catalog.pg_proc p"
	" LEFT JOIN timetrackr.called_at_home() h ON h.name = p.proname"
	" WHERE p.pronamespace = 'timetrackr'::pg_catalog.regnamespace AND p.prokind = 'f'"
	" ORDER BY p.proname COLLATE \"C\", p.oid";

static const char arguments_query[] =
	"SELECT p.oid, coalesce(p.proargnames[i.at], ''), coalesce(p.proargmodes[i.at]::text, 'i'),"
	"  kind.oid, pg_catalog.format_type(kind.oid, NULL),"
	"  pg_catalog.pg_get_function_arg_default(p.oid, i.at)"
	" FROM pg_catalog.pg_proc p"
	" CROSS JOIN LATERAL pg_catalog.generate_series(1,"
	"   coalesce(pg_catalog.array_length(p.proallargtypes, 1), p.pronargs)) AS i (at)"
	" CROSS JOIN LATERAL (SELECT coalesce(p.proallargtypes[i.at], p.proargtypes[i.at - 1])) AS kind (oid)"
	" WHERE p.pronamespace = 'timetrackr'::pg_catalog.regnamespace AND p.prokind = 'f'"
	" ORDER BY p.proname COLLATE \"C\", p.oid, i.at";

/* A value that is never NULL, copied; NULL when memory is out. */
static char *
copy_value(const struct db_result *result, int row, int column)
{
	const char *value = db_result_value(result, row, column);

	return strdup(value != NULL ? value : "");
}

/* ---- types ---- */

/* Find the position of an oid in the types' result, which is sorted as text is not: a scan. */
static struct catalog_type *
find_type(const struct schema *schema, const struct db_result *rows, const char *oid)
{
	for (int i = 0; i < db_result_rows(rows); i++)
		if (strcmp(db_result_value(rows, i, 0), oid) == 0)
			return schema->types[i];
	return NULL;
}

static enum catalog_kind
kind_of(const char *name, const char *typtype, const char *category)
{
	static const struct
	{
		const char *name;
		enum catalog_kind kind;
	}			known[] = {
		{"bool", KIND_BOOLEAN},
		{"bytea", KIND_BYTES},
		{"date", KIND_DATE},
		{"float4", KIND_NUMBER},
		{"float8", KIND_NUMBER},
		{"int2", KIND_INTEGER},
		{"int4", KIND_INTEGER},
		{"int8", KIND_BIGINT},
		{"json", KIND_JSON},
		{"jsonb", KIND_JSON},
		{"numeric", KIND_NUMBER},
		{"timestamptz", KIND_TIMESTAMP},
		{"void", KIND_VOID},
	};

	if (*typtype == 'e')
		return KIND_ENUM;
	if (*typtype == 'c')
		return KIND_RECORD;
	if (*category == 'A')
		return KIND_ARRAY;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strcmp(name, known[i].name) == 0)
			return known[i].kind;
	return KIND_TEXT;
}

/* Count the lines of a list as string_agg made it; 0 for NULL. */
static size_t
count_lines(const char *list)
{
	size_t		count = list != NULL;

	for (; list != NULL && *list != '\0'; list++)
		count += *list == '\n';
	return count;
}

/* Copy the next line of a list and step over it. */
static char *
next_line(const char **list)
{
	size_t		length = strcspn(*list, "\n");
	char	   *line = strndup(*list, length);

	*list += length + ((*list)[length] == '\n');
	return line;
}

static bool
fill_labels(struct catalog_type *type, const char *list)
{
	size_t		count = count_lines(list);

	type->labels = calloc(count + 1, sizeof *type->labels);
	if (type->labels == NULL)
		return false;
	while (type->label_count < count)
		if ((type->labels[type->label_count++] = next_line(&list)) == NULL)
			return false;
	return true;
}

static bool
fill_fields(const struct schema *schema, const struct db_result *rows,
			struct catalog_type *type, const char *list)
{
	size_t		count = count_lines(list) / 2;

	type->fields = calloc(count + 1, sizeof *type->fields);
	if (type->fields == NULL)
		return false;
	while (type->field_count < count)
	{
		struct catalog_column *field = &type->fields[type->field_count++];
		char	   *oid;

		field->name = next_line(&list);
		oid = next_line(&list);
		field->type = oid != NULL ? find_type(schema, rows, oid) : NULL;
		free(oid);
		if (field->name == NULL || field->type == NULL)
			return false;
	}
	return true;
}

/* Fill in one type from its row. A domain takes the kind of what it is based on. */
static bool
fill_type(const struct schema *schema, const struct db_result *rows, int row)
{
	struct catalog_type *type = schema->types[row];
	const char *base = db_result_value(rows, row, 5);

	type->name = copy_value(rows, row, 1);
	if (type->name == NULL)
		return false;
	type->kind = kind_of(type->name, db_result_value(rows, row, 2), db_result_value(rows, row, 3));
	if (strcmp(base, "0") != 0)
		for (int i = 0; i < db_result_rows(rows); i++)
			if (strcmp(db_result_value(rows, i, 0), base) == 0)
				type->kind = kind_of(db_result_value(rows, i, 1), db_result_value(rows, i, 2),
									 db_result_value(rows, i, 3));
	if (type->kind == KIND_ENUM)
		return fill_labels(type, db_result_value(rows, row, 6));
	if (type->kind == KIND_RECORD)
		return fill_fields(schema, rows, type, db_result_value(rows, row, 7));
	if (type->kind == KIND_ARRAY)
	{
		type->element = find_type(schema, rows, db_result_value(rows, row, 4));
		return type->element != NULL;
	}
	return true;
}

static bool
fill_types(struct schema *schema, const struct db_result *rows)
{
	size_t		count = (size_t) db_result_rows(rows);

	schema->types = calloc(count + 1, sizeof *schema->types);
	if (schema->types == NULL)
		return false;
	while (schema->type_count < count)
	{
		schema->types[schema->type_count] = calloc(1, sizeof **schema->types);
		if (schema->types[schema->type_count] == NULL)
			return false;
		schema->type_count++;
	}
	for (size_t i = 0; i < count; i++)
		if (!fill_type(schema, rows, (int) i))
			return false;
	return true;
}

/* ---- functions ---- */

static bool
fill_argument(const struct schema *schema, struct schema_argument *argument,
			  const struct db_result *arguments, int row, const struct db_result *types)
{
	const char *mode = db_result_value(arguments, row, 2);

	argument->name = copy_value(arguments, row, 1);
	argument->cast = copy_value(arguments, row, 4);
	argument->type = find_type(schema, types, db_result_value(arguments, row, 3));
	argument->is_output = *mode == 'o' || *mode == 't';
	argument->has_default = db_result_value(arguments, row, 5) != NULL;
	return argument->name != NULL && argument->cast != NULL && argument->type != NULL;
}

/* Arguments whose defaults are still expressions, and the statement that will compute them. */
struct defaults
{
	struct schema_argument **arguments;
	size_t		count;
	struct text sql;
};

/* Fill in one function from its row and its arguments, which start at row *at of theirs. */
static bool
fill_function(const struct schema *schema, struct schema_function *function,
			  const struct db_result *functions, int row, const struct db_result *arguments, int *at,
			  const struct db_result *types, struct defaults *defaults)
{
	const char *oid = db_result_value(functions, row, 0);
	int			end = *at;

	while (end < db_result_rows(arguments) && strcmp(db_result_value(arguments, end, 0), oid) == 0)
		end++;
	function->name = copy_value(functions, row, 1);
	function->comment = copy_value(functions, row, 3);
	function->may_execute = *db_result_value(functions, row, 4) == 't';
	function->home_argument = copy_value(functions, row, 5);
	function->result = find_type(schema, types, db_result_value(functions, row, 2));
	function->arguments = calloc((size_t) (end - *at) + 1, sizeof *function->arguments);
	if (!function->name || !function->comment || !function->home_argument || !function->result || !function->arguments)
		return false;
	for (; *at < end; (*at)++)
	{
		struct schema_argument *argument = &function->arguments[function->argument_count++];

		if (!fill_argument(schema, argument, arguments, *at, types))
			return false;
		if (!argument->has_default)
			continue;
		text_printf(&defaults->sql, "%s(%s)::pg_catalog.text", defaults->count ? ", " : "SELECT ",
					db_result_value(arguments, *at, 5));
		defaults->arguments[defaults->count++] = argument;
	}
	return true;
}

/* Make all defaults values: they are constant expressions, computed in one statement. */
static bool
compute_defaults(struct db_blocking *db, struct defaults *defaults, char *why, size_t why_size)
{
	struct db_result *result;
	bool		good = true;

	if (defaults->count == 0)
		return true;
	if (defaults->sql.failed)
		return false;
	result = db_blocking_query(db, defaults->sql.data, 0, NULL, why, why_size);
	if (result == NULL)
		return false;
	for (size_t i = 0; good && i < defaults->count; i++)
	{
		const char *value = db_result_value(result, 0, (int) i);

		if (value == NULL)
			continue;
		defaults->arguments[i]->fallback = strdup(value);
		good = defaults->arguments[i]->fallback != NULL;
	}
	db_result_free(result);
	return good;
}

static bool
fill_functions(struct schema *schema, struct db_blocking *db, const struct db_result *functions,
			   const struct db_result *arguments, const struct db_result *types,
			   char *why, size_t why_size)
{
	size_t		count = (size_t) db_result_rows(functions);
	struct defaults defaults = {0};
	bool		good;
	int			at = 0;

	schema->functions = calloc(count + 1, sizeof *schema->functions);
	defaults.arguments = calloc((size_t) db_result_rows(arguments) + 1, sizeof *defaults.arguments);
	good = schema->functions != NULL && defaults.arguments != NULL;
	while (good && schema->function_count < count)
	{
		int			row = (int) schema->function_count++;

		good = fill_function(schema, &schema->functions[row], functions, row, arguments, &at,
							 types, &defaults);
		schema->is_distributed = schema->is_distributed || (good && *schema->functions[row].home_argument != '\0');
	}
	good = good && compute_defaults(db, &defaults, why, why_size);
	free(defaults.arguments);
	text_free(&defaults.sql);
	return good;
}

/* Are the tables those that this version of the extension works with? */
static bool
check_tables(struct db_blocking *db, char *why, size_t why_size)
{
	struct db_result *result = db_blocking_query(db, tables_query, 0, NULL, why, why_size);
	const char *value;
	long		found;

	if (result == NULL)
		return false;
	value = db_result_rows(result) == 1 ? db_result_value(result, 0, 0) : NULL;
	found = value != NULL ? strtol(value, NULL, 10) : 0;
	if (found < SCHEMA_VERSION)
		snprintf(why, why_size, "the tables are older than the extension (schema version %ld, not %d): "
				 "run SELECT timetrackr.install()", found, SCHEMA_VERSION);
	else if (found > SCHEMA_VERSION)
		snprintf(why, why_size, "the tables are newer than the extension (schema version %ld, not %d): "
				 "install the version that made them", found, SCHEMA_VERSION);
	db_result_free(result);
	return found == SCHEMA_VERSION;
}

/* Are proxy and extension of one version? */
static bool
check_version(const char *found, char *why, size_t why_size)
{
	int			order = strverscmp(found, TIMETRACKR_VERSION);

	if (order < 0)
		snprintf(why, why_size, "the extension in this database has version %s, this proxy needs %s: "
				 "run ALTER EXTENSION timetrackr UPDATE, then SELECT timetrackr.install()",
				 found, TIMETRACKR_VERSION);
	else if (order > 0)
		snprintf(why, why_size, "the extension in this database has version %s, this proxy is %s: "
				 "install timetrackr-proxy %s", found, TIMETRACKR_VERSION, found);
	return order == 0;
}

/* Check that the extension and its tables are there; note the version. */
static bool
check_installed(struct schema *schema, struct db_blocking *db, char *why, size_t why_size)
{
	struct db_result *result = db_blocking_query(db, extension_query, 0, NULL, why, why_size);
	bool		installed = false;

	if (result == NULL)
		return false;
	if (db_result_value(result, 0, 0) == NULL)
		snprintf(why, why_size, "the extension is not in this database: "
				 "run CREATE EXTENSION timetrackr CASCADE");
	else if (!check_version(db_result_value(result, 0, 0), why, why_size))
		installed = false;
	else if (*db_result_value(result, 0, 1) != 't')
		snprintf(why, why_size, "the extension has no tables yet: run SELECT timetrackr.install()");
	else if (*db_result_value(result, 0, 2) != 't')
		snprintf(why, why_size, "the role may not use the extension: "
				 "run SELECT timetrackr.grant_api('%s')", db_result_value(result, 0, 3));
	else if (check_tables(db, why, why_size))
	{
		schema->version = copy_value(result, 0, 0);
		installed = schema->version != NULL;
	}
	db_result_free(result);
	return installed;
}

struct schema *
schema_read(struct db_blocking *db, char *why, size_t why_size)
{
	struct schema *schema = calloc(1, sizeof *schema);
	struct db_result *types = NULL;
	struct db_result *functions = NULL;
	struct db_result *arguments = NULL;
	bool		good = false;

	snprintf(why, why_size, "out of memory");
	if (schema != NULL && check_installed(schema, db, why, why_size))
	{
		types = db_blocking_query(db, types_query, 0, NULL, why, why_size);
		functions = db_blocking_query(db, functions_query, 0, NULL, why, why_size);
		arguments = db_blocking_query(db, arguments_query, 0, NULL, why, why_size);
		good = types != NULL && functions != NULL && arguments != NULL &&
			fill_types(schema, types) &&
			fill_functions(schema, db, functions, arguments, types, why, why_size);
	}
	db_result_free(types);
	db_result_free(functions);
	db_result_free(arguments);
	if (good)
		return schema;
	schema_free(schema);
	return NULL;
}

const struct schema_function *
schema_find(const struct schema *schema, const char *name, bool *overloaded)
{
	const struct schema_function *found = NULL;

	*overloaded = false;
	for (size_t i = 0; i < schema->function_count; i++)
	{
		if (strcmp(schema->functions[i].name, name) != 0)
			continue;
		*overloaded = found != NULL;
		found = &schema->functions[i];
	}
	return *overloaded ? NULL : found;
}

static void
free_type(struct catalog_type *type)
{
	for (size_t i = 0; i < type->label_count; i++)
		free(type->labels[i]);
	for (size_t i = 0; i < type->field_count; i++)
		free((char *) type->fields[i].name);
	free(type->labels);
	free(type->fields);
	free(type->name);
	free(type);
}

void
schema_free(struct schema *schema)
{
	if (schema == NULL)
		return;
	for (size_t i = 0; i < schema->function_count; i++)
	{
		struct schema_function *function = &schema->functions[i];

		for (size_t j = 0; j < function->argument_count; j++)
		{
			free(function->arguments[j].name);
			free(function->arguments[j].cast);
			free(function->arguments[j].fallback);
		}
		free(function->arguments);
		free(function->name);
		free(function->comment);
		free(function->home_argument);
	}
	for (size_t i = 0; i < schema->type_count; i++)
		free_type(schema->types[i]);
	free(schema->functions);
	free(schema->types);
	free(schema->version);
	free(schema);
}
