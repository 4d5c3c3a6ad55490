/*
 * rebuild.c: recomputes what is derived from users' entries, through the same
 * code that keeps it up to date. Its SQL faces are rebuild() and the trigger
 * that follows a TRUNCATE.
 */
#include "timetrackr.h"

#include "badge.h"
#include "commands/trigger.h"
#include "day.h"
#include "event.h"
#include "home.h"
#include "lock.h"
#include "miscadmin.h"
#include "spi.h"
#include "standing.h"
#include "streak.h"
#include "timeline.h"
#include "totals.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(tt_rebuild);
PG_FUNCTION_INFO_V1(tt_rebuild_here);
PG_FUNCTION_INFO_V1(tt_entry_truncated);

/* Users looked up at a time. */
#define REBUILD_USERS 1000

/* Entries read and applied at a time. */
#define REBUILD_PAGE 10000

static TtQuery entry_page = {
	"SELECT id, project_id, start_time, COALESCE(end_time, 'infinity'),"
	" end_time IS NOT NULL AND NOT flagged, timezone"
	" FROM timetrackr.time_entries"
	" WHERE user_id = $1 AND id > $2"
	" ORDER BY id LIMIT $3",
	3, {INT8OID, INT8OID, INT8OID}, TT_AT_HOME
};

/*
 * EXCEPT hashes or sorts. A NOT EXISTS may be planned, before the tables are
 * analyzed, as a loop over all entries for each of their events.
 */
static TtQuery drop_stale_events = {
	"DELETE FROM timetrackr.timeline_events"
	" WHERE user_id = $1 AND entry_id = ANY (ARRAY("
	"SELECT t.entry_id FROM timetrackr.timeline_events t"
	" WHERE t.user_id = $1 AND t.entry_id IS NOT NULL"
	" EXCEPT"
	" SELECT e.id FROM timetrackr.time_entries e"
	" WHERE e.user_id = $1 AND e.end_time IS NOT NULL AND NOT e.flagged))",
	1, {INT8OID}, TT_AT_HOME
};

static TtQuery drop_events_of_gone_projects = {
	"DELETE FROM timetrackr.timeline_events t"
	" WHERE t.user_id = $1 AND t.project_id IS NOT NULL"
	" AND NOT EXISTS (SELECT FROM timetrackr.projects p WHERE p.id = t.project_id)",
	1, {INT8OID}, TT_AT_HOME
};

#define OF_GONE_USERS " d WHERE NOT EXISTS (SELECT FROM timetrackr.users u WHERE u.id = d.user_id)"

static TtQuery drop_gone_users[] = {
	{"DELETE FROM timetrackr.user_totals" OF_GONE_USERS, 0, {0}, TT_AT_EACH_HOME},
	{"DELETE FROM timetrackr.day_totals" OF_GONE_USERS, 0, {0}, TT_AT_EACH_HOME},
	{"DELETE FROM timetrackr.project_totals" OF_GONE_USERS, 0, {0}, TT_AT_EACH_HOME},
	{"DELETE FROM timetrackr.scores" OF_GONE_USERS, 0, {0}, TT_AT_EACH_HOME},
	{"DELETE FROM timetrackr.timeline_events" OF_GONE_USERS, 0, {0}, TT_AT_EACH_HOME},
};

static TtQuery forget_gone_entries = {
	"UPDATE timetrackr.user_badges b SET entry_id = NULL"
	" WHERE b.user_id = $1 AND b.entry_id IS NOT NULL"
	" AND NOT EXISTS (SELECT FROM timetrackr.time_entries e"
	" WHERE e.user_id = $1 AND e.id = b.entry_id)",
	1, {INT8OID}, TT_AT_HOME
};

static TtQuery recount_others = {
	"UPDATE timetrackr.user_totals"
	" SET badges = (SELECT count(*) FROM timetrackr.user_badges b WHERE b.user_id = $1),"
	" projects_created = (SELECT count(*) FROM timetrackr.projects p WHERE p.owner_id = $1),"
	" listed = (SELECT u.listed FROM timetrackr.users u WHERE u.id = $1)"
	" WHERE user_id = $1",
	1, {INT8OID}, TT_AT_HOME
};

/* Read the next page of entries as changes that add them; returns how many. */
static int
read_page(int64 user_id, int64 *after_id, EntryChange *changes)
{
	Datum		args[] = {Int64GetDatum(user_id), Int64GetDatum(*after_id), Int64GetDatum(REBUILD_PAGE)};
	int			rows = (int) tt_query(&entry_page, args, NULL);

	for (int row = 0; row < rows; row++)
	{
		EntryRow   *entry = &changes[row].after;

		changes[row].has_before = false;
		changes[row].has_after = true;
		entry->user_id = user_id;
		entry->id = tt_int64(row, 0);
		entry->project_id = tt_int64(row, 1);
		entry->start_time = tt_int64(row, 2);
		entry->end_time = tt_int64(row, 3);
		entry->counts = tt_bool(row, 4);
		entry->timezone = tt_timezone(tt_text(row, 5));
		*after_id = entry->id;
	}
	return rows;
}

