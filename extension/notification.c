/*
 * notification.c: writing, taking back and marking notifications, and the
 * events that follow. Whom to tell of what is decided where it happens. Each
 * user keeps the newest TT_NOTIFICATIONS_KEPT.
 */
#include "notification.h"

#include "access/htup_details.h"
#include "account.h"
#include "arguments.h"
#include "catalog/pg_type_d.h"
#include "event.h"
#include "executor/executor.h"
#include "lock.h"
#include "row.h"
#include "home.h"
#include "spi.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(tt_read_notifications);

/* A user who is being deleted is told nothing, and that is no error. */
static TtQuery insert_notification = {
	"INSERT INTO timetrackr.notifications (user_id, kind, payload)"
	" SELECT u.id, $2, $3::jsonb FROM timetrackr.users u WHERE u.id = $1 FOR KEY SHARE",
	3, {INT8OID, TEXTOID, TEXTOID}, TT_AT_HOME
};

static TtQuery delete_notifications = {
	"WITH gone AS ("
	"DELETE FROM timetrackr.notifications"
	" WHERE user_id = $1 AND kind = $2 AND payload @> $3::jsonb"
	" RETURNING read_at)"
	" SELECT COALESCE(bool_or(read_at IS NULL), false) FROM gone",
	3, {INT8OID, TEXTOID, TEXTOID}, TT_AT_HOME
};

/* The row as list_notifications() gives it, and whose it is. */
static TtQuery written_notification = {
	"SELECT timetrackr.json(r) FROM ("
	"SELECT n.user_id, n.id AS notification_id, n.kind, p.shown AS payload, n.created_at, n.read_at"
	" FROM timetrackr.notifications n, timetrackr.notification_payload(n.payload) p"
	" WHERE n.user_id = $1 AND n.id = $2) r",
	2, {INT8OID, INT8OID}, TT_AT_HOME
};

/* Another session that writes to this user may be dropping them already. */
static TtQuery drop_oldest = {
	"DELETE FROM timetrackr.notifications n"
	" USING (SELECT o.id FROM timetrackr.notifications o"
	" WHERE o.user_id = $1 AND o.id <= ("
	"SELECT k.id FROM timetrackr.notifications k WHERE k.user_id = $1"
	" ORDER BY k.id DESC OFFSET $2 LIMIT 1)"
	" FOR UPDATE SKIP LOCKED) oldest"
	" WHERE n.user_id = $1 AND n.id = oldest.id",
	2, {INT8OID, INT8OID}, TT_AT_HOME
};

static TtQuery mark_read = {
	"UPDATE timetrackr.notifications SET read_at = now()"
	" WHERE user_id = $1 AND read_at IS NULL AND ($2::bigint[] IS NULL OR id = ANY ($2))",
	2, {INT8OID, INT8ARRAYOID}, TT_AT_HOME
};

/* Who has no account any more has nobody to tell. */
static TtQuery live_user = {
	"SELECT FROM timetrackr.users WHERE id = $1",
	1, {INT8OID}
};

bool
tt_is_news(TimestampTz happened_at)
{
	return happened_at >= GetCurrentTimestamp() - TT_NEWS_DAYS * USECS_PER_DAY;
}

void
tt_notify_user(int64 user_id, const char *kind, const char *payload)
{
	Datum		args[] = {Int64GetDatum(user_id), CStringGetTextDatum(kind), CStringGetTextDatum(payload)};

	/* Of what happens to a small table each node's triggers hear: each tells its own users. */
	if (tt_is_home(user_id))
		(void) tt_query(&insert_notification, args, NULL);
}

bool
tt_unnotify_user(int64 user_id, const char *kind, const char *members)
{
	Datum		args[] = {Int64GetDatum(user_id), CStringGetTextDatum(kind), CStringGetTextDatum(members)};

	(void) tt_query(&delete_notifications, args, NULL);
	return tt_bool(0, 0);
}

