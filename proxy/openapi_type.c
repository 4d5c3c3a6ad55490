/*
 * openapi_type.c - JSON Schema of values and objects (see openapi_type.h). A rule
 * of fields.h goes before what the type alone says.
 */
#include "openapi_type.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "fields.h"

/* Most composite types that results may be made of. */
#define RECORDS_MAX 64

/* What no text or list of ours can be longer than: all of a body is one text. */
#define LENGTH_MAX TEXT_MAX
#define ITEMS_MAX (TEXT_MAX / 2)

/* The longest time is 2026-03-02T08:30:00.123456789+01:00, or of a far year; the longest date of one. */
#define TIMESTAMP_LENGTH_MAX 40
#define DATE_LENGTH_MAX 16

void
openapi_add_member(struct text *out, bool *first, const char *name)
{
	if (!*first)
		text_add_char(out, ',');
	*first = false;
	text_add_json(out, name);
	text_add_char(out, ':');
}

/* "badge_ref" becomes "BadgeRef". */
static void
schema_name(char *name, size_t size, const char *type_name)
{
	size_t		length = 0;
	bool		upper = true;

	for (const char *at = type_name; *at != '\0' && length + 1 < size; at++)
	{
		if (*at != '_')
			name[length++] = upper ? (char) toupper((unsigned char) *at) : *at;
		upper = *at == '_';
	}
	name[length] = '\0';
}

static const char *
json_type(enum catalog_kind kind)
{
	switch (kind)
	{
		case KIND_BOOLEAN:
			return "boolean";
		case KIND_INTEGER:
		case KIND_BIGINT:
			return "integer";
		case KIND_NUMBER:
			return "number";
		case KIND_ARRAY:
			return "array";
		default:
			return "string";
	}
}

/* ---- what a type says by itself ---- */

/* Add a number unless the rule has it. */
static void
add_bound(struct text *out, const struct field_rule *rule, const char *keyword, const char *bound)
{
	if (!field_says(rule, keyword))
		text_printf(out, ",\"%s\":%s", keyword, bound);
}

static void
add_length(struct text *out, const struct field_rule *rule, unsigned most)
{
	if (!field_says(rule, "maxLength") && !field_says(rule, "enum"))
		text_printf(out, ",\"maxLength\":%u", most);
}

static void
add_labels(struct text *out, const struct catalog_type *type, bool nullable)
{
	text_add(out, ",\"enum\":[");
	for (size_t i = 0; i < type->label_count; i++)
	{
		if (i > 0)
			text_add_char(out, ',');
		text_add_json(out, type->labels[i]);
	}
	text_add(out, nullable ? ",null]" : "]");
}

static void
add_items(struct text *out, const struct catalog *catalog, const struct openapi_value *value)
{
	char		name[64];
	const struct openapi_value element = {
		.scope = value->scope,
		.name = name,
		.type = value->type->element,
	};

	snprintf(name, sizeof name, "%s[]", value->name);
	text_add(out, ",\"items\":");
	openapi_add_value(out, catalog, &element);
}

static void
add_facets(struct text *out, const struct catalog *catalog, const struct openapi_value *value,
		   const struct field_rule *rule)
{
	char		number[16];

	switch (value->type->kind)
	{
		case KIND_INTEGER:
			text_add(out, ",\"format\":\"int32\"");
			snprintf(number, sizeof number, "%d", CATALOG_LIMIT_MAX);
			add_bound(out, rule, "minimum", value->is_limit ? "1" : "-2147483648");
			add_bound(out, rule, "maximum", value->is_limit ? number : "2147483647");
			break;
		case KIND_BIGINT:
			text_add(out, ",\"format\":\"int64\"");
			add_bound(out, rule, "minimum", "-9223372036854775808");
			add_bound(out, rule, "maximum", "9223372036854775807");
			break;
		case KIND_TIMESTAMP:
			text_add(out, ",\"format\":\"date-time\"");
			add_length(out, rule, TIMESTAMP_LENGTH_MAX);
			break;
		case KIND_DATE:
			text_add(out, ",\"format\":\"date\"");
			add_length(out, rule, DATE_LENGTH_MAX);
			break;
		case KIND_ENUM:
			add_labels(out, value->type, value->nullable);
			break;
		case KIND_ARRAY:
			snprintf(number, sizeof number, "%u", ITEMS_MAX);
			add_bound(out, rule, "maxItems", number);
			add_items(out, catalog, value);
			break;
		case KIND_TEXT:
			add_length(out, rule, LENGTH_MAX);
			break;
		default:
			break;
	}
}

/* A default, written as JSON of its type; those of arrays and JSON are left out. */
static void
add_default(struct text *out, const struct openapi_value *value)
{
	enum catalog_kind kind = value->type->kind;

	if (value->fallback == NULL || kind == KIND_ARRAY || kind == KIND_JSON)
		return;
	text_add(out, ",\"default\":");
	if (kind == KIND_BOOLEAN)
		text_add(out, *value->fallback == 't' ? "true" : "false");
	else if (strcmp(json_type(kind), "string") == 0)
		text_add_json(out, value->fallback);
	else
		text_add(out, value->fallback);
}

/* ---- values ---- */

