/*
 * params.c - checks a request's fields against the route's parameters.
 *
 * All faults of a request are gathered, so that a form can show them at once.
 */
#include "params.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "value.h"

/* Deeper JSON is refused before it is parsed; the fields here need two levels. */
#define DEPTH_MAX 32
#define CURSOR_MAX 1024
#define DESCRIPTION_MAX 256

/* What the steps below share. */
struct filling
{
	const struct catalog_route *route;
	struct param_values *values;
	struct arena *arena;
	struct problem *problem;
	bool		filled[CATALOG_PARAMS_MAX];
	bool		out_of_memory;
};

/* ---- faults ---- */

static void
fault(struct filling *filling, int status, const char *field, const char *code, const char *detail)
{
	char	   *kept_field = field != NULL ? arena_copy(filling->arena, field, strlen(field)) : NULL;

	if (detail == NULL || (field != NULL && kept_field == NULL))
		filling->out_of_memory = true;
	else
		problem_add_fault(filling->problem, status, kept_field, code, detail);
}

static void
unknown_field(struct filling *filling, const char *name)
{
	fault(filling, 422, name, "unknown_field",
		  arena_printf(filling->arena, "There is no field \"%.64s\" here.", name));
}

/* A value does not fit its parameter: bad syntax in a path or query is 400, in a body 422. */
static void
bad_value(struct filling *filling, const struct catalog_param *param, enum value_status status)
{
	char		described[DESCRIPTION_MAX];

	value_describe(param->type, described, sizeof described);
	if (param->source != SOURCE_BODY)
		fault(filling, 400, param->name, "invalid_parameter",
			  arena_printf(filling->arena, "\"%s\" must be %s.", param->name, described));
	else if (status == VALUE_OUT_OF_RANGE)
		fault(filling, 422, param->name, "out_of_range",
			  arena_printf(filling->arena, "\"%s\" is out of range.", param->name));
	else
		fault(filling, 422, param->name, "invalid_type",
			  arena_printf(filling->arena, "\"%s\" must be %s.", param->name, described));
}

/* ---- text values: path, query, cursor, strings of the body ---- */

static void
set_text(struct filling *filling, int index, const char *text)
{
	const struct catalog_param *param = &filling->route->params[index];
	enum value_status status = value_check(param->type, text);

	filling->filled[index] = true;
	if (status != VALUE_OK)
		bad_value(filling, param, status);
	else
		filling->values->value[index] = text;
}

static void
fill_path(struct filling *filling, const struct target *target)
{
	for (size_t i = 0; i < filling->route->segment_count; i++)
		if (filling->route->segments[i].param >= 0)
			set_text(filling, filling->route->segments[i].param, target->segments[i]);
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
		else if (source != SOURCE_GIVEN && source != SOURCE_CURSOR)
			continue;
		filling->filled[i] = true;
	}
}

/* ---- cursor ---- */

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Decode unpadded base64url into `out`; the length, or -1. */
static int
base64url_decode(const char *text, char *out, size_t out_size)
{
	unsigned	bits = 0;
	int			bit_count = 0;
	size_t		length = 0;

	for (; *text != '\0'; text++)
	{
		const char *digit = strchr(base64url, *text);

		if (digit == NULL || length == out_size)
			return -1;
		bits = bits << 6 | (unsigned) (digit - base64url);
		bit_count += 6;
		if (bit_count < 8)
			continue;
		bit_count -= 8;
		out[length++] = (char) (bits >> bit_count & 0xFF);
	}
	return (int) length;
}

char *
params_make_cursor(const char *const *keys, size_t key_count, struct arena *arena)
{
	struct text json = {0};
	char	   *cursor;
	char	   *to;

	for (size_t i = 0; i < key_count; i++)
	{
		text_add_char(&json, i ? ',' : '[');
		text_add_json(&json, keys[i]);
	}
	text_add_char(&json, ']');
	cursor = to = json.failed ? NULL : arena_take(arena, json.length * 4 / 3 + 4);
	for (size_t i = 0; cursor != NULL && i < json.length; i += 3)
	{
		size_t		left = json.length - i;
		unsigned	bits = (unsigned) (unsigned char) json.data[i] << 16;

		bits |= left > 1 ? (unsigned) (unsigned char) json.data[i + 1] << 8 : 0;
		bits |= left > 2 ? (unsigned) (unsigned char) json.data[i + 2] : 0;
		*to++ = base64url[bits >> 18 & 63];
		*to++ = base64url[bits >> 12 & 63];
		if (left > 1)
			*to++ = base64url[bits >> 6 & 63];
		if (left > 2)
			*to++ = base64url[bits & 63];
	}
	if (cursor != NULL)
		*to = '\0';
	text_free(&json);
	return cursor;
}

