/*
 * score.c: rows of scores. Whatever a statement gains a user is one INSERT for
 * all periods; what it takes away, which is rare, is written score by score.
 */
#include "score.h"

#include "spi.h"
#include "utils/builtins.h"
#include "utils/datetime.h"

/* What the score of one period gains or loses, and what it has then. */
typedef struct ScoreChange
{
	const char *period;
	DateADT		start;
	int64		seconds;
	int64		after;
} ScoreChange;

DateADT
tt_week_start(DateADT day)
{
	/* Day 0, 2000-01-01, was a Saturday: five days after a Monday. */
	int			since_monday = (day + 5) % 7;

	return day - (since_monday < 0 ? since_monday + 7 : since_monday);
}

static DateADT
same_day(DateADT day)
{
	return day;
}

static DateADT
month_start(DateADT day)
{
	int			year,
				month,
				mday;

	j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &mday);
	return day - (mday - 1);
}

/* The period_start of the all-time score. */
static DateADT
all_start(DateADT day)
{
	return date2j(1970, 1, 1) - POSTGRES_EPOCH_JDATE;
}

/* Add the sums of days per period to changes; returns how many were added. */
static int
add_period(const char *period, DateADT (*start_of) (DateADT),
		   const DayChange *days, int ndays, ScoreChange *changes)
{
	int			count = 0;

	for (int i = 0; i < ndays;)
	{
		DateADT		start = start_of(days[i].day);
		int64		seconds = 0;

		while (i < ndays && start_of(days[i].day) == start)
			seconds += days[i++].seconds;
		if (seconds != 0)
			changes[count++] = (ScoreChange) {period, start, seconds, 0};
	}
	return count;
}

static TtQuery add_scores = {
	"INSERT INTO timetrackr.scores AS s (user_id, period, period_start, seconds, listed)"
	" SELECT $1, unnest($2), unnest($3), unnest($4), $5"
	" ON CONFLICT (user_id, period, period_start) DO UPDATE"
	" SET seconds = s.seconds + excluded.seconds"
	" RETURNING seconds",
	5, {INT8OID, TEXTARRAYOID, DATEARRAYOID, INT8ARRAYOID, BOOLOID}, NULL
};

/* Rows come back in the order in which they were given. */
static void
add_gains(const UserTotals *totals, ScoreChange *changes, int nchanges)
{
	TtArray		periods = tt_array(TEXTOID, nchanges);
	TtArray		starts = tt_array(DATEOID, nchanges);
	TtArray		seconds = tt_array(INT8OID, nchanges);
	Datum		args[5] = {Int64GetDatum(totals->user_id)};
	uint64		row = 0;

	for (int i = 0; i < nchanges; i++)
	{
		if (changes[i].seconds < 0)
			continue;
		tt_array_add(&periods, CStringGetTextDatum(changes[i].period));
		tt_array_add(&starts, DateADTGetDatum(changes[i].start));
		tt_array_add(&seconds, Int64GetDatum(changes[i].seconds));
	}
	if (seconds.count == 0)
		return;
	args[1] = tt_array_datum(&periods);
	args[2] = tt_array_datum(&starts);
	args[3] = tt_array_datum(&seconds);
	args[4] = BoolGetDatum(totals->listed);
	(void) tt_query(&add_scores, args, NULL);
	for (int i = 0; i < nchanges; i++)
	{
		if (changes[i].seconds > 0)
			changes[i].after = tt_int64(row++, 0);
	}
}

static TtQuery lower_score = {
	"UPDATE timetrackr.scores SET seconds = seconds + $4"
	" WHERE user_id = $1 AND period = $2 AND period_start = $3 AND seconds + $4 > 0"
	" RETURNING seconds",
	4, {INT8OID, TEXTOID, DATEOID, INT8OID}, NULL
};

static TtQuery remove_score = {
	"DELETE FROM timetrackr.scores"
	" WHERE user_id = $1 AND period = $2 AND period_start = $3 AND seconds + $4 = 0",
	4, {INT8OID, TEXTOID, DATEOID, INT8OID}, NULL
};

static void
take_loss(const UserTotals *totals, ScoreChange *change)
{
	Datum		args[] = {Int64GetDatum(totals->user_id), CStringGetTextDatum(change->period),
	DateADTGetDatum(change->start), Int64GetDatum(change->seconds)};

	if (tt_query(&lower_score, args, NULL) == 1)
		change->after = tt_int64(0, 0);
	else if (tt_query(&remove_score, args, NULL) == 0)
		tt_totals_drifted(totals->user_id, "scores");
}

static TtQuery best_of_period = {
	"SELECT COALESCE(max(seconds), 0)::bigint FROM timetrackr.scores"
	" WHERE user_id = $1 AND period = $2",
	2, {INT8OID, TEXTOID}, NULL
};

/* A best that may have shrunk is looked up; one that grew is known. */
static void
update_best(int64 *best, int64 user_id, const ScoreChange *change)
{
	Datum		args[] = {Int64GetDatum(user_id), CStringGetTextDatum(change->period)};

	if (change->after >= *best)
		*best = change->after;
	else if (change->after - change->seconds == *best)
	{
		(void) tt_query(&best_of_period, args, NULL);
		*best = tt_int64(0, 0);
	}
}

void
tt_scores_apply(UserTotals *totals, DayChange *days, int ndays)
{
	ScoreChange *changes = palloc_extended((4 * ndays + 1) * sizeof(ScoreChange), MCXT_ALLOC_HUGE);
	ScoreChange *weeks = changes + add_period("day", same_day, days, ndays, changes);
	ScoreChange *months = weeks + add_period("week", tt_week_start, days, ndays, weeks);
	ScoreChange *end = months + add_period("month", month_start, days, ndays, months);

	end += add_period("all", all_start, days, ndays, end);
	add_gains(totals, changes, end - changes);
	for (ScoreChange *change = changes; change < end; change++)
	{
		if (change->seconds < 0)
			take_loss(totals, change);
	}
	/* Every day has a gain or a loss: changes begins with them, in order. */
	for (int i = 0; i < ndays; i++)
	{
		days[i].after = changes[i].after;
		totals->active_days += (days[i].after > 0) - (days[i].after > days[i].seconds);
		update_best(&totals->best_day, totals->user_id, &changes[i]);
	}
	for (ScoreChange *week = weeks; week < months; week++)
		update_best(&totals->best_week, totals->user_id, week);
}
