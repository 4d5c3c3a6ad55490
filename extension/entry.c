/*
 * entry.c: start_entry(), stop_entry(), update_entry() and delete_entry().
 * They decide what the row becomes; the table's triggers check it and derive
 * the rest in the same transaction.
 */
#include "timetrackr.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "account.h"
#include "arguments.h"
#include "badge.h"
#include "day.h"
#include "entry_lookup.h"
#include "entry_rules.h"
#include "error.h"
#include "jsontext.h"
#include "lock.h"
#include "funcapi.h"
#include "spi.h"
#include "streak.h"
#include "table.h"
#include "totals.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(tt_start_entry);
PG_FUNCTION_INFO_V1(tt_stop_entry);
PG_FUNCTION_INFO_V1(tt_update_entry);
PG_FUNCTION_INFO_V1(tt_delete_entry);

enum { USER_ID, ENTRY_ID, PROJECT_ID, START_TIME, END_TIME, NOTE, TAGS, SOURCE };

static TtTable time_entries = {
	"time_entries", NULL, 2, 8,
	{
		[USER_ID] = {"user_id", INT8OID},
		[ENTRY_ID] = {"id", INT8OID, true},
		[PROJECT_ID] = {"project_id", INT8OID},
		[START_TIME] = {"start_time", TIMESTAMPTZOID},
		[END_TIME] = {"end_time", TIMESTAMPTZOID},
		[NOTE] = {"note", TEXTOID},
		[TAGS] = {"tags", TEXTARRAYOID},
		[SOURCE] = {"source", TEXTOID},
	}
};

/* The badges that these entries earned, as an array. */
static TtQuery badges_of_entries = {
	"SELECT ARRAY(SELECT ROW(b.id, b.name)::timetrackr.badge_ref"
	" FROM timetrackr.user_badges ub"
	" JOIN timetrackr.badges b ON b.id = ub.badge_id"
	" WHERE ub.user_id = $1 AND ub.entry_id IN ($2, $3)"
	" ORDER BY b.id)",
	3, {INT8OID, INT8OID, INT8OID}, TT_AT_HOME
};

static TtQuery update_entry = {
	"UPDATE timetrackr.time_entries"
	" SET project_id = CASE WHEN $3 THEN $4 ELSE project_id END,"
	" start_time = CASE WHEN $5 THEN $6 ELSE start_time END,"
	" end_time = CASE WHEN $7 THEN $8 ELSE end_time END,"
	" note = CASE WHEN $9 THEN COALESCE($10, '') ELSE note END,"
	" tags = CASE WHEN $11 THEN COALESCE($12, '{}') ELSE tags END"
	" WHERE user_id = $1 AND id = $2",
	12, {INT8OID, INT8OID, BOOLOID, INT8OID, BOOLOID, TIMESTAMPTZOID, BOOLOID, TIMESTAMPTZOID,
	BOOLOID, TEXTOID, BOOLOID, TEXTARRAYOID}, TT_AT_HOME
};

static TtQuery whole_entry = {
	"SELECT * FROM timetrackr.entry(viewer_id => $1, entry_id => $2)",
	2, {INT8OID, INT8OID}, TT_AT_HOME
};

static TtQuery delete_entry = {
	"DELETE FROM timetrackr.time_entries WHERE user_id = $1 AND id = $2",
	2, {INT8OID, INT8OID}, TT_AT_HOME
};

static UserLock *
lock_viewer(int64 viewer)
{
	UserLock   *lock = tt_user_lock(viewer);

	if (lock == NULL)
		tt_no_viewer();
	return lock;
}

static void
raise_not_found(int64 entry_id)
{
	tt_raise(404, "entry_not_found", "entry_id", NULL, "there is no entry " INT64_FORMAT, entry_id);
}

static TimestampTz
now_in_seconds(void)
{
	return tt_whole_second(GetCurrentTimestamp());
}

