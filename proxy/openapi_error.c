/*
 * openapi_error.c - errors of operations (see openapi_error.h).
 */
#include "openapi_error.h"

#include <string.h>

#include "openapi_codes.h"
#include "problem.h"

/* What a route is, for the errors that the proxy itself finds. */
enum trait
{
	FUNCTION = 1,				/* not a built-in */
	BODY = 2,					/* takes JSON */
	DOCUMENT = 4,				/* takes a file */
	NEEDS_BODY = 8,
	USER = 16,					/* for those who are signed in */
	WRITES = 32,
	CONTENT = 64,				/* answers with something */
	LIMITED = 128,				/* counts for the rate limit */
	LIVE = 256,
	READY = 512
};

/* Responses shared by operations. Of the rows with a status, the first whose traits a route has holds. */
static const struct
{
	const char *name;
	int			status;
	int			traits;
	const char *meaning;
	const char *codes;
}			shared[] = {
	{"BadDocument", 400, DOCUMENT, "A parameter does not parse, or the body is empty.",
	"empty_body invalid_parameter malformed_request"},
	{"BadBody", 400, BODY, "A parameter does not parse, or the body is no JSON object.",
	"duplicate_key invalid_parameter malformed_json malformed_request not_an_object"},
	{"BadRequest", 400, 0, "A parameter does not parse.", "invalid_parameter malformed_request"},
	{"TokenNeeded", 401, USER, "There is no token, or it is not valid.", "invalid_token missing_token"},
	{"BadToken", 401, 0, "There is a token, and it is not valid.", "invalid_token"},
	{"ForeignOrigin", 403, LIVE, "Pages of this origin may not connect.", "origin_not_allowed"},
	{"NotAcceptable", 406, CONTENT, "Accept takes no type that there is.", "not_acceptable"},
	{"Conflict", 409, WRITES, "In conflict with what is there.", "already_exists reference_broken"},
	{"LengthRequired", 411, NEEDS_BODY, "There is no body.", "length_required"},
	{"TooLarge", 413, BODY, "The body is too long.", "body_too_large"},
	{"TooLarge", 413, DOCUMENT, "The body is too long.", "body_too_large"},
	{"UnsupportedType", 415, BODY, "The body is of another type.", "unsupported_media_type"},
	{"UnsupportedType", 415, DOCUMENT, "The body is of another type.", "unsupported_media_type"},
	{"InvalidDocument", 422, DOCUMENT, "Well-formed, but wrong.",
	"invalid_encoding invalid_type invalid_value missing_field out_of_range unknown_field"},
	{"Invalid", 422, FUNCTION, "Well-formed, but wrong.",
	"invalid_type invalid_value missing_field out_of_range unknown_field"},
	{"UnknownField", 422, LIVE, "There is no such parameter.", "unknown_field"},
	{"UpgradeRequired", 426, LIVE, "This is a WebSocket.", "upgrade_required"},
	{"TooManyRequests", 429, LIMITED, "Wait as many seconds as Retry-After says.", "too_many_requests"},
	{"InternalError", 500, 0, "Something went wrong here.", "internal_error"},
	{"NotReady", 503, READY, "Something does not answer.", "not_ready out_of_memory shutting_down"},
	{"TooManyConnections", 503, LIVE, "There are too many live connections.",
	"out_of_memory shutting_down too_many_connections"},
	{"Unavailable", 503, FUNCTION, "Busy, or without the database: wait as many seconds as Retry-After says.",
	"conflict_with_others database_unavailable out_of_memory overloaded shutting_down"},
	{"OutOfMemory", 503, 0, "Out of memory, or about to end.", "out_of_memory shutting_down"},
	{"Timeout", 504, FUNCTION, "This took too long, and may still happen.", "timeout"},
	{"Timeout", 504, READY, "This took too long, and may still happen.", "timeout"},
};

#define SHARED_COUNT (sizeof shared / sizeof shared[0])

static int
traits_of(const struct catalog_route *route)
{
	bool		is_live = route->builtin == BUILTIN_LIVE;
	int			traits = 0;

	traits |= route->builtin == BUILTIN_NONE ? FUNCTION | LIMITED : 0;
	traits |= is_live ? LIVE | LIMITED : 0;
	traits |= route->builtin == BUILTIN_READYZ ? READY : 0;
	traits |= route->reads_body || route->takes_notification ? BODY : 0;
	traits |= route->document >= 0 ? DOCUMENT | NEEDS_BODY : 0;
	traits |= route->access == ACCESS_USER ? USER : 0;
	traits |= route->lane != LANE_READ && route->builtin == BUILTIN_NONE ? WRITES : 0;
	traits |= route->takes_image || route->takes_notification ? NEEDS_BODY : 0;
	traits |= !catalog_gives_nothing(route) && route->shape != SHAPE_IMAGE && route->shape != SHAPE_PAGE ? CONTENT : 0;
	for (size_t i = 0; i < route->param_count; i++)
		if (route->params[i].source == SOURCE_BODY && route->params[i].required)
			traits |= NEEDS_BODY;
	return traits;
}

