/*
 * badge.c: awards and takes back badges as users earn them, and tells of it.
 * Compiled criteria are in badge_list.c, metrics in metric.c, what was earned
 * before the badge was made in backfill.c.
 */
#include "badge.h"

#include "access/htup_details.h"
#include "badge_list.h"
#include "commands/trigger.h"
#include "event.h"
#include "home.h"
#include "lock.h"
#include "metric.h"
#include "notification.h"
#include "row.h"
#include "spi.h"
#include "standing.h"
#include "timeline.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/rel.h"

/* A badge that another session has just deleted is not awarded, and no error. */
static TtQuery award_badge = {
	"INSERT INTO timetrackr.user_badges (user_id, badge_id, entry_id, awarded_at)"
	" SELECT $1, b.id, $3, $4 FROM timetrackr.badges b WHERE b.id = $2 FOR KEY SHARE"
	" ON CONFLICT DO NOTHING",
	4, {INT8OID, INT8OID, INT8OID, TIMESTAMPTZOID}, TT_AT_HOME
};

static TtQuery revoke_badge = {
	"DELETE FROM timetrackr.user_badges WHERE user_id = $1 AND badge_id = $2",
	2, {INT8OID, INT8OID}, TT_AT_HOME
};

static TtQuery forget_entry = {
	"UPDATE timetrackr.user_badges SET entry_id = NULL WHERE user_id = $1 AND entry_id = $2",
	2, {INT8OID, INT8OID}, TT_AT_HOME
};

void
tt_badges_forget_entry(int64 user_id, int64 entry_id)
{
	Datum		args[] = {Int64GetDatum(user_id), Int64GetDatum(entry_id)};

	(void) tt_query(&forget_entry, args, NULL);
}

/* Of this session. */
static uint64 awards = 0;

uint64
tt_badges_awarded(void)
{
	return awards;
}

bool
tt_badge_award(int64 user_id, int64 badge_id, int64 entry_id, TimestampTz awarded_at)
{
	Datum		args[] = {Int64GetDatum(user_id), Int64GetDatum(badge_id), Int64GetDatum(entry_id),
	TimestampTzGetDatum(awarded_at)};
	bool		nulls[] = {false, false, entry_id == 0, false};

	if (tt_query(&award_badge, args, nulls) == 0)
		return false;
	awards++;
	return true;
}

bool
tt_badge_revoke(int64 user_id, int64 badge_id)
{
	Datum		args[] = {Int64GetDatum(user_id), Int64GetDatum(badge_id)};

	return tt_query(&revoke_badge, args, NULL) == 1;
}

/* What to say of a badge; nothing when it is gone. */
static TtQuery badge_payload = {
	"SELECT jsonb_build_object('badge_id', id, 'name', name)::text FROM timetrackr.badges WHERE id = $1",
	1, {INT8OID}, TT_COPIES
};

static void
notify(int64 user_id, int64 badge_id, const char *kind)
{
	Datum		args[] = {Int64GetDatum(badge_id)};

	if (tt_query(&badge_payload, args, NULL) == 1)
		tt_notify_user(user_id, kind, tt_text(0, 0));
}

/*
 * Its criteria hold no longer. The user is told, unless he had not yet read
 * that he has it: then he is told nothing of either.
 */
static bool
take_back(int64 user_id, int64 badge_id)
{
	bool		unread = tt_unnotify_user(user_id, TT_NEWS_BADGE_AWARDED,
										  psprintf("{\"badge_id\": " INT64_FORMAT "}", badge_id));
	bool		revoked = tt_badge_revoke(user_id, badge_id);

	if (revoked && !unread)
		notify(user_id, badge_id, TT_NEWS_BADGE_TAKEN_BACK);
	return revoked;
}

/* Award or take back; returns whether there was anything to change. */
static bool
change_award(int64 user_id, int64 badge_id, int64 entry_id, bool award)
{
	if (!award)
		return take_back(user_id, badge_id);
	return tt_badge_award(user_id, badge_id, entry_id, GetCurrentTimestamp());
}

