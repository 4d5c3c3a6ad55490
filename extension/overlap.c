/*
 * overlap.c: one sweep over the entries around the changed ones, in order of
 * start. No entry is wider than the user's widest, so only those that start
 * within that distance before the first change can reach into it.
 */
#include "overlap.h"

#include "entry_lookup.h"
#include "error.h"
#include "utils/builtins.h"

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

/* Entries of the sweep, in order of start, one after the other. */
typedef struct Sweep
{
	const Fresh *fresh;
	Reach		any;
	Reach		new;
} Sweep;

static void
sweep_over(const FoundEntry *entry, void *arg)
{
	Sweep	   *sweep = arg;
	const Fresh *fresh = sweep->fresh;
	bool		is_new = bsearch(&entry->id, fresh->ids, fresh->count, sizeof(int64), compare_ids) != NULL;

	if (is_new && sweep->any.end > entry->start)
		raise_overlap(entry->id, sweep->any.id);
	if (sweep->new.end > entry->start)
		raise_overlap(sweep->new.id, entry->id);
	if (entry->end > sweep->any.end)
		sweep->any = (Reach) {entry->id, entry->end};
	if (is_new && entry->end > sweep->new.end)
		sweep->new = (Reach) {entry->id, entry->end};
}

void
tt_overlap_check(const UserTotals *totals, const EntryChange *changes, int nchanges)
{
	Fresh		fresh;
	Sweep		sweep = {&fresh, {0, DT_NOBEGIN}, {0, DT_NOBEGIN}};
	FoundEntry	running;
	TimestampTz from;

	if (tt_overlap == OVERLAP_ALLOW)
		return;
	find_fresh(changes, nchanges, &fresh);
	if (fresh.count == 0)
		return;

	from = fresh.first_start - totals->widest_entry * USECS_PER_SEC;
	/* The running entry has no width: it comes first, wherever it started. */
	if (tt_find_running(totals->user_id, &running) && running.start < from)
		sweep_over(&running, &sweep);
	tt_entries_between(totals->user_id, from, fresh.last_end, sweep_over, &sweep);
}