/* ---- responses ---- */

static void
add_header(struct text *out, const char *name)
{
	text_printf(out, ",\"%s\":{\"$ref\":\"#/components/headers/%s\"}", name, name);
}

/* Headers that tell of what was done, or found. */
static void
add_success_headers(struct text *out, const struct catalog_route *route)
{
	if (catalog_is_kept(route))
		add_header(out, "ETag");
	if (route->location != NULL)
		add_header(out, "Location");
	if (route->once.sql != NULL)
		add_header(out, "Idempotent-Replay");
	if (catalog_is_paged(route) || route->shape == SHAPE_EVENTS)
		text_printf(out, ",\"Link\":{\"description\":\"%s\",\"schema\":{\"type\":\"string\",\"maxLength\":16384}}",
					route->shape == SHAPE_EVENTS ? "Where to go on, as rel=\\\"next\\\"."
					: "The next page, as rel=\\\"next\\\"; absent on the last one.");
}

void
openapi_add_headers(struct text *out, int status, const struct catalog_route *route)
{
	text_add(out, "\"headers\":{\"X-Request-Id\":{\"$ref\":\"#/components/headers/X-Request-Id\"}");
	add_header(out, "Access-Control-Allow-Origin");
	add_header(out, "Cache-Control");
	add_header(out, "RateLimit");
	add_header(out, "RateLimit-Policy");
	if (status == 401)
		add_header(out, "WWW-Authenticate");
	if (status == 429 || status == 503)
		add_header(out, "Retry-After");
	if (route != NULL)
		add_success_headers(out, route);
	text_add_char(out, '}');
}

/* A problem of this status with one of these codes. */
static void
add_problem(struct text *out, int status, const char *meaning, const struct openapi_codes *codes)
{
	const char *first = NULL;

	text_add(out, "{\"description\":\"");
	if (meaning != NULL)
		text_printf(out, "%s ", meaning);
	for (size_t i = 0; i < codes->count; i++)
	{
		if (codes->list[i].status != status)
			continue;
		text_printf(out, "%s`%s`", first != NULL ? ", " : "Codes: ", codes->list[i].name);
		first = first != NULL ? first : codes->list[i].name;
	}
	text_add(out, ".\",");
	openapi_add_headers(out, status, NULL);
	text_printf(out, ",\"content\":{\"application/problem+json\":{\"schema\":{\"allOf\":["
				"{\"$ref\":\"#/components/schemas/Problem\"},{\"type\":\"object\",\"properties\":{"
				"\"status\":{\"const\":%d},\"code\":{\"enum\":[", status);
	first = NULL;
	for (size_t i = 0; i < codes->count; i++)
	{
		if (codes->list[i].status != status)
			continue;
		text_add(out, first != NULL ? "," : "");
		text_add_json(out, codes->list[i].name);
		first = first != NULL ? first : codes->list[i].name;
	}
	text_printf(out, "]}}}]},\"example\":{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,"
				"\"detail\":\"What is wrong, in words.\",\"code\":\"%s\","
				"\"request_id\":\"9f2c4be05d1a7e3800000001\"}}}}", problem_title(status), status, first);
}

/* The codes of a shared response. */
static void
add_shared_codes(struct openapi_codes *codes, size_t index)
{
	const char *at = shared[index].codes;

	while (*at != '\0')
	{
		size_t		length = strcspn(at, " ");

		openapi_add_code(codes, shared[index].status, at, length);
		at += length + (at[length] == ' ');
	}
}

/* Is there a code of that status which the shared response, if there is one, lacks? */
static bool
has_more(const struct openapi_codes *codes, int status, size_t index)
{
	struct openapi_codes known = {.count = 0};
	size_t		count;

	if (index < SHARED_COUNT)
		add_shared_codes(&known, index);
	count = known.count;
	for (size_t i = 0; i < codes->count; i++)
		if (codes->list[i].status == status)
			openapi_add_code(&known, status, codes->list[i].name, strlen(codes->list[i].name));
	return known.count > count;
}