/* Events of entries that count, one each; of others, none. */
static void
rebuild_timeline(int64 user_id, const EntryChange *changes, int nchanges)
{
	const EntryRow **counting = palloc(nchanges * sizeof(EntryRow *));
	int			ncounting = 0;

	for (int i = 0; i < nchanges; i++)
	{
		if (changes[i].after.counts)
			counting[ncounting++] = &changes[i].after;
	}
	tt_timeline_put_entries(user_id, counting, ncounting);
}

static void
rebuild_from_entries(UserTotals *totals)
{
	MemoryContext per_page = AllocSetContextCreate(CurrentMemoryContext, "timetrackr rebuild page",
												   ALLOCSET_DEFAULT_SIZES);
	EntryChange *changes = palloc(REBUILD_PAGE * sizeof(EntryChange));
	MemoryContext outer = MemoryContextSwitchTo(per_page);
	int64		after_id = PG_INT64_MIN;
	int			n;

	while ((n = read_page(totals->user_id, &after_id, changes)) > 0)
	{
		tt_totals_widen(totals, changes, n);
		tt_totals_apply(totals, changes, n);
		rebuild_timeline(totals->user_id, changes, n);
		MemoryContextReset(per_page);
	}
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(per_page);
	pfree(changes);
}

/* Recompute one user's derived rows; does nothing when there is no such user. */
static void
rebuild_user(int64 user_id)
{
	Datum		args[] = {Int64GetDatum(user_id)};
	UserTotals	totals;

	if (tt_user_lock(user_id) == NULL)
		return;
	(void) tt_query(&recount_others, args, NULL);
	(void) tt_query(&drop_stale_events, args, NULL);
	(void) tt_query(&drop_events_of_gone_projects, args, NULL);
	(void) tt_query(&forget_gone_entries, args, NULL);
	tt_totals_load(user_id, &totals);
	tt_totals_clear(&totals);
	rebuild_from_entries(&totals);
	tt_totals_store(&totals);
	tt_streak_tell(&totals, (StreakRun) {0, 0});
	tt_badges_evaluate(user_id, 0);
	tt_event_emit("score_changed", psprintf("{\"user_id\": " INT64_FORMAT "}", user_id));
}

static TtQuery user_page = {
	"SELECT id FROM timetrackr.users WHERE id > $1 ORDER BY id LIMIT $2",
	2, {INT8OID, INT8OID}
};

/* Of all users; on several nodes of those at home here. */
static void
rebuild_all(void)
{
	MemoryContext per_user = AllocSetContextCreate(CurrentMemoryContext, "timetrackr rebuild user",
												   ALLOCSET_DEFAULT_SIZES);
	MemoryContext outer = MemoryContextSwitchTo(per_user);
	int64		ids[REBUILD_USERS];
	int64		last = PG_INT64_MIN;
	uint64		rows;

	for (int i = 0; i < lengthof(drop_gone_users); i++)
		(void) tt_query(&drop_gone_users[i], NULL, NULL);
	do
	{
		Datum		args[] = {Int64GetDatum(last), Int64GetDatum(REBUILD_USERS)};

		rows = tt_query(&user_page, args, NULL);
		for (uint64 row = 0; row < rows; row++)
			ids[row] = tt_int64(row, 0);
		for (uint64 row = 0; row < rows; row++)
		{
			CHECK_FOR_INTERRUPTS();
			if (tt_is_home(ids[row]))
				rebuild_user(ids[row]);
			MemoryContextReset(per_user);
		}
		last = rows > 0 ? ids[rows - 1] : last;
	} while (rows == REBUILD_USERS);
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(per_user);
}

static TtQuery rebuild_nodes = {
	"SELECT timetrackr.rebuild_nodes()",
	0, {0}
};

/* rebuild(user_id) */
Datum
tt_rebuild(PG_FUNCTION_ARGS)
{
	tt_spi_begin();
	tt_standings_lock();
	if (!PG_ARGISNULL(0))
		rebuild_user(PG_GETARG_INT64(0));
	else if (tt_is_distributed())
		(void) tt_query(&rebuild_nodes, NULL, NULL);
	else
		rebuild_all();
	tt_standings_count();
	tt_spi_end();
	PG_RETURN_VOID();
}

/* rebuild_here() */
Datum
tt_rebuild_here(PG_FUNCTION_ARGS)
{
	tt_spi_begin();
	rebuild_all();
	tt_spi_end();
	PG_RETURN_BOOL(true);
}

Datum
tt_entry_truncated(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function can only be called by the trigger that timetrackr.install() creates")));
	tt_refuse_truncate();
	tt_spi_begin();
	tt_standings_lock();
	rebuild_all();
	tt_standings_count();
	tt_spi_end();
	return PointerGetDatum(NULL);
}
