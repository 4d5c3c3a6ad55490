/*
 * params.c - checks a request's fields against the route's parameters.
 *
 * All faults of a request are gathered, so that a form can show them at once.
 */
#include "filling.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64url.h"
#include "json_body.h"
#include "value.h"

#define CURSOR_MAX 1024
#define DESCRIPTION_MAX 256

/* ---- faults ---- */

void
filling_fault(struct filling *filling, int status, const char *field, const char *code, const char *detail)
{
	char	   *kept_field = field != NULL ? arena_copy(filling->arena, field, strlen(field)) : NULL;

	if (detail == NULL || (field != NULL && kept_field == NULL))
		filling->out_of_memory = true;
	else
		problem_add_fault(filling->problem, status, kept_field, code, detail);
}

void
filling_unknown(struct filling *filling, const char *name)
{
	filling_fault(filling, 422, name, "unknown_field",
				  arena_printf(filling->arena, "There is no field \"%.64s\" here.", name));
}

/* A value does not fit its parameter: bad syntax in a path or query is 400, in a body 422. */
void
filling_bad_value(struct filling *filling, const struct catalog_param *param, enum value_status status)
{
	char		described[DESCRIPTION_MAX];

	value_describe(param->type, described, sizeof described);
	if (param->source != SOURCE_BODY)
		filling_fault(filling, 400, param->name, "invalid_parameter",
					  arena_printf(filling->arena, "\"%s\" must be %s.", param->name, described));
	else if (status == VALUE_OUT_OF_RANGE)
		filling_fault(filling, 422, param->name, "out_of_range",
					  arena_printf(filling->arena, "\"%s\" is out of range.", param->name));
	else
		filling_fault(filling, 422, param->name, "invalid_type",
					  arena_printf(filling->arena, "\"%s\" must be %s.", param->name, described));
}

/* ---- text values: path, query, cursor, strings of the body ---- */

void
filling_set_text(struct filling *filling, int index, const char *text)
{
	const struct catalog_param *param = &filling->route->params[index];
	enum value_status status = value_check(param->type, text);

	filling->filled[index] = true;
	if (status != VALUE_OK)
		filling_bad_value(filling, param, status);
	else
		filling->values->value[index] = text;
}

static void
fill_path(struct filling *filling, const struct target *target)
{
	for (size_t i = 0; i < filling->route->segment_count; i++)
		if (filling->route->segments[i].param >= 0)
			filling_set_text(filling, filling->route->segments[i].param, target->segments[i]);
}

static void
fill_context(struct filling *filling, const struct params_context *context)
{
	for (size_t i = 0; i < filling->route->param_count; i++)
	{
		enum catalog_source source = filling->route->params[i].source;

		if (source == SOURCE_VIEWER)
			filling->values->value[i] = context->viewer_id;
		else if (source == SOURCE_REFRESH_TTL)
			filling->values->value[i] = context->refresh_ttl;
		else if (source == SOURCE_ADDRESS)
			filling->values->value[i] = context->client_address;
		else if (source == SOURCE_ALLOW_PRIVATE)
			filling->values->value[i] = context->allow_private ? "true" : "false";
		else if (source == SOURCE_HAS_MAIL)
			filling->values->value[i] = context->has_mail ? "true" : "false";
		else if (source == SOURCE_CLOUD_NAME)
			filling->values->value[i] = context->cloud_name;
		else if (source == SOURCE_IMAGE_TYPE)
			filling->values->value[i] = context->image_type;
		else if (source != SOURCE_GIVEN && source != SOURCE_CURSOR)
			continue;
		filling->filled[i] = true;
	}
}

/* ---- cursor ---- */

char *
params_make_cursor(const char *const *keys, size_t key_count, struct arena *arena)
{
	struct text json = {0};
	char	   *cursor;

	for (size_t i = 0; i < key_count; i++)
	{
		text_add_char(&json, i ? ',' : '[');
		text_add_json(&json, keys[i]);
	}
	text_add_char(&json, ']');
	cursor = json.failed ? NULL : base64url_encode(json.data, json.length, arena);
	text_free(&json);
	return cursor;
}

