/*
 * totals.c: applies changes of entries to the derived tables as deltas: day
 * slices first, then projects, scores (score.c) and the user's own row. Each
 * derived row is written once however many entries changed.
 */
#include "totals.h"

#include "day.h"
#include "score.h"
#include "spi.h"
#include "streak.h"

/* What one (day, project) gains or loses; day is unused per project. */
typedef struct Delta
{
	DateADT		day;
	int64		project_id;
	int64		seconds;
	int64		entries;
} Delta;

typedef struct DeltaList
{
	Delta	   *items;
	int			count;
	int			capacity;
} DeltaList;

static void
add_delta(DeltaList *list, DateADT day, int64 project_id, int64 seconds, int64 entries)
{
	if (list->count == list->capacity)
	{
		list->capacity = Max(16, list->capacity * 2);
		list->items = list->items == NULL
			? palloc(list->capacity * sizeof(Delta))
			: repalloc_huge(list->items, list->capacity * sizeof(Delta));
	}
	list->items[list->count++] = (Delta) {day, project_id, seconds, entries};
}

static int
compare_deltas(const void *a, const void *b)
{
	const Delta *x = a;
	const Delta *y = b;

	if (x->day != y->day)
		return x->day < y->day ? -1 : 1;
	if (x->project_id != y->project_id)
		return x->project_id < y->project_id ? -1 : 1;
	return 0;
}

/* Sort, add up equal keys, and drop what cancels out. */
static void
consolidate(DeltaList *list)
{
	int			kept = 0;

	if (list->count == 0)
		return;
	qsort(list->items, list->count, sizeof(Delta), compare_deltas);
	for (int i = 0; i < list->count;)
	{
		Delta		sum = list->items[i++];

		while (i < list->count && compare_deltas(&sum, &list->items[i]) == 0)
		{
			sum.seconds += list->items[i].seconds;
			sum.entries += list->items[i++].entries;
		}
		if (sum.seconds != 0 || sum.entries != 0)
			list->items[kept++] = sum;
	}
	list->count = kept;
}

/* Only adds; then the row may be new. */
static bool
is_gain(const Delta *delta)
{
	return delta->entries > 0 && delta->seconds >= 0;
}

void
tt_totals_drifted(int64 user_id, const char *table)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("timetrackr.%s does not match the entries of user " INT64_FORMAT, table, user_id),
			 errhint("Run SELECT timetrackr.rebuild(" INT64_FORMAT ").", user_id)));
}

/* day_totals */

static TtQuery day_add = {
	"INSERT INTO timetrackr.day_totals AS d (user_id, day, project_id, seconds, entries)"
	" SELECT $1, unnest($2), unnest($3), unnest($4), unnest($5)"
	" ON CONFLICT (user_id, day, project_id) DO UPDATE"
	" SET seconds = d.seconds + excluded.seconds, entries = d.entries + excluded.entries",
	5, {INT8OID, DATEARRAYOID, INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID}, NULL
};

static TtQuery day_change = {
	"UPDATE timetrackr.day_totals SET seconds = seconds + $4, entries = entries + $5"
	" WHERE user_id = $1 AND day = $2 AND project_id = $3 AND entries + $5 > 0",
	5, {INT8OID, DATEOID, INT8OID, INT8OID, INT8OID}, NULL
};

static TtQuery day_remove = {
	"DELETE FROM timetrackr.day_totals"
	" WHERE user_id = $1 AND day = $2 AND project_id = $3"
	" AND seconds + $4 = 0 AND entries + $5 = 0",
	5, {INT8OID, DATEOID, INT8OID, INT8OID, INT8OID}, NULL
};

static void
take_from_day(int64 user_id, const Delta *delta)
{
	Datum		args[] = {Int64GetDatum(user_id), DateADTGetDatum(delta->day),
		Int64GetDatum(delta->project_id), Int64GetDatum(delta->seconds),
	Int64GetDatum(delta->entries)};

	if (tt_query(&day_change, args, NULL) == 0 && tt_query(&day_remove, args, NULL) == 0)
		tt_totals_drifted(user_id, "day_totals");
}

/* Gains are one statement, however many; losses, which are rare, one each. */
static void
apply_days(int64 user_id, const DeltaList *slices)
{
	TtArray		days = tt_array(DATEOID, slices->count);
	TtArray		projects = tt_array(INT8OID, slices->count);
	TtArray		seconds = tt_array(INT8OID, slices->count);
	TtArray		entries = tt_array(INT8OID, slices->count);

	for (int i = 0; i < slices->count; i++)
	{
		const Delta *delta = &slices->items[i];

		if (!is_gain(delta))
		{
			take_from_day(user_id, delta);
			continue;
		}
		tt_array_add(&days, DateADTGetDatum(delta->day));
		tt_array_add(&projects, Int64GetDatum(delta->project_id));
		tt_array_add(&seconds, Int64GetDatum(delta->seconds));
		tt_array_add(&entries, Int64GetDatum(delta->entries));
	}
	if (days.count > 0)
	{
		Datum		args[] = {Int64GetDatum(user_id), tt_array_datum(&days),
			tt_array_datum(&projects), tt_array_datum(&seconds), tt_array_datum(&entries)};

		(void) tt_query(&day_add, args, NULL);
	}
}