static void
set_end(int64 viewer, int64 entry_id, TimestampTz end)
{
	TtRows	   *rows = tt_rows_open(&time_entries, viewer);
	Datum		keys[] = {Int64GetDatum(viewer), Int64GetDatum(entry_id)};

	if (!tt_rows_find(rows, keys) || !tt_rows_lock(rows, LockTupleNoKeyExclusive))
		elog(ERROR, "timetrackr: entry " INT64_FORMAT " vanished under the user's lock", entry_id);
	tt_rows_change(rows);
	tt_rows_set(rows, END_TIME, TimestampTzGetDatum(end));
	tt_rows_update(rows);
	tt_rows_close(rows);
}

/*
 * The start of a timer whose start is not given: now, or the end of the last
 * entry when that is a little later, since a timer stopped within the second
 * of its start ends a second later.
 */
static TimestampTz
default_start(int64 viewer)
{
	TimestampTz now = now_in_seconds();
	FoundEntry	last;

	if (!tt_find_last(viewer, &last))
		return now;
	return last.end > now && last.end <= now + TT_CLOCK_SKEW_SECONDS * USECS_PER_SEC ? last.end : now;
}

/*
 * Make room for a new timer while another runs: end it at *start, or refuse.
 * Returns the id of the ended entry. A start of our own choosing moves to one
 * second after the running one's if both began within one second.
 */
static int64
end_running(int64 viewer, const FoundEntry *running, TimestampTz *start, bool start_given)
{
	if (tt_running_timer == RUNNING_TIMER_REJECT)
		tt_raise_running(running->id);
	if (*start <= running->start && !start_given)
		*start = running->start + USECS_PER_SEC;
	if (*start <= running->start)
		tt_raise(409, "start_not_later", "start_time",
				 psprintf("{\"entry_id\": " INT64_FORMAT "}", running->id),
				 "start_time must be later than that of the running entry " INT64_FORMAT, running->id);
	set_end(viewer, running->id, *start);
	return running->id;
}

/*
 * The badges that up to two entries earned, 0 for none. They are asked for
 * only when there may be some.
 */
static Datum
badges_earned(int64 viewer, int64 entry_id, int64 other_id, bool maybe, Oid array_type)
{
	Datum		args[] = {Int64GetDatum(viewer), Int64GetDatum(entry_id), Int64GetDatum(other_id)};
	bool		isnull;

	if (!maybe)
		return PointerGetDatum(construct_empty_array(get_element_type(array_type)));
	(void) tt_query(&badges_of_entries, args, NULL);
	return tt_datum(0, 0, &isnull);
}

/* The row type of the function that is called. */
static TupleDesc
result_columns(FunctionCallInfo fcinfo)
{
	TupleDesc	columns;

	if (get_call_result_type(fcinfo, NULL, &columns) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "timetrackr: a function that returns a row was expected");
	return BlessTupleDesc(columns);
}

/* Form the result where it outlives SPI. */
static Datum
form_result(TupleDesc columns, Datum *values, bool *nulls, MemoryContext caller)
{
	MemoryContext outer = MemoryContextSwitchTo(caller);
	Datum		result = HeapTupleGetDatum(heap_form_tuple(columns, values, nulls));

	MemoryContextSwitchTo(outer);
	return result;
}

/* What start_entry() returns of the entry it made. */
static Datum
start_result(FunctionCallInfo fcinfo, int64 viewer, int64 entry_id, int64 stopped_id, bool awarded,
			 MemoryContext caller)
{
	TupleDesc	columns = result_columns(fcinfo);
	Datum		values[5];
	bool		nulls[5] = {false};
	FoundEntry	entry;

	if (!tt_find_entry(viewer, entry_id, &entry))
		raise_not_found(entry_id);
	values[0] = Int64GetDatum(entry.id);
	values[1] = TimestampTzGetDatum(entry.start);
	values[2] = Int64GetDatum(stopped_id);
	nulls[2] = stopped_id == 0;
	values[3] = Int64GetDatum((entry.end - entry.start) / USECS_PER_SEC);
	nulls[3] = entry.end == DT_NOEND;
	values[4] = badges_earned(viewer, entry_id, stopped_id, awarded, TupleDescAttr(columns, 4)->atttypid);
	return form_result(columns, values, nulls, caller);
}

