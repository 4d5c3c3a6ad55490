/*
 * json_body.c - takes JSON apart (see json_body.h).
 */
#include "json_body.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Deeper JSON is refused before it is parsed; the fields here need two levels. */
#define DEPTH_MAX 32

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
		filling_fault(filling, 400, NULL, "malformed_json", "The JSON is nested too deeply.");
		return NULL;
	}
	json = json_loadb(body, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (json_is_object(json))
		return json;
	if (json != NULL)
		filling_fault(filling, 400, NULL, "not_an_object", "The body must be a JSON object.");
	else if (json_error_code(&error) == json_error_duplicate_key)
		filling_fault(filling, 400, NULL, "duplicate_key", "The body has a key twice.");
	else if (json_error_code(&error) == json_error_numeric_overflow)
		filling_fault(filling, 422, NULL, "out_of_range", "A number in the body is out of range.");
	else if (json_error_code(&error) == json_error_out_of_memory)
		filling->out_of_memory = true;
	else
		filling_fault(filling, 400, NULL, "malformed_json",
					  arena_printf(filling->arena, "The body is not JSON: error at line %d, column %d.",
						   error.line, error.column));
	json_decref(json);
	return NULL;
}

/*
 * The text of a number, for integer types, or a string, for others but boolean;
 * *fits is false for any other JSON. NULL then, and when memory is out.
 */
static const char *
scalar_text(struct filling *filling, enum catalog_kind kind, const json_t *value, bool *fits)
{
	bool		is_number = kind == KIND_INTEGER || kind == KIND_BIGINT;
	const char *text;

	*fits = kind != KIND_ARRAY && kind != KIND_BOOLEAN &&
		(is_number ? json_is_integer(value) : json_is_string(value));
	if (!*fits)
		return NULL;
	text = is_number ? arena_printf(filling->arena, "%" JSON_INTEGER_FORMAT, json_integer_value(value))
		: arena_copy(filling->arena, json_string_value(value), json_string_length(value));
	if (text == NULL)
		filling->out_of_memory = true;
	return text;
}

static void
set_array(struct filling *filling, int index, const json_t *array)
{
	const struct catalog_type *type = filling->route->params[index].type->element;
	struct text literal = {0};
	size_t		position;
	json_t	   *element;

	json_array_foreach((json_t *) array, position, element)
	{
		bool		fits;
		const char *text = scalar_text(filling, type->kind, element, &fits);
		enum value_status status = fits ? VALUE_OK : VALUE_BAD;

		if (text != NULL)
			status = value_check(type, text);
		if (status != VALUE_OK)
			filling_bad_value(filling, &filling->route->params[index], status);
		if (status != VALUE_OK || text == NULL)
		{
			text_free(&literal);
			return;
		}
		filling_add_element(&literal, text);
	}
	filling_set_literal(filling, index, &literal);
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
	bool		fits;
	const char *text;

	if (json_is_null(value))
		return;
	filling->filled[index] = true;
	if (kind == KIND_JSON)
		set_json(filling, index, value);
	else if (kind == KIND_ARRAY && json_is_array(value))
		set_array(filling, index, value);
	else if (kind == KIND_BOOLEAN && json_is_boolean(value))
		filling->values->value[index] = json_is_true(value) ? "true" : "false";
	else
	{
		text = scalar_text(filling, kind, value, &fits);
		if (!fits)
			filling_bad_value(filling, param, VALUE_BAD);
		else if (text != NULL)
			filling_set_text(filling, index, text);
	}
}

void
json_fill_body(struct filling *filling, const char *body, size_t length)
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
			filling_unknown(filling, name);
			continue;
		}
		filling_add_element(&given, name);
		set_field(filling, index, value);
	}
	for (size_t i = 0; i < filling->route->param_count; i++)
		if (filling->route->params[i].source == SOURCE_GIVEN)
			filling_set_literal(filling, (int) i, &given);
	text_free(&given);
	json_decref(object);
}

bool
json_read_strings(const char *json, size_t length, const char **strings, size_t count,
				  struct arena *arena)
{
	json_t	   *array = length > 0 ? json_loadb(json, length, 0, NULL) : NULL;
	bool		good = json_is_array(array) && json_array_size(array) == count;

	for (size_t i = 0; good && i < count; i++)
	{
		const char *string = json_string_value(json_array_get(array, i));

		strings[i] = string != NULL ? arena_copy(arena, string, strlen(string)) : NULL;
		good = strings[i] != NULL;
	}
	json_decref(array);
	return good;
}

