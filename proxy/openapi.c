/*
 * openapi.c - puts the OpenAPI document together (see openapi.h). Nothing about
 * an endpoint is known here but what its row and its function say.
 */
#include "openapi.h"

#include <string.h>

#include "openapi_error.h"
#include "openapi_operation.h"
#include "openapi_type.h"
#include "text.h"

/* Groups of operations: the first segments of their paths, and what they are about. */
static const struct
{
	const char *name;
	const char *description;
}			tags[] = {
	{"auth", "Signing up, in and out."},
	{"badges", "What there is to earn, and its making."},
	{"events", "What happens to oneself, by a long poll."},
	{"healthz", "Is the proxy alive?"},
	{"leaderboard", "Who is best."},
	{"live", "What happens, over a WebSocket."},
	{"mail", "What ends mails."},
	{"media", "Pictures, and uploading them to Cloudinary."},
	{"notifications", "What one is told."},
	{"openapi.json", "This description."},
	{"projects", "What time is spent on, with whom."},
	{"readyz", "Does all answer that is behind the proxy?"},
	{"reports", "Sums of one's own time."},
	{"time-entries", "Timers, and time entered by hand."},
	{"users", "Oneself, and what others show."},
	{"webhooks", "Addresses of one's own that are told of events."},
};

static const char shared_parameters[] =
	"\"parameters\":{\"cursor\":{\"name\":\"cursor\",\"in\":\"query\",\"required\":false,"
	"\"description\":\"From the Link header of the page before.\","
	"\"schema\":{\"type\":\"string\",\"maxLength\":1366,\"pattern\":\"^[A-Za-z0-9_-]*$\"}},"
	"\"If-None-Match\":{\"name\":\"If-None-Match\",\"in\":\"header\",\"required\":false,"
	"\"description\":\"The ETag of an earlier answer.\","
	"\"schema\":{\"type\":\"string\",\"maxLength\":4096}},"
	"\"Idempotency-Key\":{\"name\":\"Idempotency-Key\",\"in\":\"header\",\"required\":false,"
	"\"description\":\"For 24 hours the same key and body give the first answer again.\","
	"\"schema\":{\"type\":\"string\",\"maxLength\":4096}}}";

static const char shared_headers[] =
	"\"headers\":{"
	"\"Access-Control-Allow-Origin\":{\"description\":\"The origin, if it is one of FRONTEND_URL.\","
	"\"schema\":{\"type\":\"string\",\"maxLength\":4096}},"
	"\"Cache-Control\":{\"description\":\"How it may be kept.\","
	"\"schema\":{\"type\":\"string\",\"maxLength\":200}},"
	"\"ETag\":{\"description\":\"Names the answer, for If-None-Match.\","
	"\"schema\":{\"type\":\"string\",\"maxLength\":100},\"example\":\"W/\\\"0123456789abcdef\\\"\"},"
	"\"Idempotent-Replay\":{\"description\":\"true when this answers a key for the second time.\","
	"\"schema\":{\"type\":\"string\",\"enum\":[\"true\"]}},"
	"\"Location\":{\"description\":\"Where it is.\","
	"\"schema\":{\"type\":\"string\",\"maxLength\":200},\"example\":\"/projects/3\"},"
	"\"RateLimit\":{\"description\":\"How many requests are left (r) for so many seconds (t); absent where nothing "
	"is counted.\",\"schema\":{\"type\":\"string\",\"maxLength\":200},\"example\":\"\\\"user\\\";r=599;t=60\"},"
	"\"RateLimit-Policy\":{\"description\":\"How many requests (q) are allowed in so many seconds (w).\","
	"\"schema\":{\"type\":\"string\",\"maxLength\":200},\"example\":\"\\\"user\\\";q=600;w=60\"},"
	"\"Retry-After\":{\"description\":\"Seconds to wait.\",\"schema\":{\"type\":\"integer\",\"format\":\"int32\","
	"\"minimum\":0,\"maximum\":86400}},"
	"\"WWW-Authenticate\":{\"description\":\"RFC 6750.\",\"schema\":{\"type\":\"string\",\"maxLength\":200},"
	"\"example\":\"Bearer error=\\\"invalid_token\\\"\"},"
	"\"X-Request-Id\":{\"description\":\"The request's, if it had a sane one; else a new one.\","
	"\"schema\":{\"type\":\"string\",\"maxLength\":64,\"pattern\":\"^[A-Za-z0-9._-]+$\"},"
	"\"example\":\"9f2c4be05d1a7e3800000001\"}}";