/* Take the keys out of a cursor; false when it is none of this route's. */
static bool
fill_cursor(struct filling *filling, const char *cursor)
{
	const struct catalog_route *route = filling->route;
	const char *keys[CATALOG_KEYS_MAX];
	char		json[CURSOR_MAX];
	int			length = base64url_decode(cursor, json, sizeof json);

	if (length < 0 || !json_read_strings(json, (size_t) length, keys, route->key_count, filling->arena))
		return false;
	for (size_t i = 0; i < route->key_count; i++)
	{
		if (value_check(route->params[route->keys[i]].type, keys[i]) != VALUE_OK)
			return false;
		filling->values->value[route->keys[i]] = keys[i];
	}
	return true;
}

/* ---- array literals ---- */

/* Append a string to a text that becomes a PostgreSQL array literal. */
void
filling_add_element(struct text *literal, const char *string)
{
	text_add_char(literal, literal->length == 0 ? '{' : ',');
	text_add_char(literal, '"');
	for (; *string != '\0'; string++)
	{
		if (*string == '"' || *string == '\\')
			text_add_char(literal, '\\');
		text_add_char(literal, *string);
	}
	text_add_char(literal, '"');
}

/* Finish an array literal and put it into the values. */
void
filling_set_literal(struct filling *filling, int index, struct text *literal)
{
	text_add(literal, literal->length == 0 ? "{}" : "}");
	filling->values->value[index] = literal->failed
		? NULL : arena_copy(filling->arena, literal->data, literal->length);
	if (filling->values->value[index] == NULL)
		filling->out_of_memory = true;
	text_free(literal);
}

/* ---- query ---- */

/* In a query string an unescaped + is a space: take the offset of a time for what it was. */
static const char *
mend_offset(struct filling *filling, const struct catalog_param *param, const char *text)
{
	size_t		length = strlen(text);
	char	   *mended;

	if (param->type->kind != KIND_TIMESTAMP || length < 6 || text[length - 6] != ' ')
		return text;
	mended = arena_copy(filling->arena, text, length);
	if (mended == NULL)
	{
		filling->out_of_memory = true;
		return text;
	}
	mended[length - 6] = '+';
	return mended;
}

/* A list in the query: its elements are separated by commas, or the name is repeated. */
static void
fill_query_array(struct filling *filling, int index, const struct target *target)
{
	const struct catalog_param *param = &filling->route->params[index];
	struct text literal = {0};

	filling->filled[index] = true;
	for (size_t i = 0; i < target->query_count; i++)
	{
		const char *at = target->query[i].value;
		bool		more = strcmp(target->query[i].name, param->name) == 0 && *at != '\0';

		while (more)
		{
			size_t		length = strcspn(at, ",");
			const char *element = arena_copy(filling->arena, at, length);

			more = at[length] == ',';
			at += length + more;
			if (element == NULL)
				filling->out_of_memory = true;
			else if (value_check(param->type->element, element) == VALUE_OK)
				filling_add_element(&literal, element);
			else
			{
				filling_bad_value(filling, param, VALUE_BAD);
				text_free(&literal);
				return;
			}
		}
	}
	filling_set_literal(filling, index, &literal);
}

static void
fill_query(struct filling *filling, const struct target *target)
{
	bool		cursor_seen = false;

	for (size_t i = 0; i < target->query_count; i++)
	{
		const struct target_pair *pair = &target->query[i];
		bool		is_cursor = catalog_is_paged(filling->route) && strcmp(pair->name, "cursor") == 0;
		int			index = catalog_param_index(filling->route, pair->name);
		bool		known = is_cursor ||
			(index >= 0 && filling->route->params[index].source == SOURCE_QUERY);

		if (!known)
			filling_unknown(filling, pair->name);
		else if (!is_cursor && filling->route->params[index].type->kind == KIND_ARRAY)
		{
			if (!filling->filled[index])
				fill_query_array(filling, index, target);
		}
		else if (is_cursor ? cursor_seen : filling->filled[index])
			filling_fault(filling, 400, pair->name, "invalid_parameter",
						  arena_printf(filling->arena, "\"%s\" is given more than once.", pair->name));
		else if (!is_cursor)
			filling_set_text(filling, index,
					 mend_offset(filling, &filling->route->params[index], pair->value));
		else if (!fill_cursor(filling, pair->value))
			filling_fault(filling, 400, "cursor", "invalid_parameter", "\"cursor\" is none of this list.");
		cursor_seen = cursor_seen || is_cursor;
	}
}

