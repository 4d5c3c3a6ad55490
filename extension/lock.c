/*
 * lock.c: the per-user lock (see lock.h). The lock is a change of the user's
 * user_totals row, not a mere row lock: a REPEATABLE READ transaction that
 * waited for it then fails with 40001 instead of working on an old snapshot.
 */
#include "lock.h"

#include "access/xact.h"
#include "home.h"
#include "spi.h"
#include "table.h"
#include "utils/builtins.h"
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

static TtTable users = {
	"users", NULL, 1, 3,
	{{"id", INT8OID}, {"timezone", TEXTOID}, {"created_at", TIMESTAMPTZOID}}
};

static TtTable user_totals = {
	"user_totals", NULL, 1, 2,
	{{"user_id", INT8OID}, {"revision", INT8OID}}
};

/* Rows written while the triggers were not attached have no totals yet. */
static TtQuery create_row = {
	"INSERT INTO timetrackr.user_totals (user_id, listed)"
	" SELECT u.id, u.listed FROM timetrackr.users u WHERE u.id = $1"
	" ON CONFLICT DO NOTHING",
	1, {INT8OID}, TT_AT_HOME
};

/* From elsewhere: the same as lock_totals(). */
static TtQuery lock_remote_totals = {
	"UPDATE timetrackr.user_totals SET revision = revision + 1 WHERE user_id = $1",
	1, {INT8OID}
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

/*
 * Rows that the transaction will insert refer to the user, which locks his row
 * of users, too. That one comes first, as in DELETE FROM users: in the other
 * order the two could block each other.
 */
static bool
lock_user(int64 user_id, UserLock *lock)
{
	TtRows	   *rows = tt_rows_open(&users, TT_NOBODY);
	Datum		key = Int64GetDatum(user_id);
	bool		found = tt_rows_find(rows, &key) && tt_rows_lock(rows, LockTupleKeyShare);

	if (found)
	{
		bool		isnull;
		Datum		timezone = tt_rows_datum(rows, 1, &isnull);

		lock->user_id = user_id;
		lock->none_runs = false;
		text_to_cstring_buffer(DatumGetTextPP(timezone), lock->timezone, sizeof(lock->timezone));
		lock->joined_at = tt_rows_int64(rows, 2);
	}
	tt_rows_close(rows);
	return found;
}

static bool
lock_totals(int64 user_id)
{
	TtRows	   *rows = tt_rows_open(&user_totals, user_id);
	Datum		key = Int64GetDatum(user_id);
	bool		found = tt_rows_find(rows, &key) && tt_rows_lock(rows, LockTupleNoKeyExclusive);

	if (found)
	{
		tt_rows_change(rows);
		tt_rows_set(rows, 1, Int64GetDatum(tt_rows_int64(rows, 1) + 1));
		tt_rows_update(rows);
	}
	tt_rows_close(rows);
	return found;
}

static bool
lock_totals_elsewhere(int64 user_id)
{
	return tt_query(&lock_remote_totals, (Datum[]) {Int64GetDatum(user_id)}, NULL) == 1;
}

/* Take both locks; false: no such user. */
static bool
lock_and_read(int64 user_id, UserLock *lock)
{
	Datum		args[] = {Int64GetDatum(user_id)};
	bool		(*take_lock) (int64 user_id) = lock_totals;

	if (!lock_user(user_id, lock))
		return false;
	if (tt_is_distributed() && tt_home_hold(user_id) == TT_NO_HOME)
		take_lock = lock_totals_elsewhere;
	if (take_lock(user_id))
		return true;
	(void) tt_query(&create_row, args, NULL);
	return take_lock(user_id);
}

UserLock *
tt_user_lock(int64 user_id)
{
	UserLock   *lock = hash_search(locked_table(), &user_id, HASH_FIND, NULL);
	UserLock	taken;

	if (lock != NULL)
		return lock;
	if (user_id == absent_user && GetCurrentCommandId(false) == absent_since)
		return NULL;
	if (!lock_and_read(user_id, &taken))
	{
		absent_user = user_id;
		absent_since = GetCurrentCommandId(false);
		return NULL;
	}
	/* A trigger of user_totals may have taken it, too: the table is looked up again. */
	lock = hash_search(locked_table(), &user_id, HASH_ENTER, NULL);
	*lock = taken;
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
