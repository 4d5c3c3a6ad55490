/*
 * fields.c - reads the rules of fields and finds them (see fields.h).
 */
#include "fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char fields_query[] =
	"SELECT f.scope, f.field, f.nullable, pg_catalog.btrim(f.keywords::pg_catalog.text),"
	"  f.example::pg_catalog.text"
	" FROM timetrackr.api_fields() f";

/* Copy a value that may be NULL; false when memory is out. */
static bool
copy(char **place, const char *value)
{
	*place = value != NULL ? strdup(value) : NULL;
	return value == NULL || *place != NULL;
}

static bool
fill_rule(struct field_rule *rule, const struct db_result *rows, int row)
{
	const char *keywords = db_result_value(rows, row, 3);

	rule->nullable = *db_result_value(rows, row, 2) == 't';
	/* an object's text, without its braces */
	rule->keywords = strndup(keywords + 1, strlen(keywords) - 2);
	return rule->keywords != NULL && copy(&rule->scope, db_result_value(rows, row, 0)) &&
		copy(&rule->field, db_result_value(rows, row, 1)) &&
		copy(&rule->example, db_result_value(rows, row, 4));
}

struct fields *
fields_read(struct db_blocking *db, char *why, size_t why_size)
{
	struct db_result *rows = db_blocking_query(db, fields_query, 0, NULL, why, why_size);
	struct fields *fields;
	bool		good;

	if (rows == NULL)
		return NULL;
	snprintf(why, why_size, "out of memory");
	fields = calloc(1, sizeof *fields);
	good = fields != NULL;
	if (good)
		fields->rules = calloc((size_t) db_result_rows(rows) + 1, sizeof *fields->rules);
	good = good && fields->rules != NULL;
	for (int i = 0; good && i < db_result_rows(rows); i++)
		good = fill_rule(&fields->rules[fields->count++], rows, i);
	db_result_free(rows);
	if (good)
		return fields;
	fields_free(fields);
	return NULL;
}

const struct field_rule *
fields_find(const struct fields *fields, const char *scope, const char *field)
{
	const struct field_rule *any = NULL;

	for (size_t i = 0; i < fields->count; i++)
	{
		const struct field_rule *rule = &fields->rules[i];

		if (strcmp(rule->field, field) != 0)
			continue;
		if (rule->scope == NULL)
			any = rule;
		else if (scope != NULL && strcmp(rule->scope, scope) == 0)
			return rule;
	}
	return any;
}

bool
field_says(const struct field_rule *rule, const char *keyword)
{
	char		quoted[32];

	snprintf(quoted, sizeof quoted, "\"%s\":", keyword);
	return rule != NULL && strstr(rule->keywords, quoted) != NULL;
}

void
fields_free(struct fields *fields)
{
	if (fields == NULL)
		return;
	for (size_t i = 0; i < fields->count; i++)
	{
		free(fields->rules[i].scope);
		free(fields->rules[i].field);
		free(fields->rules[i].keywords);
		free(fields->rules[i].example);
	}
	free(fields->rules);
	free(fields);
}
