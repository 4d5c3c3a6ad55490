/*
 * redis_url.c - REDIS_URL taken apart, from left to right.
 *
 * The login ends at the last @, so that a password somebody forgot to encode
 * is understood too. Nothing here connects.
 */
#include "redis_url.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REDIS_PORT 6379
#define SENTINEL_PORT 26379
#define NUMBER_MOST 65535
/* Longest path of a socket (sun_path holds a NUL too); a longer one would be cut off. */
#define PATH_MOST 107

enum scheme
{
	SCHEME_TCP,
	SCHEME_SOCKET,
	SCHEME_SENTINEL
};

static const struct
{
	const char *prefix;
	enum scheme scheme;
}			schemes[] = {
	{"redis://", SCHEME_TCP},
	{"unix://", SCHEME_SOCKET},
	{"redis+unix://", SCHEME_SOCKET},
	{"redis+sentinel://", SCHEME_SENTINEL},
};

/* A piece of the URL. */
struct span
{
	const char *text;
	size_t		length;
};

static bool
refuse(char *why, size_t why_size, const char *reason)
{
	snprintf(why, why_size, "%s", reason);
	return false;
}

/* Cut off and return what stands before the first of `ends`; the rest begins with that byte. */
static struct span
cut(struct span *rest, const char *ends)
{
	struct span head = {rest->text, 0};

	while (head.length < rest->length && strchr(ends, rest->text[head.length]) == NULL)
		head.length++;
	rest->text += head.length;
	rest->length -= head.length;
	return head;
}

/* Does it begin with this byte? Then take it off. */
static bool
skip(struct span *rest, char byte)
{
	if (rest->length == 0 || rest->text[0] != byte)
		return false;
	rest->text++;
	rest->length--;
	return true;
}

static int
hex_digit(char byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	if (byte >= 'a' && byte <= 'f')
		return byte - 'a' + 10;
	return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1;
}

/* Copy a piece, percent-decoded, into *place. */
static bool
keep(char **place, struct span span, char *why, size_t why_size)
{
	char	   *copy = malloc(span.length + 1);
	size_t		length = 0;

	free(*place);
	*place = copy;
	if (copy == NULL)
		return refuse(why, why_size, "out of memory");
	for (size_t i = 0; i < span.length; i++)
	{
		int			byte = (unsigned char) span.text[i];

		if (byte == '%')
		{
			int			high = i + 2 < span.length ? hex_digit(span.text[i + 1]) : -1;
			int			low = high >= 0 ? hex_digit(span.text[i + 2]) : -1;

			byte = low >= 0 ? high * 16 + low : 0;
			i += 2;
		}
		if (byte == 0)
		{
			copy[0] = '\0';
			return refuse(why, why_size, "has a bad percent sequence");
		}
		copy[length++] = (char) byte;
	}
	copy[length] = '\0';
	return true;
}

/* A whole decimal number up to 65535, or -1. */
static int
read_number(struct span span)
{
	int			number = 0;

	if (span.length == 0 || span.length > 5)
		return -1;
	for (size_t i = 0; i < span.length; i++)
	{
		if (span.text[i] < '0' || span.text[i] > '9')
			return -1;
		number = number * 10 + span.text[i] - '0';
	}
	return number <= NUMBER_MOST ? number : -1;
}

/* [user]:password */
static bool
keep_login(struct config_redis *redis, struct span login, char *why, size_t why_size)
{
	struct span user = cut(&login, ":");

	if (!skip(&login, ':'))
		return refuse(why, why_size, "has a user but no password; a password alone is written :password@");
	if (user.length > 0 && !keep(&redis->user, user, why, why_size))
		return false;
	return login.length == 0 || keep(&redis->password, login, why, why_size);
}

/* host, host:port, [address] or [address]:port */
static bool
keep_address(struct redis_address *address, struct span span, int port, char *why, size_t why_size)
{
	bool		bracket = skip(&span, '[');
	struct span host = cut(&span, bracket ? "]" : ":");

	if (host.length == 0 || (bracket && !skip(&span, ']')))
		return refuse(why, why_size, "names no host");
	address->port = port;
	if (skip(&span, ':'))
		address->port = read_number(span);
	else if (span.length > 0)
		return refuse(why, why_size, "has something between host and port");
	if (address->port < 1)
		return refuse(why, why_size, "has a bad port");
	return keep(&address->host, host, why, why_size);
}

/* host[:port],host[:port] */
static bool
keep_sentinels(struct config_redis *redis, struct span list, char *why, size_t why_size)
{
	redis->sentinels = calloc(REDIS_SENTINELS_MAX, sizeof *redis->sentinels);
	if (redis->sentinels == NULL)
		return refuse(why, why_size, "out of memory");
	do
	{
		struct span one = cut(&list, ",");

		if (redis->sentinel_count == REDIS_SENTINELS_MAX)
			return refuse(why, why_size, "names too many sentinels");
		redis->sentinel_count++;
		if (!keep_address(&redis->sentinels[redis->sentinel_count - 1], one, SENTINEL_PORT, why, why_size))
			return false;
	} while (skip(&list, ','));
	return true;
}

