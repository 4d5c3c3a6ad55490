/*
 * sentry_post.h - one report on its way to the server.
 */
#ifndef TIMETRACKR_SENTRY_POST_H
#define TIMETRACKR_SENTRY_POST_H

#include "outbound.h"
#include "sentry_envelope.h"

struct sentry_post
{
	struct text envelope;		/* private; zeroed before the first use */
};

/*
 * Send an event; done(arg) is called with the answer, and the post is to be ended then. False: it could not be
 * sent, and done() will not be called. An answer's `header` is X-Sentry-Rate-Limits.
 */
bool		sentry_post_begin(struct sentry_post *post, struct outbound *outbound, const struct sentry_origin *origin,
							  const struct sentry_event *event, unsigned timeout_ms,
							  void (*done) (void *arg, const struct outbound_answer *answer), void *arg);
void		sentry_post_end(struct sentry_post *post);

/* Fill in who reports. */
void		sentry_origin_find(struct sentry_origin *origin, const struct sentry_dsn *dsn, const char *environment);

#endif
