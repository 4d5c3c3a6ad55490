/*
 * openapi.c - writes the OpenAPI document (see openapi.h). Nothing about an
 * endpoint is known here but what its row and its function say.
 */
#include "openapi.h"

#include <ctype.h>
#include <string.h>

#include "text.h"

/* Most composite types that results may be made of. */
#define RECORDS_MAX 64

/* Composite types in use: each becomes one of the document's named schemas. */
struct records
{
	const struct catalog_type *types[RECORDS_MAX];
	size_t		count;
};

/* Add `"name": ` with a comma before it unless it is the first of its object. */
static void
member(struct text *out, bool *first, const char *name)
{
	if (!*first)
		text_add_char(out, ',');
	*first = false;
	text_add_json(out, name);
	text_add_char(out, ':');
}

/* ---- types ---- */

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
		default:
			return "string";
	}
}

static const char *
json_format(enum catalog_kind kind)
{
	switch (kind)
	{
		case KIND_INTEGER:
			return "int32";
		case KIND_BIGINT:
			return "int64";
		case KIND_TIMESTAMP:
			return "date-time";
		case KIND_DATE:
			return "date";
		default:
			return NULL;
	}
}

static void
add_labels(struct text *out, const struct catalog_type *type)
{
	text_add(out, ",\"enum\":[");
	for (size_t i = 0; i < type->label_count; i++)
	{
		if (i > 0)
			text_add_char(out, ',');
		text_add_json(out, type->labels[i]);
	}
	text_add_char(out, ']');
}

/* The members of a schema object, without its braces. A result's value may be null. */
static void
add_type(struct text *out, const struct catalog_type *type, bool may_be_null)
{
	char		name[64];

	switch (type->kind)
	{
		case KIND_JSON:
			text_add(out, "\"description\":\"Any JSON.\"");
			return;
		case KIND_ARRAY:
			text_add(out, "\"type\":\"array\",\"items\":{");
			add_type(out, type->element, false);
			text_add_char(out, '}');
			return;
		case KIND_RECORD:
			schema_name(name, sizeof name, type->name);
			text_printf(out, "\"$ref\":\"#/components/schemas/%s\"", name);
			return;
		default:
			break;
	}
	text_printf(out, may_be_null ? "\"type\":[\"%s\",\"null\"]" : "\"type\":\"%s\"",
				json_type(type->kind));
	if (json_format(type->kind) != NULL)
		text_printf(out, ",\"format\":\"%s\"", json_format(type->kind));
	if (type->kind == KIND_ENUM)
		add_labels(out, type);
}

