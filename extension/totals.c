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
#include "table.h"

/* From so many on it pays to ask for the user's last day first. */
#define MANY_SLICES 5

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

static TtTable day_totals = {
	"day_totals", NULL, 3, 5,
	{{"user_id", INT8OID}, {"day", DATEOID}, {"project_id", INT8OID}, {"seconds", INT8OID}, {"entries", INT8OID}}
};

static TtTable project_totals = {
	"project_totals", NULL, 2, 4,
	{{"user_id", INT8OID}, {"project_id", INT8OID}, {"seconds", INT8OID}, {"entries", INT8OID}}
};

/* The two columns of figures come after the keys. */
static void
set_figures(TtRows *rows, int nkeys, int64 seconds, int64 entries)
{
	tt_rows_set(rows, nkeys, Int64GetDatum(seconds));
	tt_rows_set(rows, nkeys + 1, Int64GetDatum(entries));
}

static void
insert_figures(TtRows *rows, const Datum *keys, int nkeys, const Delta *delta)
{
	tt_rows_new(rows);
	for (int i = 0; i < nkeys; i++)
		tt_rows_set(rows, i, keys[i]);
	set_figures(rows, nkeys, delta->seconds, delta->entries);
	tt_rows_insert(rows);
}

/*
 * Add delta to the row with these keys, whose first is the user; there may be
 * none yet. A row of no entries goes.
 */
static void
add_figures(TtRows *rows, const TtTable *table, const Datum *keys, int nkeys, bool may_exist, const Delta *delta)
{
	bool		found = may_exist && tt_rows_find(rows, keys);
	int64		seconds = found ? tt_rows_int64(rows, nkeys) + delta->seconds : 0;
	int64		entries = found ? tt_rows_int64(rows, nkeys + 1) + delta->entries : 0;

	if (!found && is_gain(delta))
		insert_figures(rows, keys, nkeys, delta);
	else if (found && entries > 0)
	{
		tt_rows_change(rows);
		set_figures(rows, nkeys, seconds, entries);
		tt_rows_update(rows);
	}
	else if (found && entries == 0 && seconds == 0)
		tt_rows_delete(rows);
	else
		tt_totals_drifted(DatumGetInt64(keys[0]), table->name);
}

/* After it there is nothing to look for, which a history of many days can do without. */
static DateADT
last_day(TtRows *rows, int64 user_id)
{
	tt_rows_seek(rows, (Datum[]) {Int64GetDatum(user_id)}, 1);
	return tt_rows_previous(rows) ? (DateADT) tt_rows_int64(rows, 1) : DATEVAL_NOBEGIN;
}

static void
apply_days(int64 user_id, const DeltaList *slices)
{
	DateADT		last = DATEVAL_NOEND;
	TtRows	   *rows;

	if (slices->count == 0)
		return;
	rows = tt_rows_open(&day_totals, user_id);
	if (slices->count >= MANY_SLICES)
		last = last_day(rows, user_id);
	for (int i = 0; i < slices->count; i++)
	{
		const Delta *delta = &slices->items[i];
		Datum		keys[] = {Int64GetDatum(user_id), DateADTGetDatum(delta->day), Int64GetDatum(delta->project_id)};

		add_figures(rows, &day_totals, keys, lengthof(keys), delta->day <= last, delta);
	}
	tt_rows_close(rows);
}

static void
apply_projects(int64 user_id, const DeltaList *projects)
{
	TtRows	   *rows;

	if (projects->count == 0)
		return;
	rows = tt_rows_open(&project_totals, user_id);
	for (int i = 0; i < projects->count; i++)
	{
		const Delta *delta = &projects->items[i];
		Datum		keys[] = {Int64GetDatum(user_id), Int64GetDatum(delta->project_id)};

		add_figures(rows, &project_totals, keys, lengthof(keys), true, delta);
	}
	tt_rows_close(rows);
}

void
tt_project_figures(int64 user_id, ProjectFigures *figures)
{
	TtRows	   *rows = tt_rows_open(&project_totals, user_id);
	Datum		key = Int64GetDatum(user_id);

	*figures = (ProjectFigures) {true, 0, 0};
	tt_rows_seek(rows, &key, 1);
	while (tt_rows_next(rows))
	{
		figures->count++;
		figures->best_seconds = Max(figures->best_seconds, tt_rows_int64(rows, 2));
	}
	tt_rows_close(rows);
}

int64
tt_project_seconds(int64 user_id, int64 project_id)
{
	TtRows	   *rows = tt_rows_open(&project_totals, user_id);
	Datum		keys[] = {Int64GetDatum(user_id), Int64GetDatum(project_id)};
	int64		seconds = tt_rows_find(rows, keys) ? tt_rows_int64(rows, 2) : 0;

	tt_rows_close(rows);
	return seconds;
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
	1, {INT8OID}, TT_AT_HOME
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
	apply_projects(totals->user_id, &projects);
	days = sum_days(&slices, &ndays);
	tt_scores_apply(totals, days, ndays);
	tt_streak_apply(totals, days, ndays);
}
