/*
 * change.c: collects what a statement changed, groups it by user, and has each
 * concept bring its rows in line, in one transaction with the cause. One path
 * for a single row and for a million of them; memory is bounded by a batch.
 */
#include "change.h"

#include "badge.h"
#include "entry_row.h"
#include "event.h"
#include "executor/executor.h"
#include "flagged.h"
#include "lock.h"
#include "overlap.h"
#include "spi.h"
#include "standing.h"
#include "streak.h"
#include "timeline.h"
#include "totals.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

/* About 20 MB of changes are gathered before they are applied. */
#define BATCH_CHANGES 100000

typedef struct Batch
{
	EntryChange *changes;
	int			count;
	int			capacity;
	HTAB	   *runs;			/* a RunBefore for each user so far, when it is not the only batch; or NULL */
} Batch;

/* A user's streak when the statement began. */
typedef struct RunBefore
{
	int64		user_id;		/* hash key */
	StreakRun	run;
} RunBefore;

static int
compare_changes(const void *a, const void *b)
{
	const EntryChange *x = a;
	const EntryChange *y = b;
	const EntryRow *p = x->has_after ? &x->after : &x->before;
	const EntryRow *q = y->has_after ? &y->after : &y->before;

	if (p->user_id != q->user_id)
		return p->user_id < q->user_id ? -1 : 1;
	if (p->start_time != q->start_time)
		return p->start_time < q->start_time ? -1 : 1;
	return p->id < q->id ? -1 : p->id > q->id;
}

/* Nothing that anything is derived from differs. */
static bool
is_unchanged(const EntryChange *change)
{
	const EntryRow *a = &change->before;
	const EntryRow *b = &change->after;

	return change->has_before && change->has_after &&
		a->project_id == b->project_id && a->start_time == b->start_time &&
		a->end_time == b->end_time && a->counts == b->counts && a->timezone == b->timezone;
}

static bool
counts_now(const EntryChange *change)
{
	return change->has_after && change->after.counts;
}

static bool
counted_before(const EntryChange *change)
{
	return change->has_before && change->before.counts;
}

static void
update_timeline(int64 user_id, const EntryChange *changes, int nchanges)
{
	const EntryRow **new = palloc_extended(nchanges * sizeof(EntryRow *), MCXT_ALLOC_HUGE);
	const EntryRow **changed = palloc_extended(nchanges * sizeof(EntryRow *), MCXT_ALLOC_HUGE);
	int			nnew = 0;
	int			nchanged = 0;

	for (int i = 0; i < nchanges; i++)
	{
		if (counts_now(&changes[i]) && counted_before(&changes[i]))
			changed[nchanged++] = &changes[i].after;
		else if (counts_now(&changes[i]))
			new[nnew++] = &changes[i].after;
		else if (counted_before(&changes[i]))
			tt_timeline_remove_entry(user_id, changes[i].before.id);
	}
	tt_timeline_put_entries(user_id, changed, nchanged);
	tt_timeline_add_entries(new, nnew);
}

static void
forget_deleted(const EntryChange *changes, int nchanges)
{
	for (int i = 0; i < nchanges; i++)
	{
		if (!changes[i].has_after)
			tt_badges_forget_entry(changes[i].before.user_id, changes[i].before.id);
	}
}

static void
emit_completed(const EntryRow *row)
{
	tt_event_emit("time_entry_completed",
				  psprintf("{\"user_id\": " INT64_FORMAT ", \"project_id\": " INT64_FORMAT
						   ", \"entry_id\": " INT64_FORMAT ", \"duration\": " INT64_FORMAT "}",
						   row->user_id, row->project_id, row->id, tt_entry_seconds(row)));
}

/* One event per completed entry, or one for all of an import; else one for the scores. */
static void
emit_events(int64 user_id, const EntryChange *changes, int nchanges)
{
	int			completed = 0;

	for (int i = 0; i < nchanges; i++)
		completed += counts_now(&changes[i]) && !counted_before(&changes[i]);
	if (completed > TT_EVENTS_PER_STATEMENT)
	{
		tt_event_emit("entries_imported",
					  psprintf("{\"user_id\": " INT64_FORMAT ", \"entries\": %d}", user_id, completed));
		return;
	}
	for (int i = 0; i < nchanges; i++)
	{
		if (counts_now(&changes[i]) && !counted_before(&changes[i]))
			emit_completed(&changes[i].after);
	}
	if (completed == 0)
		tt_event_emit("score_changed", psprintf("{\"user_id\": " INT64_FORMAT "}", user_id));
}

/* The entry that a badge is due to: the last one that began to count, or 0. */
static int64
last_completed(const EntryChange *changes, int nchanges)
{
	for (int i = nchanges - 1; i >= 0; i--)
	{
		if (counts_now(&changes[i]))
			return changes[i].after.id;
	}
	return 0;
}

/* Did any of the entries count before, or does one now? Else only widths matter. */
static bool
any_counts(const EntryChange *changes, int nchanges)
{
	for (int i = 0; i < nchanges; i++)
	{
		if (counts_now(&changes[i]) || counted_before(&changes[i]))
			return true;
	}
	return false;
}

/* Milestones are those of all batches: a batch may have every other day of a run. */
static void
tell_streak(const UserTotals *totals, StreakRun before, HTAB *runs)
{
	bool		found;
	RunBefore  *kept;

	if (runs == NULL)
	{
		tt_streak_tell(totals, before);
		return;
	}
	kept = hash_search(runs, &totals->user_id, HASH_ENTER, &found);
	if (!found)
		kept->run = before;
}