/* ---- documents ---- */

/* The parameter of that source; -1: there is none. */
static int
find_source(const struct catalog_route *route, enum catalog_source source)
{
	for (size_t i = 0; i < route->param_count; i++)
		if (route->params[i].source == source)
			return (int) i;
	return -1;
}

/* The body is the value. It may hold no NUL, which would end it for the database. */
static void
fill_document(struct filling *filling, int index, const char *body, size_t length)
{
	filling->filled[index] = true;
	if (body == NULL)
		filling_fault(filling, 400, NULL, "empty_body", "The body is empty.");
	else if (memchr(body, '\0', length) != NULL || !text_is_utf8(body, length))
		filling_fault(filling, 422, NULL, "invalid_encoding", "The body must be text in UTF-8.");
	else
		filling->values->value[index] = body;
}

/* A picture: the body is the value, whatever is in it. Nothing else comes with it. */
static void
fill_image(struct filling *filling, const char *body, size_t length)
{
	int			index = find_source(filling->route, SOURCE_IMAGE);

	filling->filled[index] = true;
	filling->values->value[index] = body;
	filling->values->image_length = length;
}

/* ---- what was not given ---- */

static void
fill_defaults(struct filling *filling)
{
	for (size_t i = 0; i < filling->route->param_count; i++)
	{
		const struct catalog_param *param = &filling->route->params[i];

		if (filling->filled[i] || filling->values->value[i] != NULL)
			continue;
		/* in place of a picture, JSON has to be whole */
		if (param->required || (filling->needs_all && param->source == SOURCE_BODY))
			filling_fault(filling, 422, param->name, "missing_field",
						  arena_printf(filling->arena, "\"%s\" is missing.", param->name));
		filling->values->value[i] = param->fallback;
	}
}

/* Check the page's size; a paged list is asked for one row more. */
static void
apply_limit(struct filling *filling)
{
	const struct catalog_route *route = filling->route;
	const char *text = route->limit >= 0 ? filling->values->value[route->limit] : NULL;
	long		limit;

	if (text == NULL || route->params[route->limit].source == SOURCE_PAGE)
		return;
	limit = strtol(text, NULL, 10);
	if (limit < 1 || limit > CATALOG_LIMIT_MAX)
		filling_fault(filling, 422, "limit", "out_of_range", "\"limit\" must be from 1 to 100.");
	else if (route->key_count > 0)
	{
		filling->values->value[route->limit] = arena_printf(filling->arena, "%ld", limit + 1);
		if (filling->values->value[route->limit] == NULL)
			filling->out_of_memory = true;
	}
}

bool
params_fill(const struct catalog_route *route, const struct target *target,
			const char *body, size_t body_length,
			const struct params_context *context, struct param_values *values,
			struct arena *arena, struct problem *problem)
{
	struct filling filling = {
		.route = route,
		.values = values,
		.arena = arena,
		.problem = problem,
		.needs_all = route->takes_image && context->image_type == NULL,
	};

	*values = (struct param_values) {0};
	*problem = (struct problem) {0};
	fill_context(&filling, context);
	fill_path(&filling, target);
	fill_query(&filling, target);
	if (route->document >= 0)
		fill_document(&filling, route->document, body, body_length);
	else if (route->takes_notification)
		fill_document(&filling, find_source(route, SOURCE_NOTIFICATION), body, body_length);
	else if (context->image_type != NULL)
		fill_image(&filling, body, body_length);
	else if (body != NULL)
		json_fill_body(&filling, body, body_length);
	if (problem->fault_count == 0 || problem->status == 422)
		fill_defaults(&filling);
	apply_limit(&filling);
	if (filling.out_of_memory)
		problem_set(problem, 503, "out_of_memory", "The server is out of memory.");
	return problem->fault_count == 0 && !filling.out_of_memory;
}
