/*
 * totals.h: what entries add up to, per user, project, day and board period.
 */
#ifndef TT_TOTALS_H
#define TT_TOTALS_H

#include "entry_row.h"

#include "commands/trigger.h"
#include "utils/date.h"

/* An entry before and after a change. */
typedef struct EntryChange
{
	bool		has_before;
	bool		has_after;
	EntryRow	before;
	EntryRow	after;
} EntryChange;

/* A row of user_totals; seconds unless the name says otherwise. */
typedef struct UserTotals
{
	int64		user_id;
	bool		listed;
	int64		seconds;
	int64		entries;
	int32		badges;
	int32		projects_created;
	int32		active_days;
	int64		longest_entry;
	int64		best_day;
	int64		best_week;
	bool		has_streak;
	DateADT		streak_start;
	DateADT		streak_end;
	int32		longest_streak;
	int64		widest_entry;	/* of all that ever were, flagged ones too */
} UserTotals;

/* A local day, the seconds it gained (or lost, below 0), and those it has then. */
typedef struct DayChange
{
	DateADT		day;
	int64		seconds;
	int64		after;
} DayChange;

/* What a user's projects come to. */
typedef struct ProjectFigures
{
	bool		known;
	int64		count;			/* those he has time on */
	int64		best_seconds;	/* of the one with most */
} ProjectFigures;

/* The columns that tt_totals_read() takes, of user_totals as t. */
#define TT_TOTALS_COLUMNS \
	"t.listed, t.seconds, t.entries, t.badges, t.projects_created, t.active_days," \
	" t.longest_entry, t.best_day, t.best_week, t.streak_start, t.streak_end," \
	" t.longest_streak, t.widest_entry"

/* Read totals from a row of the last result; NULLs, for no totals yet, are zeros. */
extern void tt_totals_read(uint64 row, int first_column, int64 user_id, UserTotals *totals);

/* Read the totals of a locked user. Needs tt_spi_begin(), as all below. */
extern void tt_totals_load(int64 user_id, UserTotals *totals);

/* Write them back; badges and projects_created belong to others and stay. */
extern void tt_totals_store(const UserTotals *totals);

/*
 * Bring day_totals, project_totals, scores and *totals in line with changes,
 * all of this one locked user. The caller stores *totals.
 */
extern void tt_totals_apply(UserTotals *totals, const EntryChange *changes, int nchanges);

/* Go through the projects of a user; or look up the seconds of one. */
extern void tt_project_figures(int64 user_id, ProjectFigures *figures);
extern int64 tt_project_seconds(int64 user_id, int64 project_id);

/* Let widest_entry of *totals cover the changed entries. */
extern void tt_totals_widen(UserTotals *totals, const EntryChange *changes, int nchanges);

/* Raise: a derived row that should exist does not, so something wrote past the triggers. */
extern TT_NORETURN void tt_totals_drifted(int64 user_id, const char *table);

/* AFTER DELETE ROW on user_totals: what hangs on the row goes with it. */
extern void tt_totals_deleted(TriggerData *trigger);

/* Delete the user's derived rows and zero what entries make of *totals. */
extern void tt_totals_clear(UserTotals *totals);

#endif