/* A schema that its rule writes, or that is referred to: it cannot be made nullable from within. */
static void
add_foreign(struct text *out, const struct openapi_value *value, const struct field_rule *rule)
{
	char		name[64];

	text_add(out, value->nullable ? "{\"anyOf\":[{" : "{");
	if (value->type->kind == KIND_RECORD)
	{
		schema_name(name, sizeof name, value->type->name);
		text_printf(out, "\"$ref\":\"" FIELDS_SCHEMAS "/%s\"", name);
	}
	else if (rule != NULL && *rule->keywords != '\0')
		text_add(out, rule->keywords);
	else
		text_add(out, "\"description\":\"Any JSON.\"");
	text_add(out, value->nullable ? "},{\"type\":\"null\"}]}" : "}");
}

void
openapi_add_value(struct text *out, const struct catalog *catalog, const struct openapi_value *value)
{
	const struct field_rule *rule = fields_find(catalog->fields, value->scope, value->name);
	bool		is_wrapped = value->nullable && value->type->kind != KIND_ENUM && field_says(rule, "enum");

	if (value->type->kind == KIND_JSON || value->type->kind == KIND_RECORD)
	{
		add_foreign(out, value, rule);
		return;
	}
	text_add(out, is_wrapped ? "{\"anyOf\":[{" : "{");
	text_printf(out, value->nullable && !is_wrapped ? "\"type\":[\"%s\",\"null\"]" : "\"type\":\"%s\"",
				json_type(value->type->kind));
	if (rule != NULL && *rule->keywords != '\0' &&
		!(value->type->kind == KIND_ENUM && field_says(rule, "enum")))
		text_printf(out, ",%s", rule->keywords);
	add_facets(out, catalog, value, rule);
	add_default(out, value);
	if (rule != NULL && rule->example != NULL && value->type->kind != KIND_ARRAY &&
		strcmp(rule->example, "null") != 0)
		text_printf(out, ",\"examples\":[%s]", rule->example);
	text_add(out, is_wrapped ? "},{\"type\":\"null\"}]}" : "}");
}

/* ---- objects ---- */

void
openapi_add_object(struct text *out, const struct catalog *catalog, const char *scope,
				   const struct catalog_column *columns, size_t count, bool is_session)
{
	bool		first = true;

	text_add(out, "{\"type\":\"object\",\"properties\":{");
	if (is_session)
	{
		text_add(out, "\"access_token\":{\"type\":\"string\",\"maxLength\":4096,\"description\":\"For the header Authorization.\"},"
				 "\"token_type\":{\"type\":\"string\",\"const\":\"Bearer\"},"
				 "\"expires_in\":{\"type\":\"integer\",\"format\":\"int32\",\"minimum\":1,"
				 "\"maximum\":31536000,\"description\":\"Seconds that access_token is good for.\"}");
		first = false;
	}
	for (size_t i = 0; i < count; i++)
	{
		const struct field_rule *rule = fields_find(catalog->fields, scope, columns[i].name);
		const struct openapi_value value = {
			.scope = scope,
			.name = columns[i].name,
			.type = columns[i].type,
			.nullable = rule == NULL || rule->nullable,
		};

		openapi_add_member(out, &first, columns[i].name);
		openapi_add_value(out, catalog, &value);
	}
	text_add(out, "},\"required\":[");
	if (is_session)
		text_add(out, "\"access_token\",\"token_type\",\"expires_in\"");
	for (size_t i = 0; i < count; i++)
	{
		if (i > 0 || is_session)
			text_add_char(out, ',');
		text_add_json(out, columns[i].name);
	}
	text_add(out, "]}");
}

/* ---- named schemas ---- */

/* Composite types in use: each becomes one of the document's named schemas. */
struct records
{
	const struct catalog_type *types[RECORDS_MAX];
	size_t		count;
};

static void
collect_records(struct records *records, const struct catalog_type *type)
{
	if (type->kind == KIND_ARRAY)
		collect_records(records, type->element);
	if (type->kind != KIND_RECORD || records->count == RECORDS_MAX)
		return;
	for (size_t i = 0; i < records->count; i++)
		if (records->types[i] == type)
			return;
	records->types[records->count++] = type;
	for (size_t i = 0; i < type->field_count; i++)
		collect_records(records, type->fields[i].type);
}

void
openapi_add_schemas(struct text *out, const struct catalog *catalog)
{
	const struct fields *fields = catalog->fields;
	struct records records = {.count = 0};
	char		name[64];

	for (size_t i = 0; i < catalog->route_count; i++)
		for (size_t j = 0; j < catalog->routes[i].column_count; j++)
			collect_records(&records, catalog->routes[i].columns[j].type);
	for (size_t i = 0; i < records.count; i++)
	{
		schema_name(name, sizeof name, records.types[i]->name);
		text_printf(out, ",\"%s\":", name);
		openapi_add_object(out, catalog, records.types[i]->name, records.types[i]->fields,
						   records.types[i]->field_count, false);
	}
	for (size_t i = 0; i < fields->count; i++)
		if (fields->rules[i].scope != NULL && strcmp(fields->rules[i].scope, FIELDS_SCHEMAS) == 0)
			text_printf(out, ",\"%s\":{%s}", fields->rules[i].field, fields->rules[i].keywords);
}