/* project_totals */

static TtQuery project_add = {
	"INSERT INTO timetrackr.project_totals AS p (user_id, project_id, seconds, entries)"
	" VALUES ($1, $2, $3, $4)"
	" ON CONFLICT (user_id, project_id) DO UPDATE"
	" SET seconds = p.seconds + excluded.seconds, entries = p.entries + excluded.entries",
	4, {INT8OID, INT8OID, INT8OID, INT8OID}, NULL
};

static TtQuery project_change = {
	"UPDATE timetrackr.project_totals SET seconds = seconds + $3, entries = entries + $4"
	" WHERE user_id = $1 AND project_id = $2 AND entries + $4 > 0",
	4, {INT8OID, INT8OID, INT8OID, INT8OID}, NULL
};

static TtQuery project_remove = {
	"DELETE FROM timetrackr.project_totals"
	" WHERE user_id = $1 AND project_id = $2 AND seconds + $3 = 0 AND entries + $4 = 0",
	4, {INT8OID, INT8OID, INT8OID, INT8OID}, NULL
};

static void
apply_project(int64 user_id, const Delta *delta)
{
	Datum		args[] = {Int64GetDatum(user_id), Int64GetDatum(delta->project_id),
	Int64GetDatum(delta->seconds), Int64GetDatum(delta->entries)};

	if (is_gain(delta))
		(void) tt_query(&project_add, args, NULL);
	else if (tt_query(&project_change, args, NULL) == 0 &&
			 tt_query(&project_remove, args, NULL) == 0)
		tt_totals_drifted(user_id, "project_totals");
}

/* What each day gained over all projects, where that is not nothing. */
static DayChange *
sum_days(const DeltaList *slices, int *ndays)
{
	DayChange  *days = palloc_extended(Max(1, slices->count) * sizeof(DayChange), MCXT_ALLOC_HUGE);
	int			count = 0;

	for (int i = 0; i < slices->count;)
	{
		DateADT		day = slices->items[i].day;
		int64		seconds = 0;

		while (i < slices->count && slices->items[i].day == day)
			seconds += slices->items[i++].seconds;
		if (seconds != 0)
			days[count++] = (DayChange) {day, seconds, 0};
	}
	*ndays = count;
	return days;
}

/* the user's row */

static TtQuery longest_entry = {
	"SELECT COALESCE(max(duration), 0)::bigint FROM timetrackr.time_entries"
	" WHERE user_id = $1 AND NOT flagged",
	1, {INT8OID}, NULL
};

static void
update_longest(UserTotals *totals, const EntryChange *changes, int nchanges)
{
	Datum		args[] = {Int64GetDatum(totals->user_id)};
	int64		grown = totals->longest_entry;
	bool		shrunk = false;

	for (int i = 0; i < nchanges; i++)
	{
		const EntryChange *change = &changes[i];

		if (change->has_after && change->after.counts)
			grown = Max(grown, tt_entry_seconds(&change->after));
		if (change->has_before && change->before.counts &&
			tt_entry_seconds(&change->before) == totals->longest_entry)
			shrunk = true;
	}
	if (shrunk && grown == totals->longest_entry)
	{
		(void) tt_query(&longest_entry, args, NULL);
		grown = tt_int64(0, 0);
	}
	totals->longest_entry = grown;
}

typedef struct SliceTarget
{
	DeltaList  *list;
	int64		project_id;
	int			sign;
} SliceTarget;

static void
add_slice(DateADT day, int64 seconds, void *arg)
{
	SliceTarget *target = arg;

	add_delta(target->list, day, target->project_id, target->sign * seconds, target->sign);
}

/* Add (sign 1) or take away (-1) what a counting entry is worth. */
static void
collect(const EntryRow *row, int sign, DeltaList *slices, DeltaList *projects, UserTotals *totals)
{
	SliceTarget target = {slices, row->project_id, sign};

	tt_cut_days(row->start_time, row->end_time, row->timezone, add_slice, &target);
	add_delta(projects, 0, row->project_id, sign * tt_entry_seconds(row), sign);
	totals->seconds += sign * tt_entry_seconds(row);
	totals->entries += sign;
}

void
tt_totals_apply(UserTotals *totals, const EntryChange *changes, int nchanges)
{
	DeltaList	slices = {NULL, 0, 0};
	DeltaList	projects = {NULL, 0, 0};
	DayChange  *days;
	int			ndays;

	for (int i = 0; i < nchanges; i++)
	{
		if (changes[i].has_before && changes[i].before.counts)
			collect(&changes[i].before, -1, &slices, &projects, totals);
		if (changes[i].has_after && changes[i].after.counts)
			collect(&changes[i].after, 1, &slices, &projects, totals);
	}
	update_longest(totals, changes, nchanges);
	consolidate(&slices);
	consolidate(&projects);

	apply_days(totals->user_id, &slices);
	for (int i = 0; i < projects.count; i++)
		apply_project(totals->user_id, &projects.items[i]);
	days = sum_days(&slices, &ndays);
	tt_scores_apply(totals, days, ndays);
	tt_streak_apply(totals, days, ndays);
}
