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

/* Enabled badges by id; valid while badges_valid. Each change anywhere counts one up. */
static MemoryContext badges_context = NULL;
static Badge *badges = NULL;
static int	nbadges = 0;
static bool some_count_badges = false;
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

static TtQuery award_badge = {
	"INSERT INTO timetrackr.user_badges (user_id, badge_id, entry_id) VALUES ($1, $2, $3)"
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

/* Compile every enabled badge into badges_context. */
static void
load_badges(void)
{
	MemoryContext outer;
	uint64		changes_before = badges_changes;
	uint64		rows;

	if (badges_context == NULL)
		badges_context = AllocSetContextCreate(CacheMemoryContext, "timetrackr badges",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(badges_context);
	nbadges = 0;
	some_count_badges = false;
	badges_relid = get_relname_relid("badges", get_namespace_oid("timetrackr", false));
	rows = tt_query(&enabled_badges, NULL, NULL);
	outer = MemoryContextSwitchTo(badges_context);
	badges = palloc((rows + 1) * sizeof(Badge));
	for (uint64 row = 0; row < rows; row++)
	{
		Badge	   *badge = &badges[nbadges];
		bool		isnull;

		badge->id = tt_int64(row, 0);
		badge->revocable = tt_bool(row, 1);
		badge->criteria = tt_criteria_parse(DatumGetJsonbP(tt_datum(row, 2, &isnull)), badges_context);
		if (tt_criteria_metrics(badge->criteria) & (1u << METRIC_BADGES_EARNED))
			some_count_badges = true;
		nbadges++;
	}
	MemoryContextSwitchTo(outer);
	/* Don't keep what an old snapshot showed, or what changed meanwhile. */
	badges_valid = badges_changes == changes_before && !IsolationUsesXactSnapshot();
}

/* Which of badges[] the user has, as flags in the same order. */
static void
load_earned(int64 user_id, bool *earned)
{
	Datum		args[] = {Int64GetDatum(user_id)};
	uint64		rows = tt_query(&earned_badges, args, NULL);
	uint64		row = 0;

	for (int i = 0; i < nbadges; i++)
	{
		while (row < rows && tt_int64(row, 0) < badges[i].id)
			row++;
		earned[i] = row < rows && tt_int64(row, 0) == badges[i].id;
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

static void
change_award(int64 user_id, int64 badge_id, int64 entry_id, bool award)
{
	Datum		args[] = {Int64GetDatum(user_id), Int64GetDatum(badge_id), Int64GetDatum(entry_id)};
	bool		nulls[] = {false, false, entry_id == 0};

	(void) tt_query(award ? &award_badge : &revoke_badge, args, nulls);
}

/* One pass over all badges; returns whether any changed hands. */
static bool
evaluate_once(MetricSource *source, bool *earned, int64 entry_id)
{
	bool		changed = false;

	for (int i = 0; i < nbadges; i++)
	{
		bool		holds;

		if (earned[i] && !badges[i].revocable)
			continue;
		holds = tt_criteria_hold(badges[i].criteria, tt_metric_value, source);
		if (holds == earned[i])
			continue;
		change_award(source->totals.user_id, badges[i].id, entry_id, holds);
		source->totals.badges += holds ? 1 : -1;
		earned[i] = holds;
		changed = true;
	}
	return changed;
}

void
tt_badges_evaluate(int64 user_id, int64 entry_id)
{
	MetricSource source;
	bool	   *earned;
	int			passes = 0;

	if (!badges_valid)
		load_badges();
	if (nbadges == 0)
		return;
	earned = palloc(nbadges * sizeof(bool));
	load_earned(user_id, earned);
	tt_metric_source_init(&source, user_id);
	/* Badges may count badges; revocable ones could chase each other for ever. */
	while (evaluate_once(&source, earned, entry_id) && some_count_badges && ++passes <= nbadges)
		;
	pfree(earned);
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