static const char security_schemes[] =
	"\"securitySchemes\":{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\",\"bearerFormat\":\"JWT\","
	"\"description\":\"The access_token of a session. It follows RFC8725: one algorithm, typed claims, an end.\"}}";

static void
add_info(struct text *out, const struct catalog *catalog)
{
	text_add(out, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"TimeTrackr\",\"version\":");
	text_add_json(out, catalog->version);
	text_add(out, ",\"summary\":\"Gamified time tracking.\","
			 "\"description\":\"Timers, projects, badges, streaks, timelines, leaderboards. Each operation is a SQL "
			 "function of the same name; the viewer is the user whose token is sent. Times are RFC 3339, in UTC when "
			 "they come from here. Errors are problem documents (RFC 9457) with a code. In PATCH a field that is null "
			 "is cleared, one that is absent stays.\","
			 "\"contact\":{\"name\":\"The TimeTrackr authors\"},"
			 "\"license\":{\"name\":\"PostgreSQL License\",\"identifier\":\"PostgreSQL\"}},"
			 "\"servers\":[{\"url\":\"/\",\"description\":\"The one this document comes from: production, test or "
			 "other.\",\"x-internal\":false}]");
}

/* The groups that some route is in; one that is not known above has its name alone. */
static void
add_tags(struct text *out, const struct catalog *catalog)
{
	bool		first = true;

	text_add(out, ",\"tags\":[");
	for (size_t i = 0; i < catalog->route_count; i++)
	{
		const char *name = catalog->routes[i].path + 1;
		size_t		length = strcspn(name, "/");
		bool		is_new = true;

		for (size_t j = 0; is_new && j < i; j++)
			is_new = strncmp(catalog->routes[j].path + 1, name, length) != 0 ||
				strcspn(catalog->routes[j].path + 1, "/") != length;
		if (!is_new)
			continue;
		text_add(out, first ? "{\"name\":" : ",{\"name\":");
		text_add_json_bytes(out, name, length);
		for (size_t j = 0; j < sizeof tags / sizeof tags[0]; j++)
			if (strlen(tags[j].name) == length && strncmp(tags[j].name, name, length) == 0)
				text_printf(out, ",\"description\":\"%s\"", tags[j].description);
		text_add_char(out, '}');
		first = false;
	}
	text_add_char(out, ']');
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
		bool		first_of_path = true;

		if (is_written(catalog, i))
			continue;
		openapi_add_member(out, &first, catalog->routes[i].path);
		text_add_char(out, '{');
		for (size_t j = i; j < catalog->route_count; j++)
		{
			const struct catalog_route *route = &catalog->routes[j];

			if (strcmp(catalog->routes[i].path, route->path) != 0)
				continue;
			text_add(out, first_of_path ? "" : ",");
			openapi_add_operation(out, catalog, route, false);
			first_of_path = false;
			/* a WebSocket has no HEAD */
			if (route->method != METHOD_GET || route->builtin == BUILTIN_LIVE)
				continue;
			text_add_char(out, ',');
			openapi_add_operation(out, catalog, route, true);
		}
		text_add_char(out, '}');
	}
	text_add_char(out, '}');
}

char *
openapi_build(const struct catalog *catalog)
{
	struct text out = {0};

	add_info(&out, catalog);
	add_tags(&out, catalog);
	add_paths(&out, catalog);
	text_add(&out, ",\"components\":{\"schemas\":{");
	openapi_add_problem_schema(&out);
	openapi_add_schemas(&out, catalog);
	text_add(&out, "},");
	openapi_add_problem_responses(&out, catalog);
	text_printf(&out, ",%s,%s,%s}}", shared_parameters, shared_headers, security_schemes);
	return text_take(&out);
}
