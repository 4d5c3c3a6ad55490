/*
 * replay.c: plays a user's history back (see replay.h). The same metrics as in
 * metric.c, but as of a moment, from figures that each entry adds to. Days are
 * those of the entry's frozen time zone, and for what is no entry those of the
 * user's present one.
 */
#include "replay.h"

#include "day.h"
#include "ledger.h"
#include "metric.h"
#include "miscadmin.h"
#include "score.h"
#include "spi.h"
#include "streak.h"
#include "totals.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

/* Rows of history fetched at a time. */
#define REPLAY_PAGE 1000

typedef enum HistoryKind { HISTORY_PROJECT, HISTORY_BADGE, HISTORY_ENTRY } HistoryKind;

/* A project's hash entry. */
typedef struct ProjectLedger
{
	int64		project_id;		/* hash key */
	Ledger		ledger;
} ProjectLedger;

/* A user's figures as of a moment. */
typedef struct Replay
{
	UserTotals	totals;
	Ledger		days;
	Ledger		weeks;			/* by their Mondays */
	HTAB	   *projects;		/* ProjectLedger by id: those with entries */
	TimestampTz *starts;		/* of the entries, in ascending order */
	int64		capacity;		/* of starts; totals.entries are in use */
	TimestampTz joined_at;
	pg_tz	   *home;			/* the user's time zone */
	TimestampTz now;			/* the moment */
	pg_tz	   *timezone;		/* its days are those of this zone */
} Replay;

static TtQuery user_of_history = {
	"SELECT created_at, timezone FROM timetrackr.users WHERE id = $1",
	1, {INT8OID}
};

/* Columns: when, HistoryKind, entry, project, start, time zone. */
static TtQuery history = {
	"SELECT p.created_at, 0, NULL::bigint, p.id, NULL::timestamptz, NULL::text"
	" FROM timetrackr.projects p WHERE p.owner_id = $1"
	" UNION ALL"
	" SELECT b.awarded_at, 1, b.entry_id, NULL, NULL, NULL"
	" FROM timetrackr.user_badges b WHERE b.user_id = $1"
	" UNION ALL"
	" SELECT e.end_time, 2, e.id, e.project_id, e.start_time, e.timezone"
	" FROM timetrackr.time_entries e"
	" WHERE e.user_id = $1 AND e.end_time IS NOT NULL AND NOT e.flagged"
	" ORDER BY 1, 2, 3",
	1, {INT8OID}, TT_AT_HOME
};

static DateADT
today(const Replay *replay)
{
	return tt_local_day(replay->now, replay->timezone);
}

/* what entries add */

/* A day has just reached what makes it count for a streak. */
static void
extend_streak(Replay *replay, DateADT day)
{
	UserTotals *totals = &replay->totals;
	DateADT		first;
	DateADT		last;

	tt_ledger_run(&replay->days, day, tt_streak_min_seconds, &first, &last);
	totals->longest_streak = Max(totals->longest_streak, last - first + 1);
	if (totals->has_streak && last < totals->streak_end)
		return;
	totals->has_streak = true;
	totals->streak_start = first;
	totals->streak_end = last;
}

typedef struct SliceTarget
{
	Replay	   *replay;
	Ledger	   *project;
} SliceTarget;

static void
add_slice(DateADT day, int64 seconds, void *arg)
{
	SliceTarget *target = arg;
	Replay	   *replay = target->replay;
	UserTotals *totals = &replay->totals;
	int64		of_day = tt_ledger_add(&replay->days, day, seconds);
	int64		of_week = tt_ledger_add(&replay->weeks, tt_week_start(day), seconds);

	(void) tt_ledger_add(target->project, day, seconds);
	totals->best_day = Max(totals->best_day, of_day);
	totals->best_week = Max(totals->best_week, of_week);
	totals->active_days = replay->days.count;
	if (of_day >= tt_streak_min_seconds && of_day - seconds < tt_streak_min_seconds)
		extend_streak(replay, day);
}

static Ledger *
ledger_of_project(Replay *replay, int64 project_id)
{
	bool		found;
	ProjectLedger *project = hash_search(replay->projects, &project_id, HASH_ENTER, &found);

	if (!found)
		memset(&project->ledger, 0, sizeof(Ledger));
	return &project->ledger;
}

