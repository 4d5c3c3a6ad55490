/*
 * score.c: rows of scores: what a statement gained a user, or took away, by
 * day, week, month and in all.
 */
#include "score.h"

#include "spi.h"
#include "table.h"
#include "utils/builtins.h"
#include "utils/datetime.h"

/* What an entry changes is less. */
#define MANY_CHANGES 20

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

enum { USER_ID, PERIOD, PERIOD_START, SECONDS, LISTED };

static TtTable scores = {
	"scores", NULL, 3, 5,
	{
		[USER_ID] = {"user_id", INT8OID},
		[PERIOD] = {"period", TEXTOID},
		[PERIOD_START] = {"period_start", DATEOID},
		[SECONDS] = {"seconds", INT8OID},
		[LISTED] = {"listed", BOOLOID},
	}
};

static void
insert_score(TtRows *rows, const Datum *keys, const UserTotals *totals, int64 seconds)
{
	tt_rows_new(rows);
	tt_rows_set(rows, USER_ID, keys[USER_ID]);
	tt_rows_set(rows, PERIOD, keys[PERIOD]);
	tt_rows_set(rows, PERIOD_START, keys[PERIOD_START]);
	tt_rows_set(rows, SECONDS, Int64GetDatum(seconds));
	tt_rows_set(rows, LISTED, BoolGetDatum(totals->listed));
	tt_rows_insert(rows);
}

/* The start of the user's last score of this kind of period. */
static DateADT
last_start(TtRows *rows, int64 user_id, const char *period)
{
	tt_rows_seek(rows, (Datum[]) {Int64GetDatum(user_id), CStringGetTextDatum(period)}, 2);
	return tt_rows_previous(rows) ? (DateADT) tt_rows_int64(rows, PERIOD_START) : DATEVAL_NOBEGIN;
}

/* A score of nothing is no row. After `last` there is none to look for. */
static void
change_score(TtRows *rows, const UserTotals *totals, DateADT last, ScoreChange *change)
{
	Datum		keys[] = {Int64GetDatum(totals->user_id), CStringGetTextDatum(change->period),
	DateADTGetDatum(change->start)};
	bool		found = change->start <= last && tt_rows_find(rows, keys);

	change->after = change->seconds + (found ? tt_rows_int64(rows, SECONDS) : 0);
	if (change->after < 0)
		tt_totals_drifted(totals->user_id, scores.name);
	else if (!found)
		insert_score(rows, keys, totals, change->after);
	else if (change->after == 0)
		tt_rows_delete(rows);
	else
	{
		tt_rows_change(rows);
		tt_rows_set(rows, SECONDS, Int64GetDatum(change->after));
		tt_rows_update(rows);
	}
	pfree(DatumGetPointer(keys[PERIOD]));
}

static void
write_changes(const UserTotals *totals, ScoreChange *changes, int nchanges)
{
	DateADT		last = DATEVAL_NOEND;
	TtRows	   *rows;

	if (nchanges == 0)
		return;
	rows = tt_rows_open(&scores, totals->user_id);
	for (int i = 0; i < nchanges; i++)
	{
		/* To ask for the last one pays when many may come after it. */
		if (nchanges >= MANY_CHANGES && (i == 0 || changes[i].period != changes[i - 1].period))
			last = last_start(rows, totals->user_id, changes[i].period);
		change_score(rows, totals, last, &changes[i]);
	}
	tt_rows_close(rows);
}

static TtQuery best_of_period = {
	"SELECT COALESCE(max(seconds), 0)::bigint FROM timetrackr.scores"
	" WHERE user_id = $1 AND period = $2",
	2, {INT8OID, TEXTOID}, TT_AT_HOME
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
	write_changes(totals, changes, end - changes);
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
