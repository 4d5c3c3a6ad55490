/*
 * sentry_dsn.h - SENTRY_DSN taken apart: where reports go, and with which key.
 *
 *   https://KEY@host[:port][/path]/PROJECT      also http://, and KEY:SECRET of old servers
 */
#ifndef TIMETRACKR_SENTRY_DSN_H
#define TIMETRACKR_SENTRY_DSN_H

#include <stdbool.h>
#include <stddef.h>

/* All NULL: none. */
struct sentry_dsn
{
	char	   *key;			/* may send, and nothing else; not to be shown all the same */
	char	   *url;			/* where envelopes are POSTed; without the key */
};

/*
 * Fill a zeroed struct. False with the reason in `why`, which never holds a part of the
 * value; what was filled in is to be freed all the same.
 */
bool		sentry_dsn_parse(const char *value, struct sentry_dsn *dsn, char *why, size_t why_size);

/* Free what it holds, and zero it. */
void		sentry_dsn_free(struct sentry_dsn *dsn);

#endif
