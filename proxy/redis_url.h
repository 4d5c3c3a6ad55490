/*
 * redis_url.h - REDIS_URL taken apart: where Redis is, and how to log in.
 *
 *   redis://[[user]:password@]host[:port][/database]
 *   unix://[[user]:password@]/path/to/socket[?db=database]      also redis+unix://
 *   redis+sentinel://[[user]:password@]host[:port],…/name[/database][?sentinel_password=…]
 *
 * Every part may be percent-encoded; an IPv6 address stands in [brackets].
 */
#ifndef TIMETRACKR_REDIS_URL_H
#define TIMETRACKR_REDIS_URL_H

#include <stdbool.h>
#include <stddef.h>

/* Most sentinels of a URL. */
#define REDIS_SENTINELS_MAX 16

/* Where a server listens: a name, an IPv4 or IPv6 address, or the path of a socket (begins with /). */
struct redis_address
{
	char	   *host;
	int			port;			/* of no meaning for a path */
};

/*
 * The URL as a struct. host NULL: no Redis. With sentinels, host is the name
 * under which they know the master, and port means nothing.
 */
struct config_redis
{
	char	   *host;
	int			port;
	int			database;
	char	   *user;			/* NULL: none */
	char	   *password;		/* NULL: none */
	struct redis_address *sentinels;
	size_t		sentinel_count;	/* 0: the server itself is named */
	char	   *sentinel_password;	/* NULL: none */
};

/*
 * Fill a zeroed struct from a URL. False with the reason in `why`, which never
 * holds a part of the URL; what was filled in is to be freed all the same.
 */
bool		redis_url_parse(const char *url, struct config_redis *redis, char *why, size_t why_size);

/* Free what it holds, and zero it. Passwords are wiped. */
void		redis_url_free(struct config_redis *redis);

/* Say where Redis is, for a person, without a login: "127.0.0.1, port 6379". */
void		redis_url_describe(const struct config_redis *redis, char *out, size_t out_size);

#endif
