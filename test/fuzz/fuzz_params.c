/*
 * fuzz_params.c - a request target (first line) and a body (the rest) → the
 * values of a call, by routes with parameters of every type and source.
 */
#include "fuzz.h"

#include "params.h"
#include "value.h"

#define LABELS {"day", "week", "month"}

static char *labels[] = LABELS;
static const struct catalog_type types[] = {
	[KIND_BOOLEAN] = {KIND_BOOLEAN, "boolean", NULL, 0, NULL, NULL, 0},
	[KIND_INTEGER] = {KIND_INTEGER, "integer", NULL, 0, NULL, NULL, 0},
	[KIND_BIGINT] = {KIND_BIGINT, "bigint", NULL, 0, NULL, NULL, 0},
	[KIND_NUMBER] = {KIND_NUMBER, "numeric", NULL, 0, NULL, NULL, 0},
	[KIND_TEXT] = {KIND_TEXT, "text", NULL, 0, NULL, NULL, 0},
	[KIND_TIMESTAMP] = {KIND_TIMESTAMP, "timestamptz", NULL, 0, NULL, NULL, 0},
	[KIND_DATE] = {KIND_DATE, "date", NULL, 0, NULL, NULL, 0},
	[KIND_ENUM] = {KIND_ENUM, "period", labels, 3, NULL, NULL, 0},
	[KIND_JSON] = {KIND_JSON, "jsonb", NULL, 0, NULL, NULL, 0},
	[KIND_BYTES] = {KIND_BYTES, "bytea", NULL, 0, NULL, NULL, 0},
	[KIND_ARRAY] = {KIND_ARRAY, "text[]", NULL, 0, &types[KIND_TEXT], NULL, 0},
};
static const struct catalog_type ids = {KIND_ARRAY, "bigint[]", NULL, 0, &types[KIND_BIGINT], NULL, 0};

#define PARAM(name, kind, source, required) {name, &types[kind], source, required, NULL, "text"}
#define ALL_KINDS(source) \
	PARAM("yes", KIND_BOOLEAN, source, false), PARAM("small", KIND_INTEGER, source, false), \
	PARAM("large", KIND_BIGINT, source, true), PARAM("number", KIND_NUMBER, source, false), \
	PARAM("text", KIND_TEXT, source, false), PARAM("at", KIND_TIMESTAMP, source, false), \
	PARAM("day", KIND_DATE, source, false), PARAM("period", KIND_ENUM, source, false), \
	PARAM("tags", KIND_ARRAY, source, false), {"ids", &ids, source, false, NULL, "bigint[]"}