static bool
keep_database(struct config_redis *redis, struct span span, char *why, size_t why_size)
{
	redis->database = read_number(span);
	return redis->database >= 0 || refuse(why, why_size, "has a bad database number");
}

/* name=value&name=value */
static bool
keep_options(struct config_redis *redis, struct span options, char *why, size_t why_size)
{
	do
	{
		struct span value = cut(&options, "&");
		struct span name = cut(&value, "=");
		bool		good;

		(void) skip(&value, '=');
		if (name.length == 2 && memcmp(name.text, "db", 2) == 0)
			good = keep_database(redis, value, why, why_size);
		else if (name.length == 17 && memcmp(name.text, "sentinel_password", 17) == 0 &&
				 redis->sentinel_count > 0)
			good = keep(&redis->sentinel_password, value, why, why_size);
		else
			good = refuse(why, why_size, "has an option that is not known here");
		if (!good)
			return false;
	} while (skip(&options, '&'));
	return true;
}

/* What follows the login: place, then perhaps /database, then perhaps ?options. */
static bool
keep_place(struct config_redis *redis, enum scheme scheme, struct span rest, char *why, size_t why_size)
{
	if (scheme == SCHEME_SOCKET)
	{
		if (rest.length == 0 || rest.text[0] != '/')
			return refuse(why, why_size, "must name the path of a socket, as in unix:///run/redis/redis.sock");
		if (!keep(&redis->host, cut(&rest, "?"), why, why_size))
			return false;
		if (strlen(redis->host) > PATH_MOST)
			return refuse(why, why_size, "names a socket by too long a path");
	}
	else if (scheme == SCHEME_SENTINEL)
	{
		struct span name;

		if (!keep_sentinels(redis, cut(&rest, "/?"), why, why_size))
			return false;
		name = skip(&rest, '/') ? cut(&rest, "/?") : (struct span) {0};
		if (name.length == 0)
			return refuse(why, why_size, "must name the master, as in redis+sentinel://host:26379/mymaster");
		if (!keep(&redis->host, name, why, why_size))
			return false;
	}
	else
	{
		struct redis_address address = {0};

		if (memchr(rest.text, ',', rest.length) != NULL)
			return refuse(why, why_size, "names several hosts: only redis+sentinel:// does");
		if (!keep_address(&address, cut(&rest, "/?"), REDIS_PORT, why, why_size))
		{
			free(address.host);
			return false;
		}
		redis->host = address.host;
		redis->port = address.port;
	}
	if (skip(&rest, '/') && rest.length > 0 && rest.text[0] != '?' &&
		!keep_database(redis, cut(&rest, "?"), why, why_size))
		return false;
	return !skip(&rest, '?') || keep_options(redis, rest, why, why_size);
}

bool
redis_url_parse(const char *url, struct config_redis *redis, char *why, size_t why_size)
{
	if (strncmp(url, "rediss://", 9) == 0)
		return refuse(why, why_size, "rediss:// needs TLS, which this build's hiredis does not have: "
					  "use redis:// through a tunnel, or a unix socket");
	for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
	{
		size_t		prefix = strlen(schemes[i].prefix);
		struct span rest = {url + prefix, 0};
		const char *at;

		if (strncmp(url, schemes[i].prefix, prefix) != 0)
			continue;
		at = rest.text[0] == '/' ? NULL : strrchr(rest.text, '@');
		if (at != NULL &&
			!keep_login(redis, (struct span) {rest.text, (size_t) (at - rest.text)}, why, why_size))
			return false;
		rest.text = at != NULL ? at + 1 : rest.text;
		rest.length = strlen(rest.text);
		return keep_place(redis, schemes[i].scheme, rest, why, why_size);
	}
	return refuse(why, why_size, "must start with redis://, unix:// or redis+sentinel://");
}

/* Free a string that may hold a secret. */
static void
wipe(char *secret)
{
	if (secret != NULL)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

void
redis_url_free(struct config_redis *redis)
{
	free(redis->host);
	free(redis->user);
	wipe(redis->password);
	wipe(redis->sentinel_password);
	for (size_t i = 0; i < redis->sentinel_count; i++)
		free(redis->sentinels[i].host);
	free(redis->sentinels);
	*redis = (struct config_redis) {0};
}

void
redis_url_describe(const struct config_redis *redis, char *out, size_t out_size)
{
	if (redis->sentinel_count > 0)
		snprintf(out, out_size, "%s, by its sentinels", redis->host);
	else if (redis->host[0] == '/')
		snprintf(out, out_size, "%s", redis->host);
	else
		snprintf(out, out_size, "%s, port %d", redis->host, redis->port);
}
