/*
 * openapi_operation.c - what a route asks for and answers (see openapi_operation.h).
 */
#include "openapi_operation.h"

#include <ctype.h>
#include <string.h>

#include "image.h"
#include "openapi_codes.h"
#include "openapi_error.h"
#include "openapi_example.h"
#include "openapi_type.h"

/* ---- parameters ---- */

static void
add_param_schema(struct text *out, const struct catalog *catalog, const struct catalog_route *route,
				 size_t index)
{
	const struct catalog_param *param = &route->params[index];
	const struct openapi_value value = {
		.scope = route->function,
		.name = param->name,
		.type = param->type,
		/* in a body null is as good as nothing */
		.nullable = param->source == SOURCE_BODY && !param->required && !route->takes_image,
		.is_limit = (int) index == route->limit,
		.fallback = param->fallback,
	};

	openapi_add_value(out, catalog, &value);
}

/* Add a reference to a parameter that operations share. */
static void
add_shared(struct text *out, bool *first, const char *name)
{
	text_printf(out, "%s{\"$ref\":\"#/components/parameters/%s\"}", *first ? "" : ",", name);
	*first = false;
}

/* Parameters in path and query, the cursor of a paged list, and headers. */
static void
add_parameters(struct text *out, const struct catalog *catalog, const struct catalog_route *route)
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
		add_param_schema(out, catalog, route, i);
		text_add_char(out, '}');
		first = false;
	}
	if (catalog_is_paged(route))
		add_shared(out, &first, "cursor");
	if (catalog_is_kept(route))
		add_shared(out, &first, "If-None-Match");
	if (route->once.sql != NULL)
		add_shared(out, &first, "Idempotency-Key");
	if (route->takes_notification)
		text_add(out, "{\"name\":\"X-Cld-Signature\",\"in\":\"header\",\"required\":true,\"schema\":"
				 "{\"type\":\"string\",\"maxLength\":64}},{\"name\":\"X-Cld-Timestamp\",\"in\":\"header\","
				 "\"required\":true,\"schema\":{\"type\":\"string\",\"maxLength\":18}}");
	if (route->builtin == BUILTIN_LIVE)
		text_add(out, "{\"name\":\"after\",\"in\":\"query\",\"required\":false,\"schema\":{\"type\":\"integer\","
				 "\"format\":\"int64\",\"minimum\":0,\"maximum\":9223372036854775807}}");
	text_add_char(out, ']');
}

/* ---- request bodies ---- */

static void
add_required(struct text *out, const struct catalog_route *route, bool *some)
{
	*some = false;
	for (size_t i = 0; i < route->param_count; i++)
	{
		/* in place of a picture, JSON has to be whole */
		if (route->params[i].source != SOURCE_BODY || !(route->params[i].required || route->takes_image))
			continue;
		text_add(out, *some ? "," : ",\"required\":[");
		text_add_json(out, route->params[i].name);
		*some = true;
	}
	if (*some)
		text_add_char(out, ']');
}

/* What is looked at of a notification. */
static const char notification_body[] =
	",\"requestBody\":{\"required\":true,\"content\":{\"application/json\":{\"schema\":{\"type\":\"object\",\"properties\":{"
	"\"notification_type\":{\"type\":\"string\",\"maxLength\":100},\"public_id\":{\"type\":\"string\",\"maxLength\":255},"
	"\"version\":{\"type\":\"integer\",\"format\":\"int64\",\"minimum\":1,\"maximum\":9223372036854775807}}},"
	"\"example\":{\"notification_type\":\"upload\",\"public_id\":\"timetrackr/avatars/7\",\"version\":1795378446}}}}";

/* The types that a picture may have. */
static void
add_image_types(struct text *out)
{
	for (size_t i = 0; i < IMAGE_TYPE_COUNT; i++)
		text_printf(out, "%s\"%s\":{\"schema\":{\"contentMediaType\":\"%s\"}}", i > 0 ? "," : "",
					image_types[i], image_types[i]);
}