void
tt_notification_written(TriggerData *trigger)
{
	TupleDesc	columns = RelationGetDescr(trigger->tg_relation);
	int64		user_id = tt_row_int64(trigger->tg_trigtuple, columns, "user_id");
	int64		id = tt_row_int64(trigger->tg_trigtuple, columns, "id");
	Datum		args[] = {Int64GetDatum(user_id), Int64GetDatum(id)};

	/* One of long ago is a copy of something: no news. */
	if (tt_is_news(tt_row_int64(trigger->tg_trigtuple, columns, "created_at")) &&
		tt_query(&written_notification, args, NULL) == 1)
		tt_event_emit("notification_created", tt_text(0, 0));
	args[1] = Int64GetDatum(TT_NOTIFICATIONS_KEPT);
	(void) tt_query(&drop_oldest, args, NULL);
}

/* The transition tables of a statement, and where to look in their rows. */
typedef struct Transition
{
	TupleTableSlot *old_slot;
	TupleTableSlot *new_slot;
	int			user_id;
	int			read_at;
} Transition;

static bool
next_row(Tuplestorestate *store, TupleTableSlot *slot)
{
	return store != NULL && tuplestore_gettupleslot(store, true, false, slot);
}

static bool
is_unread(TupleTableSlot *slot, const Transition *transition)
{
	return slot_attisnull(slot, transition->read_at);
}

static void
rewind_store(Tuplestorestate *store)
{
	if (store == NULL)
		return;
	tuplestore_select_read_pointer(store, tuplestore_alloc_read_pointer(store, EXEC_FLAG_REWIND));
	tuplestore_rescan(store);
}

/*
 * One event for each run of rows of one user: nearly every statement is about
 * one. An UPDATE puts the old and the new row at the same place of each table.
 */
static void
emit_changed(TriggerData *trigger, const Transition *transition)
{
	int64		told = 0;

	while (next_row(trigger->tg_oldtable, transition->old_slot))
	{
		bool		updated = next_row(trigger->tg_newtable, transition->new_slot);
		bool		isnull;
		int64		user_id = DatumGetInt64(slot_getattr(transition->old_slot, transition->user_id, &isnull));

		if (is_unread(transition->old_slot, transition) ==
			(updated && is_unread(transition->new_slot, transition)) || user_id == told)
			continue;
		told = user_id;
		if (tt_query(&live_user, (Datum[]) {Int64GetDatum(user_id)}, NULL) == 1)
			tt_event_emit("notifications_changed",
						  psprintf("{\"user_id\": " INT64_FORMAT "}", user_id));
	}
}

void
tt_notifications_changed(TriggerData *trigger)
{
	TupleDesc	columns = RelationGetDescr(trigger->tg_relation);
	Transition	transition = {
		.old_slot = MakeSingleTupleTableSlot(columns, &TTSOpsMinimalTuple),
		.new_slot = MakeSingleTupleTableSlot(columns, &TTSOpsMinimalTuple),
		.user_id = tt_row_column(columns, "user_id"),
		.read_at = tt_row_column(columns, "read_at"),
	};

	rewind_store(trigger->tg_oldtable);
	rewind_store(trigger->tg_newtable);
	emit_changed(trigger, &transition);
	ExecDropSingleTupleTableSlot(transition.old_slot);
	ExecDropSingleTupleTableSlot(transition.new_slot);
}

/*
 * read_notifications(viewer_id, ids). The user's lock keeps what takes
 * notifications back, which holds it too, from meeting it half-way.
 */
Datum
tt_read_notifications(PG_FUNCTION_ARGS)
{
	int64		viewer_id = tt_viewer(fcinfo);
	Datum		args[] = {Int64GetDatum(viewer_id), PG_GETARG_DATUM(1)};
	bool		nulls[] = {false, PG_ARGISNULL(1)};

	tt_spi_begin();
	if (tt_user_lock(viewer_id) == NULL)
		tt_no_viewer();
	(void) tt_query(&mark_read, args, nulls);
	tt_spi_end();
	PG_RETURN_VOID();
}
