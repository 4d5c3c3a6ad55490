/*
 * badge.c: awards and takes back badges. Criteria are compiled once per
 * session and dropped when any session changes a badge, by relcache
 * invalidation of the table. Metrics are in metric.c.
 */
#include "badge.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/trigger.h"
#include "criteria.h"
#include "event.h"
#include "lock.h"
#include "metric.h"
#include "row.h"
#include "spi.h"
#include "timeline.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

typedef struct Badge
{
	int64		id;
	bool		revocable;
	Criteria   *criteria;
} Badge;

/* The enabled badges, by id. */
typedef struct BadgeSet
{
	MemoryContext context;		/* holds all of it */
	int			users;			/* evaluations that go through it */
	bool		some_count_badges;
	int			count;
	Badge		badges[FLEXIBLE_ARRAY_MEMBER];
} BadgeSet;

/*
 * The set loaded last; up to date while badges_valid. An award may set off a
 * trigger of the database's owner that evaluates badges in turn, and finds
 * them changed: a set that is still gone through outlives its successor's
 * coming. Each change anywhere counts badges_changes up.
 */
static BadgeSet *current_badges = NULL;
static bool badges_valid = false;
static uint64 badges_changes = 0;
static Oid	badges_relid = InvalidOid;

static TtQuery enabled_badges = {
	"SELECT id, revocable, criteria FROM timetrackr.badges WHERE enabled ORDER BY id",
	0, {0}, NULL
};

static TtQuery earned_badges = {
	"SELECT badge_id FROM timetrackr.user_badges WHERE user_id = $1 ORDER BY badge_id",
	1, {INT8OID}, NULL
};

/* A badge that another session has just deleted is not awarded, and no error. */
static TtQuery award_badge = {
	"INSERT INTO timetrackr.user_badges (user_id, badge_id, entry_id)"
	" SELECT $1, b.id, $3 FROM timetrackr.badges b WHERE b.id = $2 FOR KEY SHARE"
	" ON CONFLICT DO NOTHING",
	3, {INT8OID, INT8OID, INT8OID}, NULL
};

static TtQuery revoke_badge = {
	"DELETE FROM timetrackr.user_badges WHERE user_id = $1 AND badge_id = $2",
	2, {INT8OID, INT8OID}, NULL
};

static void
on_relcache_change(Datum arg, Oid relid)
{
	if (relid != badges_relid && relid != InvalidOid)
		return;
	badges_valid = false;
	badges_changes++;
}

void
tt_badge_init(void)
{
	CacheRegisterRelcacheCallback(on_relcache_change, (Datum) 0);
}

/* Read and compile every enabled badge into context. */
static BadgeSet *
read_badges(MemoryContext context)
{
	uint64		rows = tt_query(&enabled_badges, NULL, NULL);
	BadgeSet   *set = MemoryContextAllocZero(context, offsetof(BadgeSet, badges) + rows * sizeof(Badge));

	set->context = context;
	for (uint64 row = 0; row < rows; row++)
	{
		Badge	   *badge = &set->badges[set->count++];
		bool		isnull;

		badge->id = tt_int64(row, 0);
		badge->revocable = tt_bool(row, 1);
		badge->criteria = tt_criteria_parse(DatumGetJsonbP(tt_datum(row, 2, &isnull)), context);
		if (tt_criteria_metrics(badge->criteria) & (1u << METRIC_BADGES_EARNED))
			set->some_count_badges = true;
	}
	return set;
}

/* Read the table into current_badges anew. */
static void
load_badges(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "timetrackr badges",
												  ALLOCSET_DEFAULT_SIZES);
	uint64		changes_before = badges_changes;
	BadgeSet   *set;

	badges_relid = get_relname_relid("badges", get_namespace_oid("timetrackr", false));
	set = read_badges(context);
	MemoryContextSetParent(context, CacheMemoryContext);
	if (current_badges != NULL && current_badges->users == 0)
		MemoryContextDelete(current_badges->context);
	current_badges = set;
	/* Don't keep what an old snapshot showed, or what changed meanwhile. */
	badges_valid = badges_changes == changes_before && !IsolationUsesXactSnapshot();
}

/* What the table holds now; released after use. Inlined, its locals would seem to cross a longjmp. */
static pg_noinline BadgeSet *
take_badges(void)
{
	if (!badges_valid)
		load_badges();
	current_badges->users++;
	return current_badges;
}

static void
release_badges(BadgeSet *set)
{
	if (--set->users == 0 && set != current_badges)
		MemoryContextDelete(set->context);
}

/* Which badges of the set the user has, as flags in the same order. */
static void
load_earned(int64 user_id, const BadgeSet *set, bool *earned)
{
	Datum		args[] = {Int64GetDatum(user_id)};
	uint64		rows = tt_query(&earned_badges, args, NULL);
	uint64		row = 0;

	for (int i = 0; i < set->count; i++)
	{
		while (row < rows && tt_int64(row, 0) < set->badges[i].id)
			row++;
		earned[i] = row < rows && tt_int64(row, 0) == set->badges[i].id;
	}
}

static TtQuery forget_entry = {
	"UPDATE timetrackr.user_badges SET entry_id = NULL WHERE user_id = $1 AND entry_id = $2",
	2, {INT8OID, INT8OID}, NULL
};

void
tt_badges_forget_entry(int64 user_id, int64 entry_id)
{
	Datum		args[] = {Int64GetDatum(user_id), Int64GetDatum(entry_id)};

	(void) tt_query(&forget_entry, args, NULL);
}

