/*
 * throttle.h: how often a password may be guessed. Failures are counted in the
 * database, so for all proxies together, and for emails that have no account
 * just as for those that have one.
 */
#ifndef TT_THROTTLE_H
#define TT_THROTTLE_H

#include "timetrackr.h"

/* Somebody at a place is about to prove that an account is his. */
typedef struct TtAttempt
{
	const char *email;			/* in lower case */
	const char *place;			/* as from tt_place(); NULL: neither bounded nor counted */
	int64		user_id;		/* of the account; 0: there is none */
	bool		familiar;		/* private: the account has been signed in there lately */
} TtAttempt;

/* All of these need tt_spi_begin(). */

/* Seconds until it may be made; 0: now. */
extern int tt_throttle_wait(TtAttempt *attempt);

/*
 * It failed. Counts when the transaction commits: whoever calls this must not
 * raise an error afterwards.
 */
extern void tt_throttle_failed(const TtAttempt *attempt);

/* It succeeded: the place's failures with this account are forgotten. */
extern void tt_throttle_succeeded(const TtAttempt *attempt);

#endif
