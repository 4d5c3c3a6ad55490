/*
 * score.h: seconds per user and period, the figures behind the boards.
 */
#ifndef TT_SCORE_H
#define TT_SCORE_H

#include "totals.h"

/*
 * Add what each of days gained to the user's scores of that day, its week, its
 * month and all time. days are sorted, each once, none with a gain of 0. Sets
 * their after, and keeps active_days, best_day and best_week of *totals.
 * Needs tt_spi_begin().
 */
extern void tt_scores_apply(UserTotals *totals, DayChange *days, int ndays);

/* The Monday of the ISO week that day is in. */
extern DateADT tt_week_start(DateADT day);

#endif
