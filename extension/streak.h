/*
 * streak.h: runs of consecutive local days with enough time tracked.
 */
#ifndef TT_STREAK_H
#define TT_STREAK_H

#include "totals.h"

/* The latest run of days. */
typedef struct StreakRun
{
	DateADT		start;
	int			days;			/* 0: none */
} StreakRun;

extern StreakRun tt_streak_run(const UserTotals *totals);

/*
 * Bring the streak in *totals in line with changed days, sorted by day; the
 * day scores must be written already.
 */
extern void tt_streak_apply(UserTotals *totals, const DayChange *days, int ndays);

/*
 * The run was `before` when the changes began, and all of them are applied: a
 * milestone reached adds an event to the timeline, and a notification if the
 * streak is of these days.
 */
extern void tt_streak_tell(const UserTotals *totals, StreakRun before);

/* Length in days of the streak that counts back from today or yesterday. */
extern int	tt_streak_current(const UserTotals *totals, DateADT today);

#endif