bool
json_is_object_text(const char *text)
{
	json_t	   *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	bool		is_object = json_is_object(json);

	json_decref(json);
	return is_object;
}

/* ---- objects that are looked into ---- */

static json_t *
member(const struct json_object *object, const char *name)
{
	return json_object_get((const json_t *) object, name);
}

struct json_object *
json_object_read(const char *json, size_t length)
{
	json_t	   *object = length > 0 && !is_too_deep(json, length)
		? json_loadb(json, length, JSON_REJECT_DUPLICATES, NULL) : NULL;

	if (object != NULL && !json_is_object(object))
	{
		json_decref(object);
		object = NULL;
	}
	return (struct json_object *) object;
}

void
json_object_free(struct json_object *object)
{
	json_decref((json_t *) object);
}

bool
json_object_has(const struct json_object *object, const char *name)
{
	return member(object, name) != NULL;
}

const char *
json_object_string(const struct json_object *object, const char *name)
{
	return json_string_value(member(object, name));
}

bool
json_object_integer(const struct json_object *object, const char *name, int64_t *value)
{
	const json_t *integer = member(object, name);

	*value = json_integer_value(integer);
	return json_is_integer(integer);
}

bool
json_object_is_true(const struct json_object *object, const char *name)
{
	return json_is_true(member(object, name));
}

bool
json_object_names(const struct json_object *object, const char *name, const char *wanted)
{
	const json_t *value = member(object, name);
	const char *string = json_string_value(value);
	bool		found = string != NULL && strcmp(string, wanted) == 0;

	for (size_t i = 0; i < json_array_size(value); i++)
	{
		string = json_string_value(json_array_get(value, i));
		if (string == NULL)
			return false;
		found = found || strcmp(string, wanted) == 0;
	}
	return found;
}

/* ---- what a live client says ---- */

/* {"project_id": 7}: the id; 0 when it is anything else. */
static int64_t
read_project(const json_t *value)
{
	const json_t *id = json_object_get(value, "project_id");

	if (json_object_size(value) != 1 || !json_is_integer(id) || json_integer_value(id) <= 0)
		return 0;
	return json_integer_value(id);
}

/* Take one member; false when it is of another type than it should be. */
static bool
read_member(struct json_live *message, const char *name, const json_t *value, struct arena *arena)
{
	if (strcmp(name, "token") == 0)
	{
		message->token = json_is_string(value)
			? arena_copy(arena, json_string_value(value), json_string_length(value)) : NULL;
		return message->token != NULL;
	}
	if (strcmp(name, "after") == 0)
	{
		message->after = json_is_integer(value) ? json_integer_value(value) : -1;
		return message->after >= 0;
	}
	if (strcmp(name, "subscribe") == 0)
		return (message->follow = read_project(value)) != 0;
	return (message->unfollow = read_project(value)) != 0;
}

/* Take all members of a message. */
static const char *
read_members(struct json_live *message, json_t *object, struct arena *arena, const char **detail)
{
	static const char *const known[] = {"token", "after", "subscribe", "unsubscribe"};
	const char *name;
	json_t	   *value;

	json_object_foreach(object, name, value)
	{
		size_t		i = 0;

		while (i < sizeof known / sizeof known[0] && strcmp(known[i], name) != 0)
			i++;
		*detail = arena_printf(arena, "\"%.64s\" is not %s.", name,
							   i < sizeof known / sizeof known[0] ? "what it has to be" : "known here");
		if (i == sizeof known / sizeof known[0])
			return "unknown_field";
		if (!read_member(message, name, value, arena))
			return "invalid_type";
	}
	*detail = "A message has a token, or one of subscribe and unsubscribe.";
	if ((message->token == NULL && message->after < 0 && message->follow == 0 && message->unfollow == 0) ||
		(message->follow != 0 && message->unfollow != 0) || (message->token != NULL && message->unfollow != 0))
		return "unknown_message";
	return NULL;
}

const char *
json_read_live(const char *json, size_t length, struct json_live *message, struct arena *arena,
			   const char **detail)
{
	const char *code;
	json_t	   *object;

	*message = (struct json_live) {.after = -1};
	*detail = "The message is not JSON, or has a key twice.";
	if (is_too_deep(json, length))
		return "malformed_json";
	object = json_loadb(json, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	if (object == NULL)
		return "malformed_json";
	*detail = "The message must be a JSON object.";
	code = json_is_object(object) ? read_members(message, object, arena, detail) : "not_an_object";
	json_decref(object);
	return code;
}