/* How many entries started before start. */
static int64
started_before(const Replay *replay, TimestampTz start)
{
	int64		low = 0;
	int64		high = replay->totals.entries;

	while (low < high)
	{
		int64		middle = low + (high - low) / 2;

		if (replay->starts[middle] < start)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
add_start(Replay *replay, TimestampTz start)
{
	int64		count = replay->totals.entries;
	int64		at = started_before(replay, start);

	if (count == replay->capacity)
	{
		replay->capacity = Max(64, replay->capacity * 2);
		replay->starts = replay->starts == NULL
			? palloc(replay->capacity * sizeof(TimestampTz))
			: repalloc_huge(replay->starts, replay->capacity * sizeof(TimestampTz));
	}
	memmove(&replay->starts[at + 1], &replay->starts[at], (count - at) * sizeof(TimestampTz));
	replay->starts[at] = start;
	replay->totals.entries++;
}

static void
add_entry(Replay *replay, int64 project_id, TimestampTz start)
{
	SliceTarget target = {replay, ledger_of_project(replay, project_id)};
	int64		seconds = (replay->now - start) / USECS_PER_SEC;

	add_start(replay, start);
	replay->totals.seconds += seconds;
	replay->totals.longest_entry = Max(replay->totals.longest_entry, seconds);
	tt_cut_days(start, replay->now, replay->timezone, add_slice, &target);
}

/* metrics as of the moment */

/* Seconds since first of one project, or of the best one when project_id is 0. */
static int64
project_seconds_since(const Replay *replay, int64 project_id, DateADT first)
{
	HASH_SEQ_STATUS all;
	const ProjectLedger *project;
	int64		best = 0;

	if (project_id != 0)
	{
		project = hash_search(replay->projects, &project_id, HASH_FIND, NULL);
		return project == NULL ? 0 : tt_ledger_seconds_since(&project->ledger, first);
	}
	hash_seq_init(&all, replay->projects);
	while ((project = hash_seq_search(&all)) != NULL)
		best = Max(best, tt_ledger_seconds_since(&project->ledger, first));
	return best;
}

static double
value_since(const Replay *replay, Metric metric, int64 project_id, DateADT first)
{
	switch (metric)
	{
		case METRIC_TOTAL_SECONDS:
			return tt_ledger_seconds_since(&replay->days, first);
		case METRIC_ACTIVE_DAYS:
			return tt_ledger_days_since(&replay->days, first);
		case METRIC_ENTRY_COUNT:
			return replay->totals.entries -
				started_before(replay, tt_day_start(first, replay->timezone));
		case METRIC_PROJECT_SECONDS:
			return project_seconds_since(replay, project_id, first);
		default:
			elog(ERROR, "timetrackr: metric %d has no last_days", (int) metric);
			return 0;
	}
}

/* A CriteriaLookup */
static double
replay_value(Metric metric, int64 project_id, int last_days, void *arg)
{
	const Replay *replay = arg;
	double		value;

	if (last_days > 0)
		return value_since(replay, metric, project_id, today(replay) - last_days + 1);
	if (tt_metric_of_totals(metric, &replay->totals, today(replay), &value))
		return value;
	switch (metric)
	{
		case METRIC_PROJECT_SECONDS:
			return project_seconds_since(replay, project_id, DATEVAL_NOBEGIN);
		case METRIC_PROJECTS_CONTRIBUTED:
			return hash_get_num_entries(replay->projects);
		case METRIC_ACCOUNT_AGE_DAYS:
			return Max(0, (replay->now - replay->joined_at) / USECS_PER_DAY);
		default:
			elog(ERROR, "timetrackr: unknown metric %d", (int) metric);
			return 0;
	}
}

/* playing back */

/* Bring the figures up to a row of history; returns its moment. */
static Moment
play_row(Replay *replay, uint64 row)
{
	Moment		moment = {tt_int64(row, 0), tt_int64(row, 2)};
	char	   *timezone = tt_text(row, 5);

	replay->now = moment.at;
	replay->timezone = replay->home;
	switch ((HistoryKind) tt_int64(row, 1))
	{
		case HISTORY_PROJECT:
			replay->totals.projects_created++;
			break;
		case HISTORY_BADGE:
			replay->totals.badges++;
			break;
		case HISTORY_ENTRY:
			replay->timezone = tt_timezone(timezone);
			add_entry(replay, tt_int64(row, 3), tt_int64(row, 4));
			pfree(timezone);
			break;
	}
	return moment;
}

static bool
play(Replay *replay, int64 user_id, const Criteria *criteria, Moment *moment)
{
	Datum		args[] = {Int64GetDatum(user_id)};
	TtCursor	cursor = tt_cursor_open(&history, args);
	bool		met = false;
	uint64		rows;

	while (!met && (rows = tt_cursor_fetch(cursor, REPLAY_PAGE)) > 0)
	{
		CHECK_FOR_INTERRUPTS();
		for (uint64 row = 0; row < rows && !met; row++)
		{
			*moment = play_row(replay, row);
			met = tt_criteria_hold(criteria, replay_value, replay);
		}
	}
	tt_cursor_close(cursor);
	return met;
}

static HTAB *
new_projects(void)
{
	HASHCTL		ctl;

	ctl.keysize = sizeof(int64);
	ctl.entrysize = sizeof(ProjectLedger);
	ctl.hcxt = CurrentMemoryContext;
	return hash_create("timetrackr replayed projects", 16, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

bool
tt_replay_first(int64 user_id, const Criteria *criteria, Moment *moment)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "timetrackr replay",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext outer = MemoryContextSwitchTo(context);
	Datum		args[] = {Int64GetDatum(user_id)};
	Replay		replay = {.totals = {.user_id = user_id}};
	bool		met = false;

	if (tt_query(&user_of_history, args, NULL) == 1)
	{
		replay.joined_at = tt_int64(0, 0);
		replay.home = tt_timezone(tt_text(0, 1));
		replay.projects = new_projects();
		met = play(&replay, user_id, criteria, moment);
	}
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(context);
	return met;
}