static void
add_request_body(struct text *out, const struct catalog *catalog, const struct catalog_route *route)
{
	bool		first = true;
	bool		some_required;

	if (route->document >= 0)
	{
		text_add(out, ",\"requestBody\":{\"required\":true,\"content\":{\"text/csv\":{\"schema\":");
		add_param_schema(out, catalog, route, (size_t) route->document);
		openapi_add_csv_example(out, catalog, route);
		text_add(out, "}}}");
	}
	if (route->takes_notification)
		text_add(out, notification_body);
	if (!route->reads_body)
		return;
	text_add(out, ",\"requestBody\":{\"content\":{");
	if (route->takes_image)
	{
		add_image_types(out);
		text_add_char(out, ',');
	}
	text_add(out, "\"application/json\":{\"schema\":"
			 "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
	for (size_t i = 0; i < route->param_count; i++)
	{
		if (route->params[i].source != SOURCE_BODY)
			continue;
		openapi_add_member(out, &first, route->params[i].name);
		add_param_schema(out, catalog, route, i);
	}
	text_add_char(out, '}');
	add_required(out, route, &some_required);
	text_add(out, "},\"example\":");
	openapi_add_body_example(out, catalog, route);
	text_printf(out, "}},\"required\":%s}", some_required ? "true" : "false");
}

/* ---- answers ---- */

/* What the built-ins answer. */
static const char *
builtin_content(enum catalog_builtin builtin)
{
	switch (builtin)
	{
		case BUILTIN_HEALTHZ:
			return "{\"schema\":{\"type\":\"object\",\"required\":[\"status\"],\"properties\":"
				"{\"status\":{\"type\":\"string\",\"const\":\"ok\"}}},\"example\":{\"status\":\"ok\"}}";
		case BUILTIN_READYZ:
			return "{\"schema\":{\"type\":\"object\",\"required\":[\"status\"],\"properties\":"
				"{\"status\":{\"type\":\"string\",\"const\":\"ready\"}}},\"example\":{\"status\":\"ready\"}}";
		default:
			return "{\"schema\":{\"type\":\"object\",\"required\":[\"openapi\",\"info\",\"paths\"]}}";
	}
}

static void
add_json_content(struct text *out, const struct catalog *catalog, const struct catalog_route *route)
{
	bool		is_list = catalog_gives_list(route);

	text_add(out, "\"application/json\":");
	if (route->builtin != BUILTIN_NONE)
	{
		text_add(out, builtin_content(route->builtin));
		return;
	}
	if (route->shape == SHAPE_DOCUMENT)
	{
		text_add(out, "{\"schema\":{\"type\":\"object\"}}");
		return;
	}
	text_add(out, "{\"schema\":");
	if (is_list)
		text_printf(out, "{\"type\":\"array\",\"maxItems\":%u,\"items\":",
					catalog_is_paged(route) || route->shape == SHAPE_EVENTS ? CATALOG_LIMIT_MAX : TEXT_MAX / 2);
	openapi_add_object(out, catalog, route->function, route->columns, route->column_count,
					   route->shape == SHAPE_SESSION);
	text_add(out, is_list ? "},\"example\":" : ",\"example\":");
	openapi_add_answer_example(out, catalog, route);
	text_add_char(out, '}');
}

/* What cloudinary.c writes. */
static void
add_upload_content(struct text *out)
{
	static const char *const fields[][3] = {
		{"upload_url", "\"maxLength\":2000,\"format\":\"uri\"", "https://api.cloudinary.com/v1_1/demo/image/upload"},
		{"api_key", "\"maxLength\":500", "123456789012345"},
		{"allowed_formats", "\"maxLength\":100", "gif,jpg,png,webp"},
		{"invalidate", "\"const\":\"true\"", "true"},
		{"overwrite", "\"const\":\"true\"", "true"},
		{"public_id", "\"maxLength\":200", "timetrackr/avatars/7"},
		{"transformation", "\"maxLength\":100", "c_limit,h_1024,w_1024"},
		{"signature", "\"maxLength\":64", "1d2a7b3c4e5f60718293a4b5c6d7e8f901234567"},
	};
	size_t		count = sizeof fields / sizeof fields[0];

	text_add(out, "\"application/json\":{\"schema\":{\"type\":\"object\",\"properties\":{"
			 "\"timestamp\":{\"type\":\"integer\",\"format\":\"int64\",\"minimum\":0,\"maximum\":9223372036854775807},"
			 "\"notification_url\":{\"type\":\"string\",\"maxLength\":2000,\"format\":\"uri\"}");
	for (size_t i = 0; i < count; i++)
		text_printf(out, ",\"%s\":{\"type\":\"string\",%s}", fields[i][0], fields[i][1]);
	text_add(out, "},\"required\":[\"timestamp\"");
	for (size_t i = 0; i < count; i++)
		text_printf(out, ",\"%s\"", fields[i][0]);
	text_add(out, "]},\"example\":{\"timestamp\":1795378446");
	for (size_t i = 0; i < count; i++)
		text_printf(out, ",\"%s\":\"%s\"", fields[i][0], fields[i][2]);
	text_add(out, "}}");
}

/* A file of any length. */
static void
add_csv_content(struct text *out, const struct catalog *catalog, const struct catalog_route *route)
{
	text_add(out, "\"text/csv\":{\"schema\":{\"contentMediaType\":\"text/csv\"}");
	openapi_add_csv_example(out, catalog, route);
	text_add_char(out, '}');
}

static void
add_content(struct text *out, const struct catalog *catalog, const struct catalog_route *route)
{
	text_add(out, ",\"content\":{");
	if (route->shape == SHAPE_IMAGE)
		add_image_types(out);
	else if (route->shape == SHAPE_PAGE)
		text_add(out, "\"text/html\":{\"schema\":{\"contentMediaType\":\"text/html\"}}");
	else if (route->shape == SHAPE_UPLOAD)
		add_upload_content(out);
	else if (route->shape != SHAPE_CSV)
		add_json_content(out, catalog, route);
	if (route->shape == SHAPE_REPORT)
		text_add_char(out, ',');
	if (route->shape == SHAPE_CSV || route->shape == SHAPE_REPORT)
		add_csv_content(out, catalog, route);
	text_add_char(out, '}');
}

static void
add_responses(struct text *out, const struct catalog *catalog, const struct catalog_route *route,
			  bool is_head)
{
	text_printf(out, ",\"responses\":{\"%d\":{\"description\":\"%s\",", route->status,
				route->status == 101 ? "A WebSocket from here on."
				: catalog_gives_nothing(route) ? "Done." : "The answer.");
	openapi_add_headers(out, route->status, route);
	if (!catalog_gives_nothing(route) && !is_head)
		add_content(out, catalog, route);
	text_add_char(out, '}');
	if (route->shape == SHAPE_MAYBE)
	{
		text_add(out, ",\"204\":{\"description\":\"There is none.\",");
		openapi_add_headers(out, 204, NULL);
		text_add_char(out, '}');
	}
	if (route->shape == SHAPE_FORM)
	{
		text_add(out, ",\"303\":{\"description\":\"Done; to who prefers text/html: back to the page.\",");
		openapi_add_headers(out, 303, NULL);
		text_add_char(out, '}');
	}
	if (catalog_is_kept(route))
	{
		text_add(out, ",\"304\":{\"description\":\"What If-None-Match names is still right.\",");
		openapi_add_headers(out, 304, route);
		text_add_char(out, '}');
	}
	openapi_add_problems(out, catalog, route, is_head);
	text_add_char(out, '}');
}

/* ---- words ---- */

/* Does a sentence speak of what only callers of the SQL function see? */
static bool
is_about_sql(const char *sentence, size_t length)
{
	static const char *const words[] = {
		"Without given", "without given", "given lists", "given names", "viewer_id", "client_address", "refresh_ttl",
		"allow_private", "has_mail",
		"refused", "nulls", "commit the transaction", "SQL", "No row",
	};

	for (size_t i = 0; i < length; i++)
	{
		if (i > 0 && (isalnum((unsigned char) sentence[i - 1]) || sentence[i - 1] == '_'))
			continue;
		if (length - i > 6 && strncmp(sentence + i, "after_", 6) == 0)
			return true;
		for (size_t word = 0; word < sizeof words / sizeof words[0]; word++)
		{
			size_t		end = i + strlen(words[word]);

			if (end <= length && strncmp(sentence + i, words[word], end - i) == 0 &&
				(end == length || !isalnum((unsigned char) sentence[end])))
				return true;
		}
	}
	return false;
}

/* Add part of a comment, without remarks such as "(null: a visitor)" and "(see profile)". */
static void
add_plain(struct text *out, const char *words, size_t length)
{
	const char *end = words + length;

	while (words < end)
	{
		const char *close = memchr(words, ')', (size_t) (end - words));

		if (close != NULL && (strncmp(words, " (null", 6) == 0 || strncmp(words, " (see ", 6) == 0))
			words = close + 1;
		else
			text_add_char(out, *words++);
	}
}

/* Add the first sentence; what it says of SQL is behind its last comma. */
static void
add_first(struct text *out, const char *sentence, size_t length)
{
	size_t		kept = length;

	if (!is_about_sql(sentence, length))
	{
		add_plain(out, sentence, length);
		return;
	}
	while (kept > 0 && sentence[kept - 1] != ',')
		kept--;
	add_plain(out, sentence, kept > 0 ? kept - 1 : length);
	text_add(out, kept > 0 ? ". " : "");
}

/* The comment of a function, without its errors and what concerns SQL alone. */
static void
add_prose(struct text *out, const char *comment)
{
	const char *end = strstr(comment, OPENAPI_ERRORS_MARK);

	end = end != NULL ? end : comment + strlen(comment);
	for (const char *at = comment; at < end;)
	{
		const char *stop = strstr(at, ". ");
		const char *next = stop != NULL && stop < end ? stop + 2 : end;

		if (at == comment)
			add_first(out, at, (size_t) (next - at));
		else if (!is_about_sql(at, (size_t) (next - at)))
			add_plain(out, at, (size_t) (next - at));
		at = next;
	}
	while (out->length > 0 && out->data[out->length - 1] == ' ')
		out->data[--out->length] = '\0';
}

static void
add_words(struct text *out, const struct catalog_route *route, bool is_head)
{
	struct text prose = {0};

	text_add(out, ",\"summary\":");
	if (is_head)
	{
		text_add(out, "\"As GET, without the body\",\"description\":"
				 "\"The status and the headers that GET answers with.\"");
		return;
	}
	add_prose(&prose, route->description);
	text_add_json_bytes(out, prose.length > 0 ? prose.data : "", prose.length > 0 ? strcspn(prose.data, ".:;") : 0);
	text_add(out, ",\"description\":");
	text_add_json_bytes(out, prose.length > 0 ? prose.data : "", prose.length);
	out->failed = out->failed || prose.failed;
	text_free(&prose);
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

void
openapi_add_operation(struct text *out, const struct catalog *catalog,
					  const struct catalog_route *route, bool is_head)
{
	const char *name = is_head ? "HEAD" : catalog_method_name(route->method);
	const char *id = route->function != NULL ? route->function : route->path + 1;

	text_add_char(out, '"');
	for (; *name != '\0'; name++)
		text_add_char(out, (char) tolower((unsigned char) *name));
	text_printf(out, "\":{\"operationId\":\"%s%.*s\"", is_head ? "head_" : "", (int) strcspn(id, "."), id);
	add_tag(out, route->path);
	add_words(out, route, is_head);
	add_security(out, route);
	add_parameters(out, catalog, route);
	add_request_body(out, catalog, route);
	add_responses(out, catalog, route, is_head);
	text_add_char(out, '}');
}
