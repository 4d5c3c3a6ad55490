/*
 * backfill.c: backfill_badge(): awards a badge to everybody who met its
 * criteria before it was there, dated when he did. When that was, replay.c
 * finds out.
 */
#include "account.h"
#include "arguments.h"
#include "badge.h"
#include "error.h"
#include "lock.h"
#include "metric.h"
#include "miscadmin.h"
#include "replay.h"
#include "spi.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(tt_backfill_badge);
PG_FUNCTION_INFO_V1(tt_backfill_here);

/* Users looked up at a time. */
#define BACKFILL_USERS 1000

/* Its criteria stay as they are until the backfill is over. */
static TtQuery badge_to_backfill = {
	"SELECT enabled, revocable, criteria FROM timetrackr.badges WHERE id = $1 FOR SHARE",
	1, {INT8OID}, TT_COPIES
};

static TtQuery users_without = {
	"SELECT u.id FROM timetrackr.users u"
	" WHERE u.id > $1"
	" AND NOT EXISTS (SELECT FROM timetrackr.user_badges b WHERE b.user_id = u.id AND b.badge_id = $2)"
	" ORDER BY u.id LIMIT $3",
	3, {INT8OID, INT8OID, INT8OID}
};

typedef struct Backfill
{
	int64		badge_id;
	bool		revocable;
	Criteria   *criteria;
	int64		awarded;		/* to how many users */
} Backfill;

static void
load_badge(Backfill *badge, int64 badge_id)
{
	Datum		args[] = {Int64GetDatum(badge_id)};
	bool		isnull;

	if (tt_query(&badge_to_backfill, args, NULL) == 0)
		tt_raise(404, "badge_not_found", NULL, NULL, "there is no badge " INT64_FORMAT, badge_id);
	if (!tt_bool(0, 0))
		tt_raise(409, "badge_disabled", NULL, NULL, "a disabled badge is not awarded");
	badge->badge_id = badge_id;
	badge->revocable = tt_bool(0, 1);
	badge->criteria = tt_criteria_parse(DatumGetJsonbP(tt_datum(0, 2, &isnull)), CurrentMemoryContext);
}

static bool
holds_now(const Backfill *badge, int64 user_id)
{
	MetricSource source;

	return tt_metric_source_peek(&source, user_id) &&
		tt_criteria_hold(badge->criteria, tt_metric_value, &source);
}

/*
 * Is the badge due to the user, and since when? Met once is earned, but a
 * revocable one must hold still. What holds now by the mere passing of time
 * was met at no moment of his history: then it is now.
 */
static bool
is_due(const Backfill *badge, int64 user_id, Moment *moment)
{
	bool		met = tt_replay_first(user_id, badge->criteria, moment);

	if (met && !badge->revocable)
		return true;
	if (!holds_now(badge, user_id))
		return false;
	if (!met)
		*moment = (Moment) {GetCurrentTimestamp(), 0};
	return true;
}

/* Returns whether the user was awarded the badge. */
static bool
backfill_user(const Backfill *badge, int64 user_id)
{
	Moment		moment;
	bool		awarded;

	/* Most users get nothing: don't keep them from their timers meanwhile. */
	if (!is_due(badge, user_id, &moment))
		return false;
	/* Between the look and the lock his entries may have changed. */
	awarded = tt_user_lock(user_id) != NULL &&
		is_due(badge, user_id, &moment) &&
		tt_badge_award(user_id, badge->badge_id, moment.entry_id, moment.at);
	/* The lock stays; what is known of it would add up. */
	tt_user_forget(user_id);
	return awarded;
}

/* A tt_each_home() visitor */
static void
backfill_home(TtHome home, void *arg)
{
	Backfill   *badge = arg;
	MemoryContext per_user = AllocSetContextCreate(CurrentMemoryContext, "timetrackr backfill user",
												   ALLOCSET_DEFAULT_SIZES);
	MemoryContext outer = MemoryContextSwitchTo(per_user);
	int64		ids[BACKFILL_USERS];
	int64		last = PG_INT64_MIN;
	uint64		rows;

	do
	{
		Datum		args[] = {Int64GetDatum(last), Int64GetDatum(badge->badge_id),
		Int64GetDatum(BACKFILL_USERS)};

		rows = tt_query_at(home, &users_without, args, NULL);
		for (uint64 row = 0; row < rows; row++)
			ids[row] = tt_int64(row, 0);
		for (uint64 row = 0; row < rows; row++)
		{
			CHECK_FOR_INTERRUPTS();
			if (tt_home(ids[row]) == home)
				badge->awarded += backfill_user(badge, ids[row]);
			MemoryContextReset(per_user);
		}
		last = rows > 0 ? ids[rows - 1] : last;
	} while (rows == BACKFILL_USERS);
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(per_user);
}

static TtQuery backfill_everywhere = {
	"SELECT timetrackr.backfill_everywhere($1)",
	1, {INT8OID}
};

/* backfill_badge(viewer_id, badge_id) */
Datum
tt_backfill_badge(PG_FUNCTION_ARGS)
{
	int64		viewer_id = tt_viewer(fcinfo);
	int64		badge_id = tt_required_int64(fcinfo, 1, "badge_id");
	Backfill	badge = {0};

	tt_spi_begin();
	tt_require_admin(viewer_id);
	load_badge(&badge, badge_id);
	if (tt_is_distributed())
	{
		(void) tt_query(&backfill_everywhere, (Datum[]) {Int64GetDatum(badge_id)}, NULL);
		badge.awarded = tt_int64(0, 0);
	}
	else
		backfill_home(TT_NO_HOME, &badge);
	tt_spi_end();
	PG_RETURN_INT64(badge.awarded);
}

/* backfill_here(badge_id) */
Datum
tt_backfill_here(PG_FUNCTION_ARGS)
{
	Backfill	badge = {0};

	tt_spi_begin();
	load_badge(&badge, PG_GETARG_INT64(0));
	tt_each_home(backfill_home, &badge);
	tt_spi_end();
	PG_RETURN_INT64(badge.awarded);
}