/* Take the keys out of a cursor; false when it is none of this route's. */
static bool
read_cursor(struct filling *filling, const char *cursor)
{
	const struct catalog_route *route = filling->route;
	char		text[CURSOR_MAX];
	int			length = base64url_decode(cursor, text, sizeof text);
	json_t	   *array = length > 0 ? json_loadb(text, (size_t) length, 0, NULL) : NULL;
	bool		good = json_is_array(array) && json_array_size(array) == route->key_count;

	for (size_t i = 0; good && i < route->key_count; i++)
	{
		const char *key = json_string_value(json_array_get(array, i));

		good = key != NULL && value_check(route->params[route->keys[i]].type, key) == VALUE_OK;
		if (!good)
			break;
		filling->values->value[route->keys[i]] = arena_copy(filling->arena, key, strlen(key));
		if (filling->values->value[route->keys[i]] == NULL)
			filling->out_of_memory = true;
	}
	json_decref(array);
	return good;
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

static void
fill_query(struct filling *filling, const struct target *target)
{
	bool		cursor_seen = false;

	for (size_t i = 0; i < target->query_count; i++)
	{
		const struct target_pair *pair = &target->query[i];
		bool		is_cursor = filling->route->key_count > 0 && strcmp(pair->name, "cursor") == 0;
		int			index = catalog_param_index(filling->route, pair->name);
		bool		known = is_cursor ||
			(index >= 0 && filling->route->params[index].source == SOURCE_QUERY);

		if (!known)
			unknown_field(filling, pair->name);
		else if (is_cursor ? cursor_seen : filling->filled[index])
			fault(filling, 400, pair->name, "invalid_parameter",
				  arena_printf(filling->arena, "\"%s\" is given more than once.", pair->name));
		else if (!is_cursor)
			set_text(filling, index,
					 mend_offset(filling, &filling->route->params[index], pair->value));
		else if (!read_cursor(filling, pair->value))
			fault(filling, 400, "cursor", "invalid_parameter", "\"cursor\" is none of this list.");
		cursor_seen = cursor_seen || is_cursor;
	}
}

/* ---- body ---- */

/* Does any array or object lie deeper than DEPTH_MAX? Strings are stepped over. */
static bool
is_too_deep(const char *json, size_t length)
{
	int			depth = 0;
	bool		in_string = false;

	for (size_t i = 0; i < length; i++)
	{
		if (in_string && json[i] == '\\')
			i++;
		else if (json[i] == '"')
			in_string = !in_string;
		else if (!in_string && (json[i] == '[' || json[i] == '{') && ++depth > DEPTH_MAX)
			return true;
		else if (!in_string && (json[i] == ']' || json[i] == '}'))
			depth--;
	}
	return false;
}

/* Parse the body; NULL with the problem set when it is no JSON object. */
static json_t *
parse_body(struct filling *filling, const char *body, size_t length)
{
	json_error_t error;
	json_t	   *json;

	if (is_too_deep(body, length))
	{
		fault(filling, 400, NULL, "malformed_json", "The JSON is nested too deeply.");
		return NULL;
	}
	json = json_loadb(body, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (json_is_object(json))
		return json;
	if (json != NULL)
		fault(filling, 400, NULL, "not_an_object", "The body must be a JSON object.");
	else if (json_error_code(&error) == json_error_duplicate_key)
		fault(filling, 400, NULL, "duplicate_key", "The body has a key twice.");
	else if (json_error_code(&error) == json_error_numeric_overflow)
		fault(filling, 422, NULL, "out_of_range", "A number in the body is out of range.");
	else if (json_error_code(&error) == json_error_out_of_memory)
		filling->out_of_memory = true;
	else
		fault(filling, 400, NULL, "malformed_json",
			  arena_printf(filling->arena, "The body is not JSON: error at line %d, column %d.",
						   error.line, error.column));
	json_decref(json);
	return NULL;
}

/* Append a string to a text that becomes a PostgreSQL array literal. */
static void
add_element(struct text *literal, const char *string)
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
static void
set_literal(struct filling *filling, int index, struct text *literal)
{
	text_add(literal, literal->length == 0 ? "{}" : "}");
	filling->values->value[index] = literal->failed
		? NULL : arena_copy(filling->arena, literal->data, literal->length);
	if (filling->values->value[index] == NULL)
		filling->out_of_memory = true;
	text_free(literal);
}

static void
set_array(struct filling *filling, int index, const json_t *array)
{
	struct text literal = {0};
	size_t		position;
	json_t	   *element;

	json_array_foreach((json_t *) array, position, element)
	{
		if (!json_is_string(element))
		{
			bad_value(filling, &filling->route->params[index], VALUE_BAD);
			text_free(&literal);
			return;
		}
		add_element(&literal, json_string_value(element));
	}
	set_literal(filling, index, &literal);
}

/* Any JSON value, handed on as its text. */
static void
set_json(struct filling *filling, int index, const json_t *value)
{
	char	   *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

	filling->values->value[index] = text != NULL
		? arena_copy(filling->arena, text, strlen(text)) : NULL;
	if (filling->values->value[index] == NULL)
		filling->out_of_memory = true;
	free(text);
}

/* Put one field of the body into its parameter. A null counts as absent. */
static void
set_field(struct filling *filling, int index, const json_t *value)
{
	const struct catalog_param *param = &filling->route->params[index];
	enum catalog_kind kind = param->type->kind;
	bool		is_number = kind == KIND_INTEGER || kind == KIND_BIGINT;
	const char *text = NULL;

	if (json_is_null(value))
		return;
	filling->filled[index] = true;
	if (kind == KIND_JSON)
		set_json(filling, index, value);
	else if (kind == KIND_ARRAY && json_is_array(value))
		set_array(filling, index, value);
	else if (kind == KIND_BOOLEAN && json_is_boolean(value))
		filling->values->value[index] = json_is_true(value) ? "true" : "false";
	else if (kind != KIND_ARRAY && kind != KIND_BOOLEAN && is_number == json_is_integer(value) &&
			 (is_number || json_is_string(value)))
	{
		text = is_number ? arena_printf(filling->arena, "%" JSON_INTEGER_FORMAT, json_integer_value(value))
			: arena_copy(filling->arena, json_string_value(value), json_string_length(value));
		if (text == NULL)
			filling->out_of_memory = true;
		else
			set_text(filling, index, text);
	}
	else
		bad_value(filling, param, VALUE_BAD);
}

/* Fill in the body's fields, and tell the function which ones were there. */
static void
fill_body(struct filling *filling, const char *body, size_t length)
{
	json_t	   *object = parse_body(filling, body, length);
	struct text given = {0};
	const char *name;
	json_t	   *value;

	if (object == NULL)
		return;
	json_object_foreach(object, name, value)
	{
		int			index = catalog_param_index(filling->route, name);

		if (index < 0 || filling->route->params[index].source != SOURCE_BODY)
		{
			unknown_field(filling, name);
			continue;
		}
		add_element(&given, name);
		set_field(filling, index, value);
	}
	for (size_t i = 0; i < filling->route->param_count; i++)
		if (filling->route->params[i].source == SOURCE_GIVEN)
			set_literal(filling, (int) i, &given);
	text_free(&given);
	json_decref(object);
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
		if (param->required)
			fault(filling, 422, param->name, "missing_field",
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

	if (text == NULL)
		return;
	limit = strtol(text, NULL, 10);
	if (limit < 1 || limit > CATALOG_LIMIT_MAX)
		fault(filling, 422, "limit", "out_of_range", "\"limit\" must be from 1 to 100.");
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
	};

	*values = (struct param_values) {0};
	*problem = (struct problem) {0};
	fill_context(&filling, context);
	fill_path(&filling, target);
	fill_query(&filling, target);
	if (body != NULL)
		fill_body(&filling, body, body_length);
	if (problem->fault_count == 0 || problem->status == 422)
		fill_defaults(&filling);
	apply_limit(&filling);
	if (filling.out_of_memory)
		problem_set(problem, 503, "out_of_memory", "The server is out of memory.");
	return problem->fault_count == 0 && !filling.out_of_memory;
}

bool
params_is_object(const char *text)
{
	json_t	   *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	bool		is_object = json_is_object(json);

	json_decref(json);
	return is_object;
}