/* One pass over all badges; returns whether any changed hands. */
static bool
evaluate_once(MetricSource *source, const BadgeList *list, bool *earned, int64 entry_id)
{
	bool		changed = false;

	for (int i = 0; i < list->count; i++)
	{
		const Badge *badge = &list->badges[i];
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

/* Whose badges are evaluated, and because of which entry. */
typedef struct Evaluation
{
	int64		user_id;
	int64		entry_id;
} Evaluation;

static void
evaluate(const BadgeList *list, void *arg)
{
	const Evaluation *evaluation = arg;
	MetricSource source;
	bool	   *earned;
	int			passes = 0;

	if (list->count == 0)
		return;
	earned = tt_badge_list_earned(list, evaluation->user_id);
	tt_metric_source_init(&source, evaluation->user_id);
	/* Badges may count badges; revocable ones could chase each other for ever. */
	while (evaluate_once(&source, list, earned, evaluation->entry_id) &&
		   list->some_count_badges && ++passes <= list->count)
		;
	pfree(earned);
}

void
tt_badges_evaluate(int64 user_id, int64 entry_id)
{
	Evaluation	evaluation = {user_id, entry_id};

	tt_badge_list_use(evaluate, &evaluation);
}

/* badges: the trigger's side */

static TtQuery count_award = {
	"UPDATE timetrackr.user_totals SET badges = badges + $2 WHERE user_id = $1"
	" RETURNING listed, badges",
	2, {INT8OID, INT4OID}, TT_AT_HOME
};

static TtQuery end_of_entry = {
	"SELECT end_time FROM timetrackr.time_entries"
	" WHERE user_id = $1 AND id = $2 AND end_time IS NOT NULL",
	2, {INT8OID, INT8OID}, TT_AT_HOME
};

static TtQuery forget_award = {
	"DELETE FROM timetrackr.timeline_events"
	" WHERE user_id = $1 AND event_type = 'badge_earned' AND event_data = $2::jsonb",
	2, {INT8OID, TEXTOID}, TT_AT_HOME
};

static void
emit_score_changed(int64 user_id)
{
	tt_event_emit("score_changed", psprintf("{\"user_id\": " INT64_FORMAT "}", user_id));
}

/* An import is no news. */
static bool
is_of_these_days(int64 user_id, int64 entry_id)
{
	Datum		args[] = {Int64GetDatum(user_id), Int64GetDatum(entry_id)};

	return entry_id == 0 || tt_query(&end_of_entry, args, NULL) == 0 || tt_is_news(tt_int64(0, 0));
}

/* An award of long ago goes into the books; one of these days is told. */
static void
tell_award(int64 user_id, int64 badge_id, int64 entry_id, TimestampTz awarded_at, const char *badge_data)
{
	(void) tt_unnotify_user(user_id, TT_NEWS_BADGE_TAKEN_BACK, badge_data);
	if (!tt_is_news(awarded_at))
	{
		emit_score_changed(user_id);
		return;
	}
	if (is_of_these_days(user_id, entry_id))
		notify(user_id, badge_id, TT_NEWS_BADGE_AWARDED);
	tt_event_emit("badge_awarded",
				  psprintf("{\"user_id\": " INT64_FORMAT ", \"badge_id\": " INT64_FORMAT "}",
						   user_id, badge_id));
}

/* Nothing tells of a badge any more that was taken back. */
static void
untell_award(int64 user_id, const char *badge_data)
{
	Datum		args[] = {Int64GetDatum(user_id), CStringGetTextDatum(badge_data)};

	(void) tt_query(&forget_award, args, NULL);
	(void) tt_unnotify_user(user_id, TT_NEWS_BADGE_AWARDED, badge_data);
	emit_score_changed(user_id);
}

/* Bring everything in line with a row of user_badges that came (award) or went. */
static void
award_changed(HeapTuple row, TupleDesc columns, bool award)
{
	int64		user_id = tt_row_int64(row, columns, "user_id");
	int64		badge_id = tt_row_int64(row, columns, "badge_id");
	TimestampTz awarded_at = tt_row_int64(row, columns, "awarded_at");
	char	   *data = psprintf("{\"badge_id\": " INT64_FORMAT "}", badge_id);
	Datum		args[] = {Int64GetDatum(user_id), Int32GetDatum(award ? 1 : -1)};

	tt_standing_earned(badge_id, award);
	/* No lock means no user: the account is being deleted. */
	if (tt_user_lock(user_id) == NULL)
		return;
	if (tt_query(&count_award, args, NULL) == 1)
	{
		bool		listed = tt_bool(0, 0);
		int64		badges = tt_int64(0, 1);

		tt_standing_moved(tt_standing(listed, 0, badges - (award ? 1 : -1)), tt_standing(listed, 0, badges));
	}
	if (!award)
	{
		untell_award(user_id, data);
		return;
	}
	tt_timeline_add(user_id, "badge_earned", data, 0, awarded_at);
	tell_award(user_id, badge_id, tt_row_int64(row, columns, "entry_id"), awarded_at, data);
}

void
tt_user_badge_changed(TriggerData *trigger)
{
	TupleDesc	columns = RelationGetDescr(trigger->tg_relation);

	if (!TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		award_changed(trigger->tg_trigtuple, columns, false);
	if (!TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		award_changed(tt_row_subject(trigger), columns, true);
}

static TtQuery count_none = {
	"UPDATE timetrackr.user_totals SET badges = 0 WHERE badges <> 0 RETURNING user_id",
	0, {0}
};

static TtQuery forget_all_awards = {
	"DELETE FROM timetrackr.timeline_events WHERE event_type = 'badge_earned'",
	0, {0}
};

static TtQuery forget_all_notifications = {
	"DELETE FROM timetrackr.notifications WHERE kind IN ('badge_awarded', 'badge_taken_back')",
	0, {0}
};

void
tt_user_badges_truncated(TriggerData *trigger)
{
	uint64		users;
	int64	   *ids;

	tt_refuse_truncate();
	tt_standings_lock();
	users = tt_query(&count_none, NULL, NULL);
	ids = palloc_extended(Max(1, users) * sizeof(int64), MCXT_ALLOC_HUGE);
	/* A later query ends this result. */
	for (uint64 row = 0; row < users; row++)
		ids[row] = tt_int64(row, 0);
	tt_standings_count();
	(void) tt_query(&forget_all_awards, NULL, NULL);
	(void) tt_query(&forget_all_notifications, NULL, NULL);
	for (uint64 row = 0; row < users; row++)
		emit_score_changed(ids[row]);
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
	if (tt_is_first_node())
		tt_event_emit("badges_changed", "{}");
}