static struct catalog_route routes[] = {
	{
		.method = METHOD_GET, .path = "/list/{user_id}/of", .limit = 11, .viewer = -1, .document = -1,
		.params = {ALL_KINDS(SOURCE_QUERY), PARAM("user_id", KIND_BIGINT, SOURCE_PATH, true),
			{"limit", &types[KIND_INTEGER], SOURCE_QUERY, false, "50", "integer"},
			PARAM("after_at", KIND_TIMESTAMP, SOURCE_CURSOR, false), PARAM("after_id", KIND_BIGINT, SOURCE_CURSOR, false)},
		.param_count = 14, .keys = {12, 13}, .key_count = 2,
		.segments = {{"list", 4, -1}, {NULL, 0, 10}, {"of", 2, -1}}, .segment_count = 3,
	},
	{
		.method = METHOD_POST, .path = "/make/{name}", .limit = -1, .viewer = 12, .document = -1, .reads_body = true,
		.params = {ALL_KINDS(SOURCE_BODY), PARAM("name", KIND_TEXT, SOURCE_PATH, true),
			PARAM("json", KIND_JSON, SOURCE_BODY, false), PARAM("viewer_id", KIND_BIGINT, SOURCE_VIEWER, true),
			{"given", &types[KIND_ARRAY], SOURCE_GIVEN, false, NULL, "text[]"}},
		.param_count = 14,
		.segments = {{"make", 4, -1}, {NULL, 0, 10}}, .segment_count = 2,
	},
	{
		.method = METHOD_PUT, .path = "/file", .limit = -1, .viewer = -1, .document = 1,
		.params = {PARAM("yes", KIND_BOOLEAN, SOURCE_QUERY, false), PARAM("csv", KIND_TEXT, SOURCE_DOCUMENT, true)},
		.param_count = 2, .segments = {{"file", 4, -1}}, .segment_count = 1,
	},
	{
		.method = METHOD_PUT, .path = "/image", .limit = -1, .viewer = -1, .document = -1, .reads_body = true, .takes_image = true,
		.params = {PARAM("image", KIND_BYTES, SOURCE_IMAGE, false), PARAM("content_type", KIND_TEXT, SOURCE_IMAGE_TYPE, false),
			PARAM("public_id", KIND_TEXT, SOURCE_BODY, false), PARAM("version", KIND_BIGINT, SOURCE_BODY, false),
			PARAM("cloud_name", KIND_TEXT, SOURCE_CLOUD_NAME, false)},
		.param_count = 5, .segments = {{"image", 5, -1}}, .segment_count = 1,
	},
	{
		.method = METHOD_POST, .path = "/notification", .limit = -1, .viewer = -1, .document = -1, .takes_notification = true,
		.params = {PARAM("notification", KIND_JSON, SOURCE_NOTIFICATION, true)},
		.param_count = 1, .segments = {{"notification", 12, -1}}, .segment_count = 1,
	},
};
static const struct catalog catalog = {.routes = routes, .route_count = 5};

/* What passed must be a value of its type, as PostgreSQL will be given it. */
static void
check_values(const struct catalog_route *route, const struct param_values *values)
{
	for (size_t i = 0; i < route->param_count; i++)
	{
		const struct catalog_param *param = &route->params[i];
		const char *value = values->value[i];

		CLAIM(value != NULL || !param->required);
		if (value == NULL)
			continue;
		/* exactly as many bytes as the body has; which JSON is taken instead is whole */
		if (param->source == SOURCE_IMAGE)
			CLAIM(values->image_length > 0);
		else if (param->source == SOURCE_BODY && route->takes_image)
			CLAIM(values->value[0] == NULL && values->value[2] != NULL && values->value[3] != NULL);
		if (param->type->kind == KIND_BYTES)
			continue;
		if (param->type->kind == KIND_ARRAY)
			CLAIM(value[0] == '{' && value[strlen(value) - 1] == '}');
		else if (param->type->kind != KIND_JSON)
			CLAIM(value_check(param->type, value) == VALUE_OK);
	}
}

static void
fill(const struct catalog_route *route, const struct target *target, const char *body, size_t length,
	 struct arena *arena)
{
	/* a body that begins like JSON is said to be that */
	const struct params_context context = {
		.viewer_id = "7", .refresh_ttl = "60", .cloud_name = "cloud",
		.image_type = route->takes_image && body != NULL && *body != '{' ? "image/png" : NULL,
	};
	struct param_values values;
	struct problem problem;
	struct text text = {0};

	if (params_fill(route, target, body, length, &context, &values, arena, &problem))
	{
		check_values(route, &values);
		return;
	}
	CLAIM(problem.status >= 400 && problem.code != NULL && problem.detail != NULL);
	problem_write(&text, &problem, "id");
	CLAIM(!text.failed);
	text_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = {0};
	struct target target;
	struct problem problem;
	char	   *raw = fuzz_string(&data, &size, '\n');
	struct text body = {0};
	unsigned	allowed;

	/* a body is kept in a text, which ends it with a NUL */
	text_add_bytes(&body, size > 0 ? (const char *) data : "", size);
	if (target_parse(raw, &target, &arena, &problem))
		for (int method = 0; method < METHOD_COUNT; method++)
		{
			const struct catalog_route *route = target_match(&catalog, method, &target, &allowed);

			if (route != NULL)
				fill(route, &target, method == METHOD_GET || size == 0 ? NULL : body.data, size, &arena);
		}
	text_free(&body);
	free(raw);
	arena_free(&arena);
	return 0;
}
