/*
 * user_totals.c: reading, writing and clearing the user_totals row, whose
 * arithmetic is in totals.c.
 */
#include "totals.h"

#include "row.h"
#include "spi.h"
#include "timeline.h"
#include "utils/rel.h"

static TtQuery load = {
	"SELECT " TT_TOTALS_COLUMNS " FROM timetrackr.user_totals t WHERE t.user_id = $1",
	1, {INT8OID}, NULL
};

static TtQuery store = {
	"UPDATE timetrackr.user_totals"
	" SET seconds = $2, entries = $3, active_days = $4, longest_entry = $5, best_day = $6,"
	" best_week = $7, streak_start = $8, streak_end = $9, longest_streak = $10,"
	" widest_entry = $11"
	" WHERE user_id = $1",
	11, {INT8OID, INT8OID, INT8OID, INT4OID, INT8OID, INT8OID, INT8OID, DATEOID, DATEOID,
	INT4OID, INT8OID}, NULL
};

static TtQuery clear[] = {
	{"DELETE FROM timetrackr.day_totals WHERE user_id = $1", 1, {INT8OID}, NULL},
	{"DELETE FROM timetrackr.project_totals WHERE user_id = $1", 1, {INT8OID}, NULL},
	{"DELETE FROM timetrackr.scores WHERE user_id = $1", 1, {INT8OID}, NULL},
};

void
tt_totals_read(uint64 row, int first_column, int64 user_id, UserTotals *totals)
{
	int			column = first_column;

	totals->user_id = user_id;
	totals->listed = tt_bool(row, column++);
	totals->seconds = tt_int64(row, column++);
	totals->entries = tt_int64(row, column++);
	totals->badges = (int32) tt_int64(row, column++);
	totals->projects_created = (int32) tt_int64(row, column++);
	totals->active_days = (int32) tt_int64(row, column++);
	totals->longest_entry = tt_int64(row, column++);
	totals->best_day = tt_int64(row, column++);
	totals->best_week = tt_int64(row, column++);
	totals->has_streak = !tt_is_null(row, column);
	totals->streak_start = (DateADT) tt_int64(row, column++);
	totals->streak_end = (DateADT) tt_int64(row, column++);
	totals->longest_streak = (int32) tt_int64(row, column++);
	totals->widest_entry = tt_int64(row, column++);
}

void
tt_totals_load(int64 user_id, UserTotals *totals)
{
	Datum		args[] = {Int64GetDatum(user_id)};

	if (tt_query(&load, args, NULL) != 1)
		elog(ERROR, "timetrackr: locked user " INT64_FORMAT " has no totals", user_id);
	tt_totals_read(0, 0, user_id, totals);
}

void
tt_totals_store(const UserTotals *totals)
{
	Datum		args[] = {Int64GetDatum(totals->user_id), Int64GetDatum(totals->seconds),
		Int64GetDatum(totals->entries), Int32GetDatum(totals->active_days),
		Int64GetDatum(totals->longest_entry), Int64GetDatum(totals->best_day),
		Int64GetDatum(totals->best_week), DateADTGetDatum(totals->streak_start),
		DateADTGetDatum(totals->streak_end), Int32GetDatum(totals->longest_streak),
	Int64GetDatum(totals->widest_entry)};
	bool		nulls[11] = {false};

	nulls[7] = nulls[8] = !totals->has_streak;
	if (tt_query(&store, args, nulls) != 1)
		elog(ERROR, "timetrackr: locked user " INT64_FORMAT " has no totals", totals->user_id);
}

void
tt_totals_clear(UserTotals *totals)
{
	Datum		args[] = {Int64GetDatum(totals->user_id)};

	for (int i = 0; i < lengthof(clear); i++)
		(void) tt_query(&clear[i], args, NULL);
	totals->seconds = 0;
	totals->entries = 0;
	totals->active_days = 0;
	totals->longest_entry = 0;
	totals->best_day = 0;
	totals->best_week = 0;
	totals->has_streak = false;
	totals->longest_streak = 0;
	totals->widest_entry = 0;
}

void
tt_totals_widen(UserTotals *totals, const EntryChange *changes, int nchanges)
{
	for (int i = 0; i < nchanges; i++)
	{
		if (changes[i].has_after && changes[i].after.end_time != DT_NOEND)
			totals->widest_entry = Max(totals->widest_entry, tt_entry_seconds(&changes[i].after));
	}
}

void
tt_totals_deleted(TriggerData *trigger)
{
	int64		user_id = tt_row_int64(trigger->tg_trigtuple,
									   RelationGetDescr(trigger->tg_relation), "user_id");
	Datum		args[] = {Int64GetDatum(user_id)};

	for (int i = 0; i < lengthof(clear); i++)
		(void) tt_query(&clear[i], args, NULL);
	tt_timeline_remove_user(user_id);
}
