/*
 * target.c - splits and decodes a request target, and finds its route.
 *
 * A path is split before it is decoded, so %2F is a slash within a segment.
 */
#include "target.h"

#include <string.h>
#include <strings.h>

#include "text.h"

static int
hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

/* Decode `length` bytes; NULL with the problem set when they are malformed. */
static const char *
decode(const char *raw, size_t length, bool plus_is_space, struct arena *arena,
	   struct problem *problem)
{
	char	   *decoded = arena_take(arena, length + 1);
	char	   *to = decoded;

	if (decoded == NULL)
	{
		problem_set(problem, 503, "out_of_memory", "The server is out of memory.");
		return NULL;
	}
	for (size_t i = 0; i < length; i++)
	{
		int			high;
		int			low;

		if (raw[i] != '%')
		{
			*to++ = raw[i] == '+' && plus_is_space ? ' ' : raw[i];
			continue;
		}
		high = length - i > 2 ? hex_digit(raw[i + 1]) : -1;
		low = length - i > 2 ? hex_digit(raw[i + 2]) : -1;
		if (high < 0 || low < 0 || high + low == 0)
		{
			problem_set(problem, 400, "invalid_parameter",
						"The request target has a bad percent sequence.");
			return NULL;
		}
		*to++ = (char) (high << 4 | low);
		i += 2;
	}
	*to = '\0';
	if (!text_is_utf8(decoded, (size_t) (to - decoded)))
	{
		problem_set(problem, 400, "invalid_parameter", "The request target is not UTF-8.");
		return NULL;
	}
	return decoded;
}

static bool
parse_path(const char *path, size_t length, struct target *target, struct arena *arena,
		   struct problem *problem)
{
	const char *at = path;
	const char *end = path + length;

	while (at < end && *at == '/')
	{
		const char *slash = memchr(at + 1, '/', (size_t) (end - at - 1));
		const char *stop = slash != NULL ? slash : end;

		if (target->segment_count == CATALOG_SEGMENTS_MAX)
		{
			target->segment_count++;
			return true;
		}
		target->segments[target->segment_count] =
			decode(at + 1, (size_t) (stop - at - 1), false, arena, problem);
		if (target->segments[target->segment_count++] == NULL)
			return false;
		at = stop;
	}
	return true;
}

static bool
parse_query(const char *query, struct target *target, struct arena *arena,
			struct problem *problem)
{
	while (*query != '\0')
	{
		size_t		length = strcspn(query, "&");
		const char *equals = memchr(query, '=', length);
		size_t		name_length = equals != NULL ? (size_t) (equals - query) : length;
		struct target_pair *pair = &target->query[target->query_count];

		if (length > 0 && target->query_count == TARGET_QUERY_MAX)
		{
			problem_set(problem, 400, "invalid_parameter", "The query has too many parameters.");
			return false;
		}
		if (length > 0)
		{
			pair->name = decode(query, name_length, true, arena, problem);
			pair->value = pair->name == NULL ? NULL : equals == NULL ? ""
				: decode(equals + 1, length - name_length - 1, true, arena, problem);
			if (pair->value == NULL)
			{
				problem->field = pair->name;	/* NULL when it is the name that is malformed */
				return false;
			}
			target->query_count++;
		}
		query += length + (query[length] == '&');
	}
	return true;
}

/*
 * Step over scheme and authority of a target in absolute form, which every
 * server must take (RFC 9112 3.2.2). One that has no host, or a user, is none: "".
 */
static const char *
skip_authority(const char *raw)
{
	size_t		length;

	if (strncasecmp(raw, "http://", 7) != 0 && strncasecmp(raw, "https://", 8) != 0)
		return raw;
	raw = strchr(raw, ':') + 3;
	length = strcspn(raw, "/?#");
	if (length == 0 || memchr(raw, '@', length) != NULL)
		return "";
	raw += length;
	return *raw == '/' ? raw : *raw == '\0' ? "/" : "";
}

bool
target_parse(const char *raw, struct target *target, struct arena *arena, struct problem *problem)
{
	size_t		path_length;

	raw = skip_authority(raw);
	path_length = strcspn(raw, "?");
	*target = (struct target) {.path = raw, .path_length = path_length};
	/* a fragment is never sent */
	if (*raw != '/' || strchr(raw, '#') != NULL)
	{
		problem_set(problem, 400, "malformed_request", "The request target is not a path.");
		return false;
	}
	return parse_path(raw, path_length, target, arena, problem) &&
		(raw[path_length] != '?' ||
		 parse_query(raw + path_length + 1, target, arena, problem));
}

/* Does the path fit the route? `params` counts the segments that are parameters. */
static bool
fits(const struct catalog_route *route, const struct target *target, int *params)
{
	if (route->segment_count != target->segment_count)
		return false;
	*params = 0;
	for (size_t i = 0; i < route->segment_count; i++)
	{
		const struct catalog_segment *segment = &route->segments[i];

		if (segment->text == NULL)
		{
			(*params)++;
			if (*target->segments[i] == '\0')
				return false;
		}
		/* most differ in their first byte, which saves a call */
		else if (*segment->text != *target->segments[i] ||
				 strncmp(segment->text, target->segments[i], segment->length) != 0 ||
				 target->segments[i][segment->length] != '\0')
			return false;
	}
	return true;
}

const struct catalog_route *
target_match(const struct catalog *catalog, enum catalog_method method,
			 const struct target *target, unsigned *allowed)
{
	const struct catalog_route *best = NULL;
	int			best_params = 0;

	*allowed = 0;
	for (size_t i = 0; i < catalog->route_count; i++)
	{
		const struct catalog_route *route = &catalog->routes[i];
		int			params;

		if (!fits(route, target, &params))
			continue;
		*allowed |= 1u << route->method;
		if (route->method != method || (best != NULL && params >= best_params))
			continue;
		best = route;
		best_params = params;
	}
	return best;
}
