/*
 * lock.h: the per-user lock. Whoever changes anything that a user's derived
 * rows depend on holds it first; nothing else is contended.
 */
#ifndef TT_LOCK_H
#define TT_LOCK_H

#include "timetrackr.h"

typedef struct UserLock
{
	int64		user_id;		/* hash key */
	char		timezone[64];	/* the user's time zone when locked */
	TimestampTz joined_at;
	bool		none_runs;		/* somebody has just seen that no entry of his runs */
} UserLock;

/*
 * Lock user_id to the end of the transaction, once. Returns NULL when there is
 * no such user (it may be being deleted); else an entry that stays valid until
 * the (sub)transaction ends. Needs tt_spi_begin().
 */
extern UserLock *tt_user_lock(int64 user_id);

/* The user's row changed: read it again at the next tt_user_lock(). */
extern void tt_user_forget(int64 user_id);

/* How many users this transaction has locked. */
extern long tt_users_locked(void);

/* Forget every lock when a (sub)transaction ends. Called once at load. */
extern void tt_lock_init(void);

#endif
