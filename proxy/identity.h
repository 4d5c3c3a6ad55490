/*
 * identity.h - which of our users stands behind a token of the identity provider, one for each worker.
 *
 * The database knows (timetrackr.external_user(), which makes an account at first sight). What it
 * said is kept as long as the feed tells of changes: profile_changed ends it, for a user who is gone too.
 */
#ifndef TIMETRACKR_IDENTITY_H
#define TIMETRACKR_IDENTITY_H

#include <stdint.h>

#include "feed.h"
#include "lane.h"
#include "problem.h"
#include "token.h"

struct identities;
struct identity_lookup;

/* Somebody who waits for a user. Embedded by him; he sets the first part. */
struct identity_wait
{
	/* Called once, unless he leaves. `user_id` 0: `problem` tells why; it is gone after the call. */
	void		(*done) (void *arg, int64_t user_id, const struct problem *problem);
	void	   *arg;
	struct identity_lookup *lookup; /* private; NULL: he waits for nothing */
};

/* Open a worker's. `issuer` is copied; feed and lane are used. NULL when memory or randomness is out. */
struct identities *identities_open(struct feed *feed, struct lane *lane, const char *issuer);

/* It is told no more: call it before the feed is freed, and identities_close() after the lane was closed. */
void		identities_end(struct identities *identities);
void		identities_close(struct identities *identities);

/* The user of a provider's token, if that is known already; else 0. */
int64_t		identity_known(struct identities *identities, const struct token *token);

/*
 * Ask the database: done() is called, within this call or later. False, without that, when it takes
 * no more. The token's strings are copied.
 */
bool		identity_ask(struct identities *identities, const struct token *token, struct identity_wait *wait);

/* He waits no more: done() will not be called. Harmless when he did not. */
void		identity_leave(struct identity_wait *wait);

/* A user may be gone: ask again the next time. */
void		identity_forget(struct identities *identities, int64_t user_id);

#endif