/* The new entry's id. Its times are checked by the table's trigger, which also fills in the rest. */
static int64
insert_entry(FunctionCallInfo fcinfo, int64 viewer, int64 project_id, TimestampTz start)
{
	TtRows	   *rows = tt_rows_open(&time_entries, viewer);
	int64		entry_id;

	tt_rows_new(rows);
	tt_rows_set(rows, USER_ID, Int64GetDatum(viewer));
	tt_rows_set(rows, PROJECT_ID, Int64GetDatum(project_id));
	tt_rows_set(rows, START_TIME, TimestampTzGetDatum(start));
	if (!PG_ARGISNULL(3))
		tt_rows_set(rows, END_TIME, PG_GETARG_DATUM(3));
	tt_rows_set(rows, NOTE, PG_ARGISNULL(4) ? CStringGetTextDatum("") : PG_GETARG_DATUM(4));
	tt_rows_set(rows, TAGS, PG_ARGISNULL(5) ? PointerGetDatum(construct_empty_array(TEXTOID)) : PG_GETARG_DATUM(5));
	tt_rows_set(rows, SOURCE, CStringGetTextDatum(PG_ARGISNULL(3) ? "timer" : "manual"));
	tt_rows_insert(rows);
	entry_id = tt_rows_int64(rows, ENTRY_ID);
	tt_rows_close(rows);
	return entry_id;
}

Datum
tt_start_entry(PG_FUNCTION_ARGS)
{
	int64		viewer = tt_viewer(fcinfo);
	int64		project_id = tt_required_int64(fcinfo, 1, "project_id");
	bool		start_given = !PG_ARGISNULL(2);
	bool		is_timer = PG_ARGISNULL(3);
	MemoryContext caller = CurrentMemoryContext;
	uint64		awards = tt_badges_awarded();
	TimestampTz start;
	FoundEntry	running;
	int64		stopped_id = 0;
	int64		entry_id;
	Datum		result;

	if (!is_timer && !start_given)
		tt_raise(422, "missing_field", "start_time", NULL, "end_time needs start_time");
	tt_spi_begin();
	(void) lock_viewer(viewer);
	if (start_given)
	{
		tt_require_time(PG_GETARG_TIMESTAMPTZ(2), "start_time");
		start = tt_whole_second(PG_GETARG_TIMESTAMPTZ(2));
	}
	else
		start = default_start(viewer);
	if (is_timer && tt_find_running(viewer, &running))
		stopped_id = end_running(viewer, &running, &start, start_given);
	lock_viewer(viewer)->none_runs = is_timer;

	entry_id = insert_entry(fcinfo, viewer, project_id, start);
	result = start_result(fcinfo, viewer, entry_id, stopped_id, tt_badges_awarded() != awards, caller);
	tt_spi_end();
	return result;
}

/* End a running entry at the time given, or now, but at least a second after its start. */
static void
stop_running(int64 viewer, int64 entry_id, TimestampTz start, bool end_given, TimestampTz end)
{
	if (end_given)
		set_end(viewer, entry_id, end);
	else
		set_end(viewer, entry_id, Max(now_in_seconds(), start + USECS_PER_SEC));
}

/* Stopping again is the same answer again, unless another end is asked for. */
static void
require_same_end(int64 entry_id, TimestampTz ended, bool end_given, TimestampTz end)
{
	StringInfoData detail;

	if (!end_given || (!TIMESTAMP_NOT_FINITE(end) && tt_whole_second(end) == ended))
		return;
	initStringInfo(&detail);
	appendStringInfo(&detail, "{\"entry_id\": " INT64_FORMAT ", \"end_time\": ", entry_id);
	tt_json_timestamptz(&detail, ended);
	appendStringInfoChar(&detail, '}');
	tt_raise(409, "entry_already_ended", "end_time", detail.data,
			 "entry " INT64_FORMAT " has already ended", entry_id);
}

