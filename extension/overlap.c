/*
 * overlap.c: one sweep over the entries around the changed ones, in order of
 * start. No entry is wider than the user's widest, so only those that start
 * within that distance before the first change can reach into it.
 */
#include "overlap.h"

#include "error.h"
#include "spi.h"
#include "utils/builtins.h"

/* The running entry has no width: it is fetched wherever it started. */
static TtQuery neighbours = {
	"SELECT id, start_time, COALESCE(end_time, 'infinity')"
	" FROM timetrackr.time_entries"
	" WHERE user_id = $1 AND start_time >= $2 AND start_time < $3"
	" UNION ALL"
	" SELECT id, start_time, 'infinity'"
	" FROM timetrackr.time_entries"
	" WHERE user_id = $1 AND end_time IS NULL AND start_time < $2"
	" ORDER BY 2, 1",
	3, {INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID}, NULL
};

/* The entry that reaches furthest among those that started so far. */
typedef struct Reach
{
	int64		id;
	TimestampTz end;
} Reach;

/* Ids whose interval is new, sorted, and the span they cover. */
typedef struct Fresh
{
	int64	   *ids;
	int			count;
	TimestampTz first_start;
	TimestampTz last_end;
} Fresh;

static int
compare_ids(const void *a, const void *b)
{
	int64		x = *(const int64 *) a;
	int64		y = *(const int64 *) b;

	return x < y ? -1 : x > y;
}

static bool
interval_changed(const EntryChange *change)
{
	return change->has_after &&
		(!change->has_before ||
		 change->before.start_time != change->after.start_time ||
		 change->before.end_time != change->after.end_time);
}

static void
find_fresh(const EntryChange *changes, int nchanges, Fresh *fresh)
{
	fresh->ids = palloc_extended(nchanges * sizeof(int64), MCXT_ALLOC_HUGE);
	fresh->count = 0;
	fresh->first_start = DT_NOEND;
	fresh->last_end = DT_NOBEGIN;
	for (int i = 0; i < nchanges; i++)
	{
		if (!interval_changed(&changes[i]))
			continue;
		fresh->ids[fresh->count++] = changes[i].after.id;
		fresh->first_start = Min(fresh->first_start, changes[i].after.start_time);
		fresh->last_end = Max(fresh->last_end, changes[i].after.end_time);
	}
	qsort(fresh->ids, fresh->count, sizeof(int64), compare_ids);
}

static void
raise_overlap(int64 id, int64 other)
{
	tt_raise(409, "entry_overlaps", "start_time",
			 psprintf("{\"entry_id\": " INT64_FORMAT "}", other),
			 "entry " INT64_FORMAT " overlaps entry " INT64_FORMAT, id, other);
}

void
tt_overlap_check(const UserTotals *totals, const EntryChange *changes, int nchanges)
{
	Fresh		fresh;
	Reach		any = {0, DT_NOBEGIN};
	Reach		new = {0, DT_NOBEGIN};
	Datum		args[3];
	uint64		rows;

	if (tt_overlap == OVERLAP_ALLOW)
		return;
	find_fresh(changes, nchanges, &fresh);
	if (fresh.count == 0)
		return;

	args[0] = Int64GetDatum(totals->user_id);
	args[1] = TimestampTzGetDatum(fresh.first_start - totals->widest_entry * USECS_PER_SEC);
	args[2] = TimestampTzGetDatum(fresh.last_end);
	rows = tt_query(&neighbours, args, NULL);
	for (uint64 row = 0; row < rows; row++)
	{
		int64		id = tt_int64(row, 0);
		TimestampTz start = tt_int64(row, 1);
		TimestampTz end = tt_int64(row, 2);
		bool		is_new = bsearch(&id, fresh.ids, fresh.count, sizeof(int64), compare_ids) != NULL;

		if (is_new && any.end > start)
			raise_overlap(id, any.id);
		if (new.end > start)
			raise_overlap(new.id, id);
		if (end > any.end)
			any = (Reach) {id, end};
		if (is_new && end > new.end)
			new = (Reach) {id, end};
	}
}
