/*
 * streak.c: streaks from day scores. A day qualifies with at least
 * timetrackr.streak_min seconds. Recent days extend the streak in place;
 * anything else is counted anew from the scores.
 */
#include "streak.h"

#include "jsontext.h"
#include "notification.h"
#include "spi.h"
#include "timeline.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(tt_streak_min);

static const int milestones[] = {7, 30, 100, 365};

static TtQuery qualifying_days = {
	"SELECT period_start FROM timetrackr.scores"
	" WHERE user_id = $1 AND period = 'day' AND seconds >= $2"
	" ORDER BY period_start",
	2, {INT8OID, INT8OID}, TT_AT_HOME
};

static TtQuery milestone_known = {
	"SELECT 1 FROM timetrackr.timeline_events"
	" WHERE user_id = $1 AND event_type = 'streak_reached' AND event_data = $2::jsonb",
	2, {INT8OID, TEXTOID}, TT_AT_HOME
};

static bool
qualifies(int64 seconds)
{
	return seconds >= tt_streak_min_seconds;
}

static int
length(const UserTotals *totals)
{
	return totals->streak_end - totals->streak_start + 1;
}

int
tt_streak_current(const UserTotals *totals, DateADT today)
{
	/* Today is still open, so yesterday's streak stands. */
	if (!totals->has_streak || totals->streak_end < today - 1)
		return 0;
	return length(totals);
}

/* Add one day at or after the end of the streak. */
static void
extend(UserTotals *totals, DateADT day)
{
	if (!totals->has_streak || day > totals->streak_end + 1)
		totals->streak_start = day;
	totals->streak_end = day;
	totals->has_streak = true;
	totals->longest_streak = Max(totals->longest_streak, length(totals));
}

static void
recount(UserTotals *totals)
{
	Datum		args[] = {Int64GetDatum(totals->user_id), Int64GetDatum(tt_streak_min_seconds)};
	uint64		rows = tt_query(&qualifying_days, args, NULL);

	totals->has_streak = false;
	totals->longest_streak = 0;
	for (uint64 row = 0; row < rows; row++)
		extend(totals, (DateADT) tt_int64(row, 0));
}

/* Does the streak reach into these days? Days are local, and half of one doesn't matter here. */
static bool
is_recent(const UserTotals *totals)
{
	return tt_is_news((totals->streak_end + 1) * USECS_PER_DAY);
}

/*
 * The same milestone of the same run is told once, whatever is edited; of
 * several reached at once, the user is notified of the highest.
 */
static void
tell_milestone(const UserTotals *totals, int days, bool highest)
{
	StringInfoData data;
	Datum		args[2];

	initStringInfo(&data);
	appendStringInfo(&data, "{\"days\": %d, \"first_day\": ", days);
	tt_json_date(&data, totals->streak_start);
	appendStringInfoChar(&data, '}');
	args[0] = Int64GetDatum(totals->user_id);
	args[1] = CStringGetTextDatum(data.data);
	if (tt_query(&milestone_known, args, NULL) > 0)
		return;
	tt_timeline_add(totals->user_id, "streak_reached", data.data, 0, GetCurrentTimestamp());
	if (highest && is_recent(totals))
		tt_notify_user(totals->user_id, TT_NEWS_STREAK_REACHED, data.data);
}

void
tt_streak_apply(UserTotals *totals, const DayChange *days, int ndays)
{
	bool		only_extends = true;

	for (int i = 0; i < ndays && only_extends; i++)
	{
		bool		was = qualifies(days[i].after - days[i].seconds);
		bool		is = qualifies(days[i].after);

		if (was == is)
			continue;
		if (is && (!totals->has_streak || days[i].day > totals->streak_end))
			extend(totals, days[i].day);
		else
			only_extends = false;
	}
	if (!only_extends)
		recount(totals);
}

StreakRun
tt_streak_run(const UserTotals *totals)
{
	return totals->has_streak ? (StreakRun) {totals->streak_start, length(totals)} : (StreakRun) {0, 0};
}

void
tt_streak_tell(const UserTotals *totals, StreakRun before)
{
	StreakRun	now = tt_streak_run(totals);
	int			told = now.start == before.start ? before.days : 0;

	for (int i = 0; i < lengthof(milestones); i++)
	{
		bool		highest = i + 1 == lengthof(milestones) || now.days < milestones[i + 1];

		if (told < milestones[i] && now.days >= milestones[i])
			tell_milestone(totals, milestones[i], highest);
	}
}

/* streak_min(): the setting, also where SQL runs before this library is loaded. */
Datum
tt_streak_min(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(tt_streak_min_seconds);
}