/* What stop_entry() returns of the entry, ended by now. */
static Datum
stop_result(FunctionCallInfo fcinfo, int64 viewer, int64 entry_id, bool awarded, MemoryContext caller)
{
	TupleDesc	columns = result_columns(fcinfo);
	DateADT		today = tt_local_day(GetCurrentTransactionStartTimestamp(),
										 tt_timezone(lock_viewer(viewer)->timezone));
	Datum		values[5];
	bool		nulls[5] = {false};
	FoundEntry	entry;
	UserTotals	totals;

	if (!tt_find_entry(viewer, entry_id, &entry))
		raise_not_found(entry_id);
	tt_totals_load(viewer, &totals);
	values[0] = Int64GetDatum((entry.end - entry.start) / USECS_PER_SEC);
	values[1] = Int64GetDatum(entry.id);
	values[2] = BoolGetDatum(entry.flagged);
	values[3] = badges_earned(viewer, entry_id, 0, awarded, TupleDescAttr(columns, 3)->atttypid);
	values[4] = Int32GetDatum(tt_streak_current(&totals, today));
	return form_result(columns, values, nulls, caller);
}

Datum
tt_stop_entry(PG_FUNCTION_ARGS)
{
	int64		viewer = tt_viewer(fcinfo);
	int64		entry_id = tt_required_int64(fcinfo, 1, "entry_id");
	bool		end_given = !PG_ARGISNULL(2);
	TimestampTz end = end_given ? PG_GETARG_TIMESTAMPTZ(2) : 0;
	MemoryContext caller = CurrentMemoryContext;
	uint64		awards = tt_badges_awarded();
	FoundEntry	entry;
	Datum		result;

	tt_spi_begin();
	(void) lock_viewer(viewer);
	if (!tt_find_entry(viewer, entry_id, &entry))
		raise_not_found(entry_id);
	if (entry.end == DT_NOEND)
		stop_running(viewer, entry_id, entry.start, end_given, end);
	else
		require_same_end(entry_id, entry.end, end_given, end);
	result = stop_result(fcinfo, viewer, entry_id,
						 entry.end != DT_NOEND || tt_badges_awarded() != awards, caller);
	tt_spi_end();
	return result;
}

/* Fields that an entry can't be without. */
static void
require_not_cleared(FunctionCallInfo fcinfo, int argument, const char *name, int given)
{
	if (PG_ARGISNULL(argument) && tt_is_given(fcinfo, argument, name, given))
		tt_raise(422, "missing_field", name, NULL, "%s can't be empty", name);
}

Datum
tt_update_entry(PG_FUNCTION_ARGS)
{
	static const char *const fields[] = {"project_id", "start_time", "end_time", "note", "tags"};
	const int	given = 7;
	int64		viewer = tt_viewer(fcinfo);
	int64		entry_id = tt_required_int64(fcinfo, 1, "entry_id");
	Datum		args[12] = {Int64GetDatum(viewer), Int64GetDatum(entry_id)};
	bool		nulls[12] = {false};
	Datum		result;

	require_not_cleared(fcinfo, 2, "project_id", given);
	require_not_cleared(fcinfo, 3, "start_time", given);
	for (int i = 0; i < lengthof(fields); i++)
	{
		args[2 + 2 * i] = BoolGetDatum(tt_is_given(fcinfo, 2 + i, fields[i], given));
		args[3 + 2 * i] = PG_GETARG_DATUM(2 + i);
		nulls[3 + 2 * i] = PG_ARGISNULL(2 + i);
	}
	tt_spi_begin();
	(void) lock_viewer(viewer);
	if (tt_query(&update_entry, args, nulls) == 0)
		raise_not_found(entry_id);
	(void) tt_query(&whole_entry, args, NULL);
	result = tt_row_result();
	tt_spi_end();
	return result;
}

Datum
tt_delete_entry(PG_FUNCTION_ARGS)
{
	int64		viewer = tt_viewer(fcinfo);
	int64		entry_id = tt_required_int64(fcinfo, 1, "entry_id");
	Datum		args[] = {Int64GetDatum(viewer), Int64GetDatum(entry_id)};

	tt_spi_begin();
	(void) lock_viewer(viewer);
	if (tt_query(&delete_entry, args, NULL) == 0)
		raise_not_found(entry_id);
	tt_spi_end();
	PG_RETURN_VOID();
}