/* The shared response of that status for a route; SHARED_COUNT: there is none. */
static size_t
find_shared(int status, int traits)
{
	size_t		i = 0;

	while (i < SHARED_COUNT && (shared[i].status != status || (shared[i].traits & traits) != shared[i].traits))
		i++;
	return i;
}

void
openapi_add_problems(struct text *out, const struct catalog *catalog, const struct catalog_route *route,
					 bool is_head)
{
	struct openapi_codes codes;
	int			traits = traits_of(route);

	openapi_find_codes(catalog, route, &codes);
	for (int status = 400; status < 600; status++)
	{
		size_t		index = find_shared(status, traits);
		bool		has_own = has_more(&codes, status, index);

		if (!has_own && index == SHARED_COUNT)
			continue;
		text_printf(out, ",\"%d\":", status);
		if (is_head)
			text_add(out, "{\"$ref\":\"#/components/responses/WithoutBody\"}");
		else if (!has_own)
			text_printf(out, "{\"$ref\":\"#/components/responses/%s\"}", shared[index].name);
		else
		{
			if (index < SHARED_COUNT)
				add_shared_codes(&codes, index);
			add_problem(out, status, index < SHARED_COUNT ? shared[index].meaning : NULL, &codes);
		}
	}
	text_printf(out, ",\"default\":{\"$ref\":\"#/components/responses/%s\"}", is_head ? "WithoutBody" : "Problem");
}

/* Does some operation refer to a shared response? */
static bool
is_used(const struct catalog *catalog, size_t index)
{
	for (size_t i = 0; i < catalog->route_count; i++)
	{
		struct openapi_codes codes;
		size_t		found = find_shared(shared[index].status, traits_of(&catalog->routes[i]));

		openapi_find_codes(catalog, &catalog->routes[i], &codes);
		if (found < SHARED_COUNT && strcmp(shared[found].name, shared[index].name) == 0 &&
			!has_more(&codes, shared[index].status, found))
			return true;
	}
	return false;
}

void
openapi_add_problem_responses(struct text *out, const struct catalog *catalog)
{
	text_add(out, "\"responses\":{\"Problem\":{\"description\":\"What HTTP itself has to say: "
			 "405, 408, 414, 417, 431, 505.\",");
	openapi_add_headers(out, 0, NULL);
	text_add(out, ",\"content\":{\"application/problem+json\":{\"schema\":"
			 "{\"$ref\":\"#/components/schemas/Problem\"}}}},\"WithoutBody\":{\"description\":"
			 "\"As GET, without the body.\",");
	openapi_add_headers(out, 503, NULL);
	text_add_char(out, '}');
	for (size_t i = 0; i < SHARED_COUNT; i++)
	{
		struct openapi_codes codes = {.count = 0};

		/* rows of the same name follow one another */
		if ((i > 0 && strcmp(shared[i].name, shared[i - 1].name) == 0) || !is_used(catalog, i))
			continue;
		add_shared_codes(&codes, i);
		text_printf(out, ",\"%s\":", shared[i].name);
		add_problem(out, shared[i].status, shared[i].meaning, &codes);
	}
	text_add_char(out, '}');
}

void
openapi_add_problem_schema(struct text *out)
{
	text_add(out, "\"Problem\":{\"type\":\"object\",\"description\":\"RFC 9457. Some codes have further members, "
			 "such as entry_id of the entry in the way.\",\"required\":[\"type\",\"title\",\"status\",\"detail\","
			 "\"code\",\"request_id\"],\"properties\":{"
			 "\"type\":{\"type\":\"string\",\"maxLength\":2000},"
			 "\"title\":{\"type\":\"string\",\"maxLength\":100},"
			 "\"status\":{\"type\":\"integer\",\"format\":\"int32\",\"minimum\":400,\"maximum\":599},"
			 "\"detail\":{\"type\":\"string\",\"maxLength\":10000},"
			 "\"code\":{\"type\":\"string\",\"maxLength\":64},"
			 "\"request_id\":{\"type\":\"string\",\"maxLength\":64},"
			 "\"field\":{\"type\":\"string\",\"maxLength\":10000,\"description\":\"The field at fault.\"},"
			 "\"errors\":{\"type\":\"array\",\"maxItems\":64,\"description\":\"All faults.\",\"items\":"
			 "{\"type\":\"object\",\"required\":[\"field\",\"code\",\"detail\"],\"properties\":{"
			 "\"field\":{\"type\":[\"string\",\"null\"],\"maxLength\":10000},"
			 "\"code\":{\"type\":\"string\",\"maxLength\":64},"
			 "\"detail\":{\"type\":\"string\",\"maxLength\":10000}}}}}}");
}
