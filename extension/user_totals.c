/*
 * user_totals.c: reading, writing and clearing the user_totals row, whose
 * arithmetic is in totals.c.
 */
#include "totals.h"

#include "row.h"
#include "spi.h"
#include "standing.h"
#include "table.h"
#include "timeline.h"
#include "utils/rel.h"

/* In the order of TT_TOTALS_COLUMNS, after the key. */
enum {
	USER_ID, LISTED, SECONDS, ENTRIES, BADGES, PROJECTS_CREATED, ACTIVE_DAYS, LONGEST_ENTRY,
	BEST_DAY, BEST_WEEK, STREAK_START, STREAK_END, LONGEST_STREAK, WIDEST_ENTRY, COLUMNS
};

static TtTable user_totals = {
	"user_totals", NULL, 1, COLUMNS,
	{
		[USER_ID] = {"user_id", INT8OID},
		[LISTED] = {"listed", BOOLOID},
		[SECONDS] = {"seconds", INT8OID},
		[ENTRIES] = {"entries", INT8OID},
		[BADGES] = {"badges", INT4OID},
		[PROJECTS_CREATED] = {"projects_created", INT4OID},
		[ACTIVE_DAYS] = {"active_days", INT4OID},
		[LONGEST_ENTRY] = {"longest_entry", INT8OID},
		[BEST_DAY] = {"best_day", INT8OID},
		[BEST_WEEK] = {"best_week", INT8OID},
		[STREAK_START] = {"streak_start", DATEOID},
		[STREAK_END] = {"streak_end", DATEOID},
		[LONGEST_STREAK] = {"longest_streak", INT4OID},
		[WIDEST_ENTRY] = {"widest_entry", INT8OID},
	}
};

static TtQuery clear[] = {
	{"DELETE FROM timetrackr.day_totals WHERE user_id = $1", 1, {INT8OID}, TT_AT_HOME},
	{"DELETE FROM timetrackr.project_totals WHERE user_id = $1", 1, {INT8OID}, TT_AT_HOME},
	{"DELETE FROM timetrackr.scores WHERE user_id = $1", 1, {INT8OID}, TT_AT_HOME},
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

/* The row of a locked user, who must have one. */
static TtRows *
open_row(int64 user_id)
{
	TtRows	   *rows = tt_rows_open(&user_totals, user_id);
	Datum		key = Int64GetDatum(user_id);

	if (!tt_rows_find(rows, &key))
		elog(ERROR, "timetrackr: locked user " INT64_FORMAT " has no totals", user_id);
	return rows;
}

void
tt_totals_load(int64 user_id, UserTotals *totals)
{
	TtRows	   *rows = open_row(user_id);
	bool		isnull;

	totals->user_id = user_id;
	totals->listed = DatumGetBool(tt_rows_datum(rows, LISTED, &isnull));
	totals->seconds = tt_rows_int64(rows, SECONDS);
	totals->entries = tt_rows_int64(rows, ENTRIES);
	totals->badges = (int32) tt_rows_int64(rows, BADGES);
	totals->projects_created = (int32) tt_rows_int64(rows, PROJECTS_CREATED);
	totals->active_days = (int32) tt_rows_int64(rows, ACTIVE_DAYS);
	totals->longest_entry = tt_rows_int64(rows, LONGEST_ENTRY);
	totals->best_day = tt_rows_int64(rows, BEST_DAY);
	totals->best_week = tt_rows_int64(rows, BEST_WEEK);
	totals->streak_start = (DateADT) tt_rows_int64(rows, STREAK_START);
	totals->streak_end = DatumGetDateADT(tt_rows_datum(rows, STREAK_END, &isnull));
	totals->has_streak = !isnull;
	totals->longest_streak = (int32) tt_rows_int64(rows, LONGEST_STREAK);
	totals->widest_entry = tt_rows_int64(rows, WIDEST_ENTRY);
	tt_rows_close(rows);
}

static void
set_streak(TtRows *rows, const UserTotals *totals)
{
	tt_rows_set(rows, LONGEST_STREAK, Int32GetDatum(totals->longest_streak));
	if (totals->has_streak)
	{
		tt_rows_set(rows, STREAK_START, DateADTGetDatum(totals->streak_start));
		tt_rows_set(rows, STREAK_END, DateADTGetDatum(totals->streak_end));
		return;
	}
	tt_rows_set_null(rows, STREAK_START);
	tt_rows_set_null(rows, STREAK_END);
}

void
tt_totals_store(const UserTotals *totals)
{
	TtRows	   *rows = open_row(totals->user_id);

	tt_rows_change(rows);
	tt_rows_set(rows, SECONDS, Int64GetDatum(totals->seconds));
	tt_rows_set(rows, ENTRIES, Int64GetDatum(totals->entries));
	tt_rows_set(rows, ACTIVE_DAYS, Int32GetDatum(totals->active_days));
	tt_rows_set(rows, LONGEST_ENTRY, Int64GetDatum(totals->longest_entry));
	tt_rows_set(rows, BEST_DAY, Int64GetDatum(totals->best_day));
	tt_rows_set(rows, BEST_WEEK, Int64GetDatum(totals->best_week));
	set_streak(rows, totals);
	tt_rows_set(rows, WIDEST_ENTRY, Int64GetDatum(totals->widest_entry));
	tt_rows_update(rows);
	tt_rows_close(rows);
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
	HeapTuple	row = trigger->tg_trigtuple;
	TupleDesc	columns = RelationGetDescr(trigger->tg_relation);
	int64		user_id = tt_row_int64(row, columns, "user_id");
	Datum		args[] = {Int64GetDatum(user_id)};

	for (int i = 0; i < lengthof(clear); i++)
		(void) tt_query(&clear[i], args, NULL);
	tt_timeline_remove_user(user_id);
	tt_standing_moved(tt_standing(tt_row_bool(row, columns, "listed"),
								  tt_row_int64(row, columns, "seconds"),
								  tt_row_int32(row, columns, "badges")),
					  tt_standing(false, 0, 0));
}
