/*
 * catalog.c - completes routes.def from the schema.
 */
#include "catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "schema.h"
#include "statement.h"

/* A database that does not answer at the start is given up after so many seconds. */
#define START_TIMEOUT 10

#define ROUTE(method_, path_, function_, access_, shape_, status_, lane_, accelerator_) \
	{.method = METHOD_##method_, .path = path_, .function = #function_, \
	.access = ACCESS_##access_, .shape = SHAPE_##shape_, .status = status_, \
	.lane = LANE_##lane_, .accelerator = ACCELERATOR_##accelerator_},
#define BUILTIN(path_, handler_, shape_, status_, description_) \
	{.method = METHOD_GET, .path = path_, .builtin = BUILTIN_##handler_, \
	.access = ACCESS_OPTIONAL, .shape = SHAPE_##shape_, .status = status_, .description = description_},

static const struct catalog_route route_table[] = {
#include "routes.def"
};

#undef ROUTE
#undef BUILTIN

#define ROUTE_COUNT (sizeof route_table / sizeof route_table[0])

_Static_assert(ROUTE_COUNT <= STATEMENT_ROUTES_MAX, "every route has its prepared statements");

/* Say in `why` what is wrong with a route. */
static bool
refuse(const struct catalog_route *route, char *why, size_t why_size, const char *reason,
	   const char *name)
{
	snprintf(why, why_size, "%s %s: function timetrackr.%s %s%s",
			 catalog_method_name(route->method), route->path, route->function, reason, name);
	return false;
}

/* Is this the name of a parameter that is no field of the request? */
static bool
context_source(const char *name, enum catalog_source *source)
{
	if (strcmp(name, "viewer_id") == 0)
		*source = SOURCE_VIEWER;
	else if (strcmp(name, "refresh_ttl") == 0)
		*source = SOURCE_REFRESH_TTL;
	else if (strcmp(name, "client_address") == 0)
		*source = SOURCE_ADDRESS;
	else if (strcmp(name, "allow_private") == 0)
		*source = SOURCE_ALLOW_PRIVATE;
	else if (strcmp(name, "has_mail") == 0)
		*source = SOURCE_HAS_MAIL;
	else if (strcmp(name, "given") == 0)
		*source = SOURCE_GIVEN;
	else if (strcmp(name, "csv") == 0)
		*source = SOURCE_DOCUMENT;
	else if (strcmp(name, "image") == 0)
		*source = SOURCE_IMAGE;
	else if (strcmp(name, "content_type") == 0)
		*source = SOURCE_IMAGE_TYPE;
	else if (strcmp(name, "cloud_name") == 0)
		*source = SOURCE_CLOUD_NAME;
	else if (strcmp(name, "notification") == 0)
		*source = SOURCE_NOTIFICATION;
	else if (strncmp(name, "after_", 6) == 0)
		*source = SOURCE_CURSOR;
	else
		return false;
	return true;
}

/* Can a request carry a value of this type? */
static bool
is_input_type(const struct catalog_type *type)
{
	if (type->kind == KIND_ARRAY)
		return type->element->kind == KIND_TEXT || type->element->kind == KIND_ENUM ||
			type->element->kind == KIND_INTEGER || type->element->kind == KIND_BIGINT;
	return type->kind != KIND_RECORD && type->kind != KIND_VOID && type->kind != KIND_NUMBER &&
		type->kind != KIND_BYTES;
}

static bool
add_param(struct catalog_route *route, const struct schema_argument *argument,
		  char *why, size_t why_size)
{
	int			index = (int) route->param_count;
	struct catalog_param *param = &route->params[index];

	if (index + 1 >= CATALOG_PARAMS_MAX)
		return refuse(route, why, why_size, "has too many arguments", "");
	if (!is_input_type(argument->type) && strcmp(argument->name, "image") != 0)
		return refuse(route, why, why_size, "has an argument of a type that no request can carry: ",
					  argument->name);
	*param = (struct catalog_param) {
		.name = argument->name,
		.type = argument->type,
		.cast = argument->cast,
		.required = !argument->has_default,
		.fallback = argument->fallback,
		.source = route->method == METHOD_GET || route->method == METHOD_DELETE
		? SOURCE_QUERY : SOURCE_BODY,
	};
	route->param_count++;
	if (!context_source(param->name, &param->source))
	{
		if (strcmp(param->name, "limit") == 0)
		{
			route->limit = index;
			if (catalog_is_streamed(route))
				param->source = SOURCE_PAGE;
		}
		route->reads_body = route->reads_body || param->source == SOURCE_BODY;
		return true;
	}
	if (param->source == SOURCE_VIEWER)
		route->viewer = index;
	if (param->source == SOURCE_DOCUMENT)
		route->document = index;
	route->takes_image = route->takes_image || param->source == SOURCE_IMAGE;
	route->takes_notification = route->takes_notification || param->source == SOURCE_NOTIFICATION;
	route->uses_cloudinary = route->uses_cloudinary || param->source == SOURCE_CLOUD_NAME;
	if (param->source != SOURCE_CURSOR)
		return true;
	if (route->key_count == CATALOG_KEYS_MAX)
		return refuse(route, why, why_size, "has too many after_ arguments", "");
	route->keys[route->key_count++] = index;
	return true;
}

static bool
asks_for_password(const struct catalog_route *route)
{
	return catalog_param_index(route, "password") >= 0;
}

/* Cut the path into segments and find the parameters in it. */
static bool
fill_segments(struct catalog_route *route, char *why, size_t why_size)
{
	const char *at = route->path;

	snprintf(route->noun, sizeof route->noun, "resource");
	while (*at == '/')
	{
		size_t		length = strcspn(++at, "/");
		struct catalog_segment *segment = &route->segments[route->segment_count];
		char		name[32];

		if (route->segment_count++ == CATALOG_SEGMENTS_MAX)
			return refuse(route, why, why_size, "has a path of too many segments", "");
		*segment = (struct catalog_segment) {.text = at, .length = length, .param = -1};
		at += length;
		if (*segment->text != '{')
			continue;
		snprintf(name, sizeof name, "%.*s", (int) length - 2, segment->text + 1);
		segment->param = catalog_param_index(route, name);
		if (segment->param < 0)
			return refuse(route, why, why_size, "has no argument for the path's ", name);
		segment->text = NULL;
		route->params[segment->param].source = SOURCE_PATH;
		snprintf(route->noun, sizeof route->noun, "%.*s", (int) (length - 2 - strlen("_id")), name);
	}
	/* a parameter may have turned from the body's into the path's, or give way to a document */
	route->reads_body = false;
	for (size_t i = 0; i < route->param_count; i++)
	{
		/* addresses are kept in logs and histories */
		if (route->params[i].source == SOURCE_QUERY && route->method == METHOD_DELETE && asks_for_password(route))
			route->params[i].source = SOURCE_BODY;
		if (route->params[i].source == SOURCE_BODY && route->document >= 0)
			route->params[i].source = SOURCE_QUERY;
		if (route->params[i].source == SOURCE_BODY)
			route->reads_body = true;
	}
	return true;
}

/* Why a write was refused, and until when, is told as a problem: these columns are no part of the answer. */
static void
hide_refusal(struct catalog_route *route)
{
	size_t		count = route->column_count;

	route->may_refuse = route->lane != LANE_READ && count >= 2 &&
		strcmp(route->columns[count - 2].name, "refused") == 0 &&
		strcmp(route->columns[count - 1].name, "retry_after") == 0;
	if (route->may_refuse)
		route->column_count = count - 2;
}

/* Find the result's columns: OUT arguments, a composite's fields, or one scalar. */
static bool
fill_columns(struct catalog_route *route, const struct schema_function *function)
{
	struct catalog_column *columns;
	size_t		count = 0;

	if (function->result->kind == KIND_VOID)
		return true;
	for (size_t i = 0; i < function->argument_count; i++)
		count += function->arguments[i].is_output;
	if (count == 0 && function->result->kind == KIND_RECORD)
	{
		route->columns = function->result->fields;
		route->column_count = function->result->field_count;
		return true;
	}
	columns = calloc(count + 1, sizeof *columns);
	if (columns == NULL)
		return false;
	route->columns = route->own_columns = columns;
	if (count == 0)
		columns[route->column_count++] = (struct catalog_column) {function->name, function->result};
	for (size_t i = 0; i < function->argument_count; i++)
		if (function->arguments[i].is_output)
			columns[route->column_count++] = (struct catalog_column) {
				function->arguments[i].name, function->arguments[i].type
			};
	return true;
}

static const struct catalog_column *
find_column(const struct catalog_route *route, const char *name)
{
	for (size_t i = 0; i < route->column_count; i++)
		if (strcmp(route->columns[i].name, name) == 0)
			return &route->columns[i];
	return NULL;
}

/* Each after_x argument needs a column x to be read from; a session needs user_id and role. */
static bool
check_columns(const struct catalog_route *route, char *why, size_t why_size)
{
	for (size_t i = 0; i < route->key_count; i++)
	{
		const char *name = route->params[route->keys[i]].name + strlen("after_");

		if (find_column(route, name) == NULL)
			return refuse(route, why, why_size, "has no result column for its argument after_", name);
	}
	if (route->key_count > 0 && route->limit < 0)
		return refuse(route, why, why_size, "has after_ arguments but no argument ", "limit");
	if (catalog_is_streamed(route) &&
		(route->key_count == 0 || route->params[route->limit].fallback == NULL))
		return refuse(route, why, why_size, "has no after_ arguments, or no default of its argument ", "limit");
	if (route->shape == SHAPE_DOCUMENT && (route->key_count != 2 || find_column(route, "many") == NULL ||
										   find_column(route, "item") == NULL))
		return refuse(route, why, why_size, "has no result columns section, key, many and ", "item");
	if (route->shape == SHAPE_IMAGE && (find_column(route, "content_type") == NULL || find_column(route, "bytes") == NULL))
		return refuse(route, why, why_size, "has no result columns content_type and ", "bytes");
	if (route->shape == SHAPE_PAGE && (route->lane != LANE_READ || find_column(route, "html") == NULL))
		return refuse(route, why, why_size, "is no read, or has no result column ", "html");
	if (route->shape == SHAPE_UPLOAD && (route->lane != LANE_READ || find_column(route, "public_id") == NULL))
		return refuse(route, why, why_size, "is no read, or has no result column ", "public_id");
	if (route->shape == SHAPE_SESSION &&
		(find_column(route, "user_id") == NULL || find_column(route, "role") == NULL))
		return refuse(route, why, why_size, "has no result columns user_id and ", "role");
	return true;
}

/* May the functions be called that enclose the route's own when a request has a key? */
static bool
check_once(const struct catalog_route *route, const struct schema *schema, char *why, size_t why_size)
{
	static const char *const names[] = {"once", "remember"};

	for (size_t i = 0; route->once.sql != NULL && i < sizeof names / sizeof names[0]; i++)
	{
		bool		overloaded;
		const struct schema_function *function = schema_find(schema, names[i], &overloaded);

		if (function == NULL || !function->may_execute)
			return refuse(route, why, why_size, "needs a function that is missing or may not be called, run "
						  "ALTER EXTENSION timetrackr UPDATE and SELECT timetrackr.grant_api(role): ", names[i]);
	}
	return true;
}

static bool
fill_route(struct catalog_route *route, int id, const struct schema *schema,
		   char *why, size_t why_size)
{
	bool		overloaded;
	const struct schema_function *function;

	route->limit = -1;
	route->viewer = -1;
	route->document = -1;
	route->home = -1;
	if (route->builtin != BUILTIN_NONE)
		return fill_segments(route, why, why_size);
	function = schema_find(schema, route->function, &overloaded);
	if (function == NULL)
		return refuse(route, why, why_size, overloaded
					  ? "exists more than once" : "is missing: run ALTER EXTENSION timetrackr UPDATE", "");
	if (!function->may_execute)
		return refuse(route, why, why_size, "may not be called: run SELECT timetrackr.grant_api(role)", "");
	route->description = function->comment;
	route->uses_cloudinary = route->shape == SHAPE_UPLOAD;
	for (size_t i = 0; i < function->argument_count; i++)
		if (!function->arguments[i].is_output &&
			!add_param(route, &function->arguments[i], why, why_size))
			return false;
	if (!fill_segments(route, why, why_size))
		return false;
	if (!fill_columns(route, function))
		return refuse(route, why, why_size, "does not fit into memory", "");
	if (!check_columns(route, why, why_size))
		return false;
	hide_refusal(route);
	route->home = catalog_param_index(route, function->home_argument);
	if (!statement_fill(route, id, function->result->kind == KIND_VOID))
		return refuse(route, why, why_size, "does not fit into memory", "");
	return check_once(route, schema, why, why_size);
}

/* Does GET show at path/{name} what a POST to path makes? */
static bool
is_shown(const struct catalog *catalog, const char *path, const char *name)
{
	size_t		length = strlen(path);
	char		segment[64];

	snprintf(segment, sizeof segment, "/{%s}", name);
	for (size_t i = 0; i < catalog->route_count; i++)
		if (catalog->routes[i].method == METHOD_GET &&
			strncmp(catalog->routes[i].path, path, length) == 0 &&
			strcmp(catalog->routes[i].path + length, segment) == 0)
			return true;
	return false;
}

/* Find out whose answers have a Location. */
static void
fill_locations(struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->route_count; i++)
	{
		struct catalog_route *route = &catalog->routes[i];

		if (route->status == 201 && route->shape == SHAPE_ROW && route->column_count > 0 &&
			strchr(route->path, '{') == NULL && is_shown(catalog, route->path, route->columns[0].name))
			route->location = route->columns[0].name;
	}
}

struct catalog *
catalog_build(const char *url, char *why, size_t why_size)
{
	struct catalog *catalog = calloc(1, sizeof *catalog);
	struct db_blocking *db = db_blocking_open(url, false, START_TIMEOUT, why, why_size);

	if (catalog == NULL || db == NULL)
	{
		db_blocking_close(db);
		free(catalog);
		return NULL;
	}
	catalog->schema = schema_read(db, why, why_size);
	if (catalog->schema != NULL)
		catalog->fields = fields_read(db, why, why_size);
	db_blocking_close(db);
	catalog->routes = malloc(sizeof route_table);
	if (catalog->fields == NULL || catalog->routes == NULL)
	{
		catalog_free(catalog);
		return NULL;
	}
	catalog->version = catalog->schema->version;
	catalog->is_distributed = catalog->schema->is_distributed;
	memcpy(catalog->routes, route_table, sizeof route_table);
	catalog->route_count = ROUTE_COUNT;
	for (size_t i = 0; i < ROUTE_COUNT; i++)
	{
		if (fill_route(&catalog->routes[i], (int) i, catalog->schema, why, why_size))
			continue;
		catalog_free(catalog);
		return NULL;
	}
	fill_locations(catalog);
	return catalog;
}

void
catalog_free(struct catalog *catalog)
{
	if (catalog == NULL)
		return;
	for (size_t i = 0; i < catalog->route_count; i++)
	{
		free((char *) catalog->routes[i].statement.sql);
		free((char *) catalog->routes[i].csv.sql);
		free((char *) catalog->routes[i].once.sql);
		free(catalog->routes[i].own_columns);
	}
	free(catalog->routes);
	fields_free(catalog->fields);
	schema_free(catalog->schema);
	free(catalog);
}

const char *
catalog_method_name(enum catalog_method method)
{
	static const char *const names[METHOD_COUNT] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

	return names[method];
}

bool
catalog_is_paged(const struct catalog_route *route)
{
	return route->key_count > 0 && !catalog_is_streamed(route);
}

bool
catalog_is_streamed(const struct catalog_route *route)
{
	return route->shape == SHAPE_CSV || route->shape == SHAPE_DOCUMENT;
}

bool
catalog_gives_list(const struct catalog_route *route)
{
	return route->shape == SHAPE_LIST || route->shape == SHAPE_EVENTS || route->shape == SHAPE_REPORT;
}

bool
catalog_gives_nothing(const struct catalog_route *route)
{
	return route->shape == SHAPE_NOTHING || route->shape == SHAPE_FORM;
}

bool
catalog_gives_text(const struct catalog_route *route)
{
	return route->shape != SHAPE_IMAGE && !catalog_gives_nothing(route);
}

bool
catalog_is_kept(const struct catalog_route *route)
{
	return route->method == METHOD_GET && !catalog_is_streamed(route) && route->shape != SHAPE_EVENTS &&
		(route->builtin == BUILTIN_NONE || route->builtin == BUILTIN_OPENAPI);
}

int
catalog_param_index(const struct catalog_route *route, const char *name)
{
	for (size_t i = 0; i < route->param_count; i++)
		if (strcmp(route->params[i].name, name) == 0)
			return (int) i;
	return -1;
}

const char *
catalog_value(const struct catalog_route *route, const struct param_values *values,
			  const char *name)
{
	int			index = catalog_param_index(route, name);

	return index >= 0 ? values->value[index] : NULL;
}