/* Returns whether there was anything to change. */
static bool
change_award(int64 user_id, int64 badge_id, int64 entry_id, bool award)
{
	Datum		args[] = {Int64GetDatum(user_id), Int64GetDatum(badge_id), Int64GetDatum(entry_id)};
	bool		nulls[] = {false, false, entry_id == 0};

	return tt_query(award ? &award_badge : &revoke_badge, args, nulls) == 1;
}

/* One pass over all badges; returns whether any changed hands. */
static bool
evaluate_once(MetricSource *source, const BadgeSet *set, bool *earned, int64 entry_id)
{
	bool		changed = false;

	for (int i = 0; i < set->count; i++)
	{
		const Badge *badge = &set->badges[i];
		bool		holds;

		if (earned[i] && !badge->revocable)
			continue;
		holds = tt_criteria_hold(badge->criteria, tt_metric_value, source);
		if (holds == earned[i])
			continue;
		earned[i] = holds;
		if (!change_award(source->totals.user_id, badge->id, entry_id, holds))
			continue;
		source->totals.badges += holds ? 1 : -1;
		changed = true;
	}
	return changed;
}

static void
evaluate(int64 user_id, const BadgeSet *set, int64 entry_id)
{
	MetricSource source;
	bool	   *earned = palloc(set->count * sizeof(bool));
	int			passes = 0;

	load_earned(user_id, set, earned);
	tt_metric_source_init(&source, user_id);
	/* Badges may count badges; revocable ones could chase each other for ever. */
	while (evaluate_once(&source, set, earned, entry_id) && set->some_count_badges &&
		   ++passes <= set->count)
		;
	pfree(earned);
}

void
tt_badges_evaluate(int64 user_id, int64 entry_id)
{
	BadgeSet   *const set = take_badges();

	PG_TRY();
	{
		if (set->count > 0)
			evaluate(user_id, set, entry_id);
	}
	PG_FINALLY();
	{
		release_badges(set);
	}
	PG_END_TRY();
}

/* badges: the trigger's side */

static TtQuery count_award = {
	"UPDATE timetrackr.user_totals SET badges = badges + $2 WHERE user_id = $1",
	2, {INT8OID, INT4OID}, NULL
};

static TtQuery notify_award = {
	"INSERT INTO timetrackr.notifications (user_id, kind, payload)"
	" SELECT $1, 'badge_awarded', jsonb_build_object('badge_id', b.id, 'name', b.name)"
	" FROM timetrackr.badges b WHERE b.id = $2"
	" RETURNING id",
	2, {INT8OID, INT8OID}, NULL
};

static TtQuery forget_award = {
	"DELETE FROM timetrackr.timeline_events"
	" WHERE user_id = $1 AND event_type = 'badge_earned' AND event_data = $2::jsonb",
	2, {INT8OID, TEXTOID}, NULL
};

static void
tell_award(int64 user_id, int64 badge_id, const char *badge_data)
{
	Datum		args[] = {Int64GetDatum(user_id), Int64GetDatum(badge_id)};

	tt_timeline_add(user_id, "badge_earned", badge_data, 0, GetCurrentTimestamp());
	if (tt_query(&notify_award, args, NULL) == 1)
		tt_event_emit("notification_created",
					  psprintf("{\"user_id\": " INT64_FORMAT ", \"notification_id\": " INT64_FORMAT "}",
							   user_id, tt_int64(0, 0)));
	tt_event_emit("badge_awarded",
				  psprintf("{\"user_id\": " INT64_FORMAT ", \"badge_id\": " INT64_FORMAT "}",
						   user_id, badge_id));
}

void
tt_user_badge_changed(TriggerData *trigger)
{
	bool		award = TRIGGER_FIRED_BY_INSERT(trigger->tg_event);
	TupleDesc	desc = RelationGetDescr(trigger->tg_relation);
	int64		user_id = tt_row_int64(trigger->tg_trigtuple, desc, "user_id");
	int64		badge_id = tt_row_int64(trigger->tg_trigtuple, desc, "badge_id");
	char	   *data = psprintf("{\"badge_id\": " INT64_FORMAT "}", badge_id);
	Datum		args[] = {Int64GetDatum(user_id), Int32GetDatum(award ? 1 : -1)};
	Datum		forget_args[] = {Int64GetDatum(user_id), CStringGetTextDatum(data)};

	/* No lock means no user: the account is being deleted. */
	if (tt_user_lock(user_id) == NULL)
		return;
	(void) tt_query(&count_award, args, NULL);
	if (award)
	{
		tell_award(user_id, badge_id, data);
		return;
	}
	(void) tt_query(&forget_award, forget_args, NULL);
	tt_event_emit("score_changed", psprintf("{\"user_id\": " INT64_FORMAT "}", user_id));
}

HeapTuple
tt_badge_check(TriggerData *trigger)
{
	HeapTuple	tuple = tt_row_subject(trigger);
	TupleDesc	desc = RelationGetDescr(trigger->tg_relation);
	bool		isnull;
	Datum		criteria = heap_getattr(tuple, tt_row_column(desc, "criteria"), desc, &isnull);

	/* A missing one is the NOT NULL constraint's to refuse. */
	if (!isnull)
		(void) tt_criteria_parse(DatumGetJsonbP(criteria), CurrentMemoryContext);
	return tuple;
}

void
tt_badges_changed(TriggerData *trigger)
{
	CacheInvalidateRelcacheByRelid(RelationGetRelid(trigger->tg_relation));
	tt_event_emit("badges_changed", "{}");
}
