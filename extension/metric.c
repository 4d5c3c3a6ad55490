/*
 * metric.c: the value of each badge metric for one user. All-time figures come
 * from user_totals; the rest is one indexed query, run only when a condition
 * asks for it.
 */
#include "metric.h"

#include "access/xact.h"
#include "day.h"
#include "lock.h"
#include "spi.h"
#include "streak.h"

static TtQuery seconds_since = {
	"SELECT COALESCE(sum(seconds), 0)::bigint FROM timetrackr.scores"
	" WHERE user_id = $1 AND period = 'day' AND period_start >= $2",
	2, {INT8OID, DATEOID}, TT_AT_HOME
};

static TtQuery days_since = {
	"SELECT count(*) FROM timetrackr.scores"
	" WHERE user_id = $1 AND period = 'day' AND period_start >= $2",
	2, {INT8OID, DATEOID}, TT_AT_HOME
};

static TtQuery entries_since = {
	"SELECT count(*) FROM timetrackr.time_entries"
	" WHERE user_id = $1 AND start_time >= $2 AND end_time IS NOT NULL AND NOT flagged",
	2, {INT8OID, TIMESTAMPTZOID}, TT_AT_HOME
};

static TtQuery project_seconds_since = {
	"SELECT COALESCE(max(s), 0)::bigint FROM ("
	"SELECT sum(seconds) AS s FROM timetrackr.day_totals"
	" WHERE user_id = $1 AND ($2 = 0 OR project_id = $2) AND day >= $3"
	" GROUP BY project_id) per_project",
	3, {INT8OID, INT8OID, DATEOID}, TT_AT_HOME
};

#define UNLOCKED_SOURCE \
	"SELECT u.id, u.timezone, u.created_at, " TT_TOTALS_COLUMNS \
	" FROM timetrackr.users u" \
	" LEFT JOIN timetrackr.user_totals t ON t.user_id = u.id"

static TtQuery source_of_user = {
	UNLOCKED_SOURCE " WHERE u.id = $1",
	1, {INT8OID}, TT_AT_HOME
};

static TtQuery source_page = {
	UNLOCKED_SOURCE " WHERE u.id > $1 ORDER BY u.id LIMIT $2",
	2, {INT8OID, INT8OID}
};

static void
set_user(MetricSource *source, const char *timezone, TimestampTz joined_at)
{
	source->timezone = tt_timezone(timezone);
	source->today = tt_local_day(GetCurrentTimestamp(), source->timezone);
	source->joined_at = joined_at;
	source->projects.known = false;
}

/* A source from a row of one of these two. */
static void
read_source(uint64 row, MetricSource *source)
{
	tt_totals_read(row, 3, tt_int64(row, 0), &source->totals);
	set_user(source, tt_text(row, 1), tt_int64(row, 2));
}

bool
tt_metric_source_peek(MetricSource *source, int64 user_id)
{
	Datum		args[] = {Int64GetDatum(user_id)};

	if (tt_query(&source_of_user, args, NULL) == 0)
		return false;
	read_source(0, source);
	return true;
}

int
tt_metric_source_page(MetricSource *sources, TtHome home, int64 after_id, int most)
{
	Datum		args[] = {Int64GetDatum(after_id), Int64GetDatum(most)};
	int			rows = (int) tt_query_at(home, &source_page, args, NULL);

	for (int row = 0; row < rows; row++)
		read_source(row, &sources[row]);
	return rows;
}

void
tt_metric_source_init(MetricSource *source, int64 user_id)
{
	const UserLock *lock = tt_user_lock(user_id);

	if (lock == NULL)
		elog(ERROR, "timetrackr: user " INT64_FORMAT " is not locked", user_id);
	tt_totals_load(user_id, &source->totals);
	set_user(source, lock->timezone, lock->joined_at);
}

static double
query_value(TtQuery *query, const Datum *args)
{
	return tt_query(query, args, NULL) == 1 ? (double) tt_int64(0, 0) : 0;
}

/* Metrics over the last days; first_day is the first of them. */
static double
value_since(Metric metric, int64 project_id, DateADT first_day, const MetricSource *source)
{
	Datum		user_id = Int64GetDatum(source->totals.user_id);
	Datum		since = DateADTGetDatum(first_day);

	switch (metric)
	{
		case METRIC_TOTAL_SECONDS:
			return query_value(&seconds_since, (Datum[]) {user_id, since});
		case METRIC_ACTIVE_DAYS:
			return query_value(&days_since, (Datum[]) {user_id, since});
		case METRIC_ENTRY_COUNT:
			return query_value(&entries_since, (Datum[]) {user_id,
														  TimestampTzGetDatum(tt_day_start(first_day, source->timezone))});
		case METRIC_PROJECT_SECONDS:
			return query_value(&project_seconds_since, (Datum[]) {user_id, Int64GetDatum(project_id), since});
		default:
			elog(ERROR, "timetrackr: metric %d has no last_days", (int) metric);
			return 0;
	}
}

/* Projects are gone through once, and only when they are asked for. */
static const ProjectFigures *
projects_of(MetricSource *source)
{
	if (!source->projects.known)
		tt_project_figures(source->totals.user_id, &source->projects);
	return &source->projects;
}

static int64
days_since_joining(const MetricSource *source)
{
	return Max(0, (GetCurrentTransactionStartTimestamp() - source->joined_at) / USECS_PER_DAY);
}

bool
tt_metric_of_totals(Metric metric, const UserTotals *totals, DateADT today, double *value)
{
	switch (metric)
	{
		case METRIC_TOTAL_SECONDS:
			*value = totals->seconds;
			return true;
		case METRIC_ENTRY_COUNT:
			*value = totals->entries;
			return true;
		case METRIC_LONGEST_ENTRY_SECONDS:
			*value = totals->longest_entry;
			return true;
		case METRIC_BEST_DAY_SECONDS:
			*value = totals->best_day;
			return true;
		case METRIC_BEST_WEEK_SECONDS:
			*value = totals->best_week;
			return true;
		case METRIC_CURRENT_STREAK_DAYS:
			*value = tt_streak_current(totals, today);
			return true;
		case METRIC_LONGEST_STREAK_DAYS:
			*value = totals->longest_streak;
			return true;
		case METRIC_ACTIVE_DAYS:
			*value = totals->active_days;
			return true;
		case METRIC_PROJECTS_CREATED:
			*value = totals->projects_created;
			return true;
		case METRIC_BADGES_EARNED:
			*value = totals->badges;
			return true;
		default:
			return false;
	}
}

double
tt_metric_value(Metric metric, int64 project_id, int last_days, void *arg)
{
	MetricSource *source = arg;
	double		value;

	if (last_days > 0)
		return value_since(metric, project_id, source->today - last_days + 1, source);
	if (tt_metric_of_totals(metric, &source->totals, source->today, &value))
		return value;
	switch (metric)
	{
		case METRIC_PROJECT_SECONDS:
			return project_id == 0 ? projects_of(source)->best_seconds
				: tt_project_seconds(source->totals.user_id, project_id);
		case METRIC_PROJECTS_CONTRIBUTED:
			return projects_of(source)->count;
		case METRIC_ACCOUNT_AGE_DAYS:
			return days_since_joining(source);
		default:
			elog(ERROR, "timetrackr: unknown metric %d", (int) metric);
			return 0;
	}
}
