/*
 * lock.c: the per-user lock (see lock.h). The lock is an UPDATE of the user's
 * user_totals row, not SELECT FOR UPDATE: a REPEATABLE READ transaction that
 * waited for it then fails with 40001 instead of working on an old snapshot.
 */
#include "lock.h"

#include "access/xact.h"
#include "spi.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

/* Users locked by this transaction; in TopTransactionContext. */
static HTAB *locked = NULL;

/*
 * A user who was not there, for as long as this transaction runs no other
 * command: the entries of a deleted account go one by one, a million of them
 * perhaps, and each asks for the lock.
 */
static int64 absent_user = 0;
static CommandId absent_since;

/*
 * Rows that the transaction will insert refer to the user, which locks his row
 * of users, too. That one comes first, as in DELETE FROM users: in the other
 * order the two could block each other.
 */
static TtQuery lock_row = {
	"WITH u AS MATERIALIZED (SELECT id, timezone FROM timetrackr.users WHERE id = $1 FOR KEY SHARE)"
	" UPDATE timetrackr.user_totals t"
	" SET revision = t.revision + 1"
	" FROM u"
	" WHERE t.user_id = u.id"
	" RETURNING u.timezone",
	1, {INT8OID}, NULL
};

/* Rows written while the triggers were not attached have no totals yet. */
static TtQuery create_row = {
	"INSERT INTO timetrackr.user_totals (user_id, listed)"
	" SELECT u.id, u.listed FROM timetrackr.users u WHERE u.id = $1"
	" ON CONFLICT DO NOTHING",
	1, {INT8OID}, NULL
};

static void
forget_all(void)
{
	if (locked != NULL)
		hash_destroy(locked);
	locked = NULL;
	absent_user = 0;
}

static void
on_transaction_end(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			/* Its memory goes with TopTransactionContext. */
			locked = NULL;
			absent_user = 0;
			break;
		default:
			break;
	}
}

/* A rolled back subtransaction gave its row locks back. */
static void
on_subtransaction_end(SubXactEvent event, SubTransactionId mine,
					  SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		forget_all();
}

void
tt_lock_init(void)
{
	RegisterXactCallback(on_transaction_end, NULL);
	RegisterSubXactCallback(on_subtransaction_end, NULL);
}

static HTAB *
locked_table(void)
{
	HASHCTL		ctl;

	if (locked == NULL)
	{
		ctl.keysize = sizeof(int64);
		ctl.entrysize = sizeof(UserLock);
		ctl.hcxt = TopTransactionContext;
		locked = hash_create("timetrackr user locks", 64, &ctl,
							 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	return locked;
}

/* Take the row lock and return the user's time zone, or NULL: no such user. */
static char *
lock_and_read(int64 user_id)
{
	Datum		args[] = {Int64GetDatum(user_id)};

	if (tt_query(&lock_row, args, NULL) == 1)
		return tt_text(0, 0);
	(void) tt_query(&create_row, args, NULL);
	if (tt_query(&lock_row, args, NULL) == 1)
		return tt_text(0, 0);
	return NULL;
}

const UserLock *
tt_user_lock(int64 user_id)
{
	UserLock   *lock = hash_search(locked_table(), &user_id, HASH_FIND, NULL);
	char	   *timezone;

	if (lock != NULL)
		return lock;
	if (user_id == absent_user && GetCurrentCommandId(false) == absent_since)
		return NULL;
	timezone = lock_and_read(user_id);
	if (timezone == NULL)
	{
		absent_user = user_id;
		absent_since = GetCurrentCommandId(false);
		return NULL;
	}
	lock = hash_search(locked_table(), &user_id, HASH_ENTER, NULL);
	strlcpy(lock->timezone, timezone, sizeof(lock->timezone));
	return lock;
}

long
tt_users_locked(void)
{
	return locked == NULL ? 0 : hash_get_num_entries(locked);
}

void
tt_user_forget(int64 user_id)
{
	if (locked != NULL)
		(void) hash_search(locked, &user_id, HASH_REMOVE, NULL);
}