/* The object with these columns; a session has what the proxy adds, too. */
static void
add_object(struct text *out, const struct catalog_column *columns, size_t count, bool is_session)
{
	bool		first = true;

	text_add(out, "{\"type\":\"object\",\"properties\":{");
	if (is_session)
	{
		text_add(out, "\"access_token\":{\"type\":\"string\"},"
				 "\"token_type\":{\"type\":\"string\",\"const\":\"Bearer\"},"
				 "\"expires_in\":{\"type\":\"integer\",\"description\":\"Seconds.\"}");
		first = false;
	}
	for (size_t i = 0; i < count; i++)
	{
		member(out, &first, columns[i].name);
		text_add_char(out, '{');
		add_type(out, columns[i].type, true);
		text_add_char(out, '}');
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

/* ---- parameters ---- */

/* A default, written as JSON of its type; text defaults that are arrays or JSON are left out. */
static void
add_default(struct text *out, const struct catalog_param *param)
{
	if (param->fallback == NULL || param->type->kind == KIND_ARRAY || param->type->kind == KIND_JSON)
		return;
	text_add(out, ",\"default\":");
	if (param->type->kind == KIND_BOOLEAN)
		text_add(out, *param->fallback == 't' ? "true" : "false");
	else if (strcmp(json_type(param->type->kind), "string") == 0)
		text_add_json(out, param->fallback);
	else
		text_add(out, param->fallback);
}

static void
add_param_schema(struct text *out, const struct catalog_route *route, size_t index)
{
	text_add_char(out, '{');
	add_type(out, route->params[index].type, false);
	if ((int) index == route->limit)
		text_printf(out, ",\"minimum\":1,\"maximum\":%d", CATALOG_LIMIT_MAX);
	add_default(out, &route->params[index]);
	text_add_char(out, '}');
}

/* Parameters in path and query, and the cursor of a paged list. */
static void
add_parameters(struct text *out, const struct catalog_route *route)
{
	bool		first = true;

	text_add(out, ",\"parameters\":[");
	for (size_t i = 0; i < route->param_count; i++)
	{
		const struct catalog_param *param = &route->params[i];
		bool		in_path = param->source == SOURCE_PATH;

		if (!in_path && param->source != SOURCE_QUERY)
			continue;
		text_printf(out, "%s{\"name\":", first ? "" : ",");
		text_add_json(out, param->name);
		text_printf(out, ",\"in\":\"%s\",\"required\":%s%s,\"schema\":", in_path ? "path" : "query",
					in_path || param->required ? "true" : "false",
					param->type->kind == KIND_ARRAY ? ",\"explode\":false" : "");
		add_param_schema(out, route, i);
		text_add_char(out, '}');
		first = false;
	}
	if (catalog_is_paged(route))
		text_printf(out, "%s{\"name\":\"cursor\",\"in\":\"query\",\"required\":false,"
					"\"description\":\"From the Link header of the page before.\","
					"\"schema\":{\"type\":\"string\"}}", first ? "" : ",");
	text_add_char(out, ']');
}

static void
add_request_body(struct text *out, const struct catalog_route *route)
{
	bool		first = true;
	bool		some_required = false;

	if (route->document >= 0)
		text_add(out, ",\"requestBody\":{\"content\":{\"text/csv\":{\"schema\":"
				 "{\"type\":\"string\"}}},\"required\":true}");
	if (!route->reads_body)
		return;
	text_add(out, ",\"requestBody\":{\"content\":{\"application/json\":{\"schema\":"
			 "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
	for (size_t i = 0; i < route->param_count; i++)
	{
		if (route->params[i].source != SOURCE_BODY)
			continue;
		member(out, &first, route->params[i].name);
		add_param_schema(out, route, i);
	}
	text_add_char(out, '}');
	for (size_t i = 0; i < route->param_count; i++)
	{
		if (route->params[i].source != SOURCE_BODY || !route->params[i].required)
			continue;
		text_add(out, some_required ? "," : ",\"required\":[");
		text_add_json(out, route->params[i].name);
		some_required = true;
	}
	text_printf(out, "%s}}},\"required\":%s}", some_required ? "]" : "",
				some_required ? "true" : "false");
}

/* ---- responses ---- */

static void
add_content(struct text *out, const struct catalog_route *route)
{
	bool		is_list = route->shape == SHAPE_LIST || route->shape == SHAPE_EVENTS || route->shape == SHAPE_REPORT;

	if (catalog_is_paged(route) || route->shape == SHAPE_EVENTS)
		text_printf(out, ",\"headers\":{\"Link\":{\"description\":\"%s\",\"schema\":{\"type\":\"string\"}}}",
					route->shape == SHAPE_EVENTS ? "Where to go on, as rel=\\\"next\\\"."
					: "The next page, as rel=\\\"next\\\"; absent on the last one.");
	if (route->shape == SHAPE_CSV)
	{
		text_add(out, ",\"content\":{\"text/csv\":{\"schema\":{\"type\":\"string\"}}}");
		return;
	}
	text_add(out, ",\"content\":{\"application/json\":{\"schema\":");
	if (is_list)
		text_add(out, "{\"type\":\"array\",\"items\":");
	if (route->builtin != BUILTIN_NONE || route->shape == SHAPE_DOCUMENT)
		text_add(out, "{\"type\":\"object\"}");
	else
		add_object(out, route->columns, route->column_count, route->shape == SHAPE_SESSION);
	if (is_list)
		text_add_char(out, '}');
	text_add_char(out, '}');
	if (route->shape == SHAPE_REPORT)
		text_add(out, ",\"text/csv\":{\"schema\":{\"type\":\"string\"}}");
	text_add_char(out, '}');
}

static void
add_problem(struct text *out, int status)
{
	text_printf(out, ",\"%d\":{\"$ref\":\"#/components/responses/Problem\"}", status);
}

static void
add_responses(struct text *out, const struct catalog_route *route)
{
	text_printf(out, ",\"responses\":{\"%d\":{\"description\":\"%s\"", route->status,
				route->shape == SHAPE_NOTHING ? "Done." : "The answer.");
	if (route->shape != SHAPE_NOTHING)
		add_content(out, route);
	text_add_char(out, '}');
	if (route->shape == SHAPE_MAYBE)
		text_add(out, ",\"204\":{\"description\":\"There is none.\"}");
	if (route->builtin == BUILTIN_NONE)
	{
		add_problem(out, 400);
		add_problem(out, 401);
		if (route->access == ACCESS_USER && route->lane == LANE_WRITE)
			add_problem(out, 403);
		if (strchr(route->path, '{') != NULL)
			add_problem(out, 404);
		if (route->shape != SHAPE_NOTHING)
			add_problem(out, 406);
		if (route->lane != LANE_READ)
			add_problem(out, 409);
		if (route->shape == SHAPE_EVENTS)
			add_problem(out, 410);
		add_problem(out, 422);
		add_problem(out, 429);
	}
	text_add(out, ",\"default\":{\"$ref\":\"#/components/responses/Problem\"}}");
}

/* ---- operations ---- */

/* The first sentence of a description. */
static void
add_summary(struct text *out, const char *description)
{
	const char *end = strpbrk(description, ".:;");

	text_add(out, ",\"summary\":");
	text_add_json_bytes(out, description, end != NULL ? (size_t) (end - description)
						: strlen(description));
	text_add(out, ",\"description\":");
	text_add_json(out, description);
}

/* The group of an operation: the first segment of its path. */
static void
add_tag(struct text *out, const char *path)
{
	text_add(out, ",\"tags\":[");
	text_add_json_bytes(out, path + 1, strcspn(path + 1, "/"));
	text_add_char(out, ']');
}

static void
add_security(struct text *out, const struct catalog_route *route)
{
	if ((route->builtin != BUILTIN_NONE && route->builtin != BUILTIN_LIVE) || route->access == ACCESS_ANYONE)
		text_add(out, ",\"security\":[]");
	else if (route->access == ACCESS_OPTIONAL)
		text_add(out, ",\"security\":[{},{\"bearer\":[]}]");
	else
		text_add(out, ",\"security\":[{\"bearer\":[]}]");
}

static void
add_operation(struct text *out, const struct catalog_route *route)
{
	char		method[16];
	const char *name = catalog_method_name(route->method);
	size_t		length = 0;

	for (; name[length] != '\0' && length + 1 < sizeof method; length++)
		method[length] = (char) tolower((unsigned char) name[length]);
	method[length] = '\0';
	text_printf(out, "\"%s\":{\"operationId\":", method);
	if (route->function != NULL)
		text_add_json(out, route->function);
	else
		text_add_json_bytes(out, route->path + 1, strcspn(route->path + 1, "."));
	add_tag(out, route->path);
	add_summary(out, route->description);
	add_security(out, route);
	add_parameters(out, route);
	add_request_body(out, route);
	add_responses(out, route);
	text_add_char(out, '}');
}

/* Has an earlier route the same path? Then it has been written with that one. */
static bool
is_written(const struct catalog *catalog, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (strcmp(catalog->routes[i].path, catalog->routes[index].path) == 0)
			return true;
	return false;
}

static void
add_paths(struct text *out, const struct catalog *catalog)
{
	bool		first = true;

	text_add(out, ",\"paths\":{");
	for (size_t i = 0; i < catalog->route_count; i++)
	{
		if (is_written(catalog, i))
			continue;
		member(out, &first, catalog->routes[i].path);
		text_add_char(out, '{');
		add_operation(out, &catalog->routes[i]);
		for (size_t j = i + 1; j < catalog->route_count; j++)
		{
			if (strcmp(catalog->routes[i].path, catalog->routes[j].path) != 0)
				continue;
			text_add_char(out, ',');
			add_operation(out, &catalog->routes[j]);
		}
		text_add_char(out, '}');
	}
	text_add_char(out, '}');
}

/* ---- components ---- */

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

static void
add_schemas(struct text *out, const struct catalog *catalog)
{
	struct records records = {.count = 0};
	char		name[64];

	for (size_t i = 0; i < catalog->route_count; i++)
		for (size_t j = 0; j < catalog->routes[i].column_count; j++)
			collect_records(&records, catalog->routes[i].columns[j].type);
	for (size_t i = 0; i < records.count; i++)
	{
		schema_name(name, sizeof name, records.types[i]->name);
		text_printf(out, ",\"%s\":", name);
		add_object(out, records.types[i]->fields, records.types[i]->field_count, false);
	}
}

static const char problem_schema[] =
	"\"Problem\":{\"type\":\"object\",\"description\":\"RFC 9457; a code may define further members.\","
	"\"properties\":{\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},"
	"\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":\"string\"},\"code\":{\"type\":\"string\"},"
	"\"request_id\":{\"type\":\"string\"},\"field\":{\"type\":\"string\"},"
	"\"errors\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
	"\"field\":{\"type\":[\"string\",\"null\"]},\"code\":{\"type\":\"string\"},"
	"\"detail\":{\"type\":\"string\"}},\"required\":[\"code\",\"detail\"]}}},"
	"\"required\":[\"type\",\"title\",\"status\",\"code\",\"request_id\"]}";

static const char shared_components[] =
	"\"responses\":{\"Problem\":{\"description\":\"What went wrong.\",\"content\":"
	"{\"application/problem+json\":{\"schema\":{\"$ref\":\"#/components/schemas/Problem\"}}}}},"
	"\"securitySchemes\":{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\",\"bearerFormat\":\"JWT\"}}";

char *
openapi_build(const struct catalog *catalog)
{
	struct text out = {0};

	text_add(&out, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"TimeTrackr\",\"version\":");
	text_add_json(&out, catalog->version);
	text_add(&out, ",\"description\":\"Gamified time tracking: timers, projects, badges, streaks, "
			 "timelines, leaderboards. Each operation is a SQL function of the same name.\","
			 "\"license\":{\"name\":\"PostgreSQL License\",\"identifier\":\"PostgreSQL\"}},"
			 "\"servers\":[{\"url\":\"/\"}]");
	add_paths(&out, catalog);
	text_printf(&out, ",\"components\":{\"schemas\":{%s", problem_schema);
	add_schemas(&out, catalog);
	text_printf(&out, "},%s}}", shared_components);
	return text_take(&out);
}
