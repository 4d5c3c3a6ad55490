/*
 * sentry_limit.h - how often reports may go out: a bucket of tokens of our own, and what
 * the server says (429, Retry-After, X-Sentry-Rate-Limits). Times are handed in, in ms. Pure.
 */
#ifndef TIMETRACKR_SENTRY_LIMIT_H
#define TIMETRACKR_SENTRY_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/* So many at once, and one more each so many ms: 30 a minute. */
#define SENTRY_BURST 20
#define SENTRY_TOKEN_INTERVAL 2000

struct sentry_limit
{
	unsigned	used;			/* tokens; a zeroed struct has them all */
	uint64_t	filled;			/* when the bucket was looked at last */
	uint64_t	silent_until;	/* the server wants none until then; 0: it never said so */
};

/* Does the server want none at present? */
bool		sentry_limit_is_silenced(const struct sentry_limit *limit, uint64_t now);

/* Take a token; false: none is left. */
bool		sentry_limit_take(struct sentry_limit *limit, uint64_t now);

/*
 * Note what the server answered: status, Retry-After in s (0: none) and the value of
 * X-Sentry-Rate-Limits (NULL: none).
 */
void		sentry_limit_note(struct sentry_limit *limit, uint64_t now, int status, long retry_after, const char *limits);

#endif