static void
tell_streaks(HTAB *runs)
{
	HASH_SEQ_STATUS scan;
	RunBefore  *kept;

	hash_seq_init(&scan, runs);
	while ((kept = hash_seq_search(&scan)) != NULL)
	{
		UserTotals	totals;

		tt_totals_load(kept->user_id, &totals);
		tt_streak_tell(&totals, kept->run);
	}
}

/* Everything derived from these changes of one user. */
static void
apply_user(int64 user_id, const EntryChange *changes, int nchanges, HTAB *runs)
{
	UserTotals	totals;
	int64		widest_before;
	Standing	standing_before;
	StreakRun	run_before;

	/* No lock means no user: his rows go with him. */
	if (tt_user_lock(user_id) == NULL)
		return;
	tt_totals_load(user_id, &totals);
	widest_before = totals.widest_entry;
	standing_before = tt_totals_standing(&totals);
	run_before = tt_streak_run(&totals);
	tt_totals_widen(&totals, changes, nchanges);
	tt_overlap_check(&totals, changes, nchanges);
	forget_deleted(changes, nchanges);
	tt_flagged_news(user_id, changes, nchanges);
	if (!any_counts(changes, nchanges))
	{
		if (totals.widest_entry != widest_before)
			tt_totals_store(&totals);
		return;
	}
	/* An entry moved within its day leaves every sum as it was, but not its event. */
	tt_totals_apply(&totals, changes, nchanges);
	tell_streak(&totals, run_before, runs);
	tt_totals_store(&totals);
	tt_standing_moved(standing_before, tt_totals_standing(&totals));
	update_timeline(user_id, changes, nchanges);
	emit_events(user_id, changes, nchanges);
	tt_badges_evaluate(user_id, last_completed(changes, nchanges));
}

/* Apply and empty a batch, user by user in order of id, so that locks have an order. */
static void
apply_batch(Batch *batch)
{
	MemoryContext per_user = AllocSetContextCreate(CurrentMemoryContext, "timetrackr user changes",
												   ALLOCSET_DEFAULT_SIZES);
	MemoryContext outer = MemoryContextSwitchTo(per_user);

	qsort(batch->changes, batch->count, sizeof(EntryChange), compare_changes);
	for (int first = 0; first < batch->count;)
	{
		EntryChange *changes = &batch->changes[first];
		int64		user_id = changes->has_after ? changes->after.user_id : changes->before.user_id;
		int			n = 1;

		while (first + n < batch->count &&
			   (changes[n].has_after ? changes[n].after.user_id : changes[n].before.user_id) == user_id)
			n++;
		apply_user(user_id, changes, n, batch->runs);
		MemoryContextReset(per_user);
		first += n;
	}
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(per_user);
	batch->count = 0;
}

static void
apply_full_batch(Batch *batch)
{
	if (batch->runs == NULL)
	{
		HASHCTL		ctl = {.keysize = sizeof(int64), .entrysize = sizeof(RunBefore), .hcxt = CurrentMemoryContext};

		batch->runs = hash_create("timetrackr streaks before", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	apply_batch(batch);
}

static EntryChange *
next_change(Batch *batch)
{
	if (batch->count == BATCH_CHANGES)
		apply_full_batch(batch);
	if (batch->count == batch->capacity)
	{
		batch->capacity = Min(BATCH_CHANGES, Max(4, batch->capacity * 2));
		batch->changes = batch->changes == NULL
			? palloc(batch->capacity * sizeof(EntryChange))
			: repalloc(batch->changes, batch->capacity * sizeof(EntryChange));
	}
	return &batch->changes[batch->count];
}

/* Read a transition table from its start, apart from other readers of it. */
static void
open_transition(Tuplestorestate *store)
{
	if (store == NULL)
		return;
	tuplestore_select_read_pointer(store, tuplestore_alloc_read_pointer(store, EXEC_FLAG_REWIND));
	tuplestore_rescan(store);
}

static bool
read_transition(Tuplestorestate *store, TupleTableSlot *slot, const EntryColumns *columns, EntryRow *row)
{
	if (store == NULL || !tuplestore_gettupleslot(store, true, false, slot))
		return false;
	tt_entry_from_slot(slot, columns, row);
	return true;
}

void
tt_entries_changed(TriggerData *trigger)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(trigger->tg_relation),
													&TTSOpsMinimalTuple);
	EntryColumns columns;
	Batch		batch = {0};

	tt_entry_columns(slot->tts_tupleDescriptor, &columns);
	open_transition(trigger->tg_oldtable);
	open_transition(trigger->tg_newtable);
	for (;;)
	{
		EntryChange *change = next_change(&batch);

		/* An UPDATE puts the old and the new row at the same place of each table. */
		change->has_before = read_transition(trigger->tg_oldtable, slot, &columns, &change->before);
		change->has_after = read_transition(trigger->tg_newtable, slot, &columns, &change->after);
		if (!change->has_before && !change->has_after)
			break;
		if (!is_unchanged(change))
			batch.count++;
	}
	apply_batch(&batch);
	if (batch.runs != NULL)
		tell_streaks(batch.runs);
	ExecDropSingleTupleTableSlot(slot);
}
