/*
 * day.c: cuts intervals at local midnights (see day.h), and its SQL face.
 *
 * Everything is derived from stretches of time in which the zone's offset from
 * UTC is constant. Within one, local time runs straight; between two it may
 * jump over a midnight or a whole day, or fall back into yesterday.
 */
#include "day.h"

#include <string.h>

#include "error.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

/* Days from the Unix epoch to PostgreSQL's. */
#define EPOCH_DAYS (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE)

/* No zone is further from UTC than this (RFC 8536). */
#define MAX_OFFSET_SECONDS (26 * SECS_PER_HOUR)

/*
 * A clock set back from one end of the offsets' range to the other shows a
 * date three days earlier; so that many days may still grow.
 */
#define OPEN_DAYS 4

/* A stretch of constant offset, from the instant asked for. */
typedef struct Stretch
{
	int64		offset;			/* seconds east of UTC */
	pg_time_t	until;			/* first second after it */
} Stretch;

/* Seconds of the days that a clock set back can still return to. */
typedef struct OpenDays
{
	DateADT		first;			/* days before it have been reported */
	int64		seconds[OPEN_DAYS]; /* of a day, at its number modulo OPEN_DAYS */
	void		(*slice) (DateADT day, int64 seconds, void *arg);
	void	   *arg;
} OpenDays;

PG_FUNCTION_INFO_V1(tt_day_slices_sql);
PG_FUNCTION_INFO_V1(tt_day_start_sql);

/* a / b rounded down, for b > 0. */
static inline int64
floor_div(int64 a, int64 b)
{
	return a / b - (a % b < 0);
}

/* The second since 1970 in which an instant lies. */
static inline pg_time_t
unix_second(TimestampTz instant)
{
	return floor_div(instant, USECS_PER_SEC) + (int64) EPOCH_DAYS * SECS_PER_DAY;
}

/* The names with a digit in them, of pg_timezone_names. */
static HTAB *
load_numbered_names(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "timetrackr zone names",
												  ALLOCSET_SMALL_SIZES);
	HASHCTL		control = {.keysize = TT_TIMEZONE_SIZE,.entrysize = TT_TIMEZONE_SIZE,.hcxt = context};
	HTAB	   *names = hash_create("timetrackr zone names", 128, &control,
									HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	pg_tzenum  *zones = pg_tzenumerate_start();
	pg_tz	   *zone;

	while ((zone = pg_tzenumerate_next(zones)) != NULL)
	{
		const char *name = pg_get_timezone_name(zone);

		if (strlen(name) < TT_TIMEZONE_SIZE && strpbrk(name, "0123456789") != NULL)
			(void) hash_search(names, name, HASH_ENTER, NULL);
	}
	pg_tzenumerate_end(zones);
	MemoryContextSetParent(context, TopMemoryContext);
	return names;
}

/*
 * Is name a zone of the database, as far as its spelling tells? pg_tzset()
 * also takes POSIX rules, such as "XYZ-3", and keeps each one it has seen for
 * ever. All of them hold a digit; so only names with one are looked up, in a
 * list read once.
 */
static bool
may_be_zone_name(const char *name)
{
	static HTAB *numbered_names = NULL;

	if (strlen(name) >= TT_TIMEZONE_SIZE)
		return false;
	if (strpbrk(name, "0123456789") == NULL)
		return true;
	if (numbered_names == NULL)
		numbered_names = load_numbered_names();
	return hash_search(numbered_names, name, HASH_FIND, NULL) != NULL;
}

pg_tz *
tt_find_timezone(const char *name)
{
	pg_tz	   *tz = may_be_zone_name(name) ? pg_tzset(name) : NULL;

	/* pg_tzset() forgives wrong case; zones with leap seconds are no use. */
	return tz != NULL && strcmp(pg_get_timezone_name(tz), name) == 0 && pg_tz_acceptable(tz)
		? tz : NULL;
}

pg_tz *
tt_timezone(const char *name)
{
	pg_tz	   *tz = tt_find_timezone(name);

	if (tz == NULL)
		tt_raise(422, "invalid_timezone", "timezone", NULL,
				 "There is no such time zone; give a name such as \"Europe/Paris\".");
	return tz;
}

static int64
offset_at(pg_time_t instant, pg_tz *tz)
{
	struct pg_tm *local = pg_localtime(&instant, tz);

	if (local == NULL)
		elog(ERROR, "timetrackr: no local time for second " INT64_FORMAT, instant);
	return local->tm_gmtoff;
}

/*
 * The first second after instant at which the zone may change its offset, or
 * PG_INT64_MAX for never.
 */
static pg_time_t
next_change(pg_time_t instant, pg_tz *tz)
{
	long int	before_offset,
				after_offset;
	int			before_dst,
				after_dst;
	pg_time_t	change;
	int			found;

	found = pg_next_dst_boundary(&instant, &before_offset, &before_dst, &change,
								 &after_offset, &after_dst, tz);
	if (found == 0)
	{
		/*
		 * Exactly at the last change of its table it says "never" even where
		 * the rules go on for ever; a second later it knows.
		 */
		pg_time_t	later = instant + 1;

		found = pg_next_dst_boundary(&later, &before_offset, &before_dst, &change,
									 &after_offset, &after_dst, tz);
	}
	if (found < 0)
		elog(ERROR, "timetrackr: no zone rules for second " INT64_FORMAT, instant);
	return found == 0 ? PG_INT64_MAX : change;
}

static Stretch
stretch_at(pg_time_t instant, pg_tz *tz)
{
	return (Stretch) {.offset = offset_at(instant, tz),.until = next_change(instant, tz)};
}

/* The date in which a second of local time lies. */
static inline DateADT
date_of(int64 local_second)
{
	int64		day = floor_div(local_second, SECS_PER_DAY) - EPOCH_DAYS;

	if (!IS_VALID_DATE(day))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("date out of range")));
	return (DateADT) day;
}

/* The second of local time at which a date begins. */
static inline int64
midnight_of(DateADT day)
{
	return ((int64) day + EPOCH_DAYS) * SECS_PER_DAY;
}

DateADT
tt_local_day(TimestampTz instant, pg_tz *tz)
{
	pg_time_t	second = unix_second(instant);

	return date_of(second + offset_at(second, tz));
}

TimestampTz
tt_day_start(DateADT day, pg_tz *tz)
{
	int64		midnight = midnight_of(day);
	pg_time_t	from = midnight - MAX_OFFSET_SECONDS;	/* surely before it */
	Stretch		stretch = stretch_at(from, tz);
	pg_time_t	result;

	/* Find the first stretch whose local time reaches midnight. */
	while (stretch.until < PG_INT64_MAX && midnight - stretch.offset >= stretch.until)
	{
		from = stretch.until;
		stretch = stretch_at(from, tz);
	}

	/* It begins at or after midnight when the clock jumped over it. */
	result = Max(from, midnight - stretch.offset) - (int64) EPOCH_DAYS * SECS_PER_DAY;
	if (result < MIN_TIMESTAMP / USECS_PER_SEC || result >= END_TIMESTAMP / USECS_PER_SEC)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	return result * USECS_PER_SEC;
}

/* Report days until first is the oldest one still open. */
static void
report_before(OpenDays *open, DateADT first)
{
	for (; open->first < first; open->first++)
	{
		int64	   *seconds = &open->seconds[(uint32) open->first % OPEN_DAYS];

		if (*seconds > 0)
			open->slice(open->first, *seconds, open->arg);
		*seconds = 0;
	}
}

/* Count seconds of day. */
static inline void
add_seconds(OpenDays *open, DateADT day, int64 seconds)
{
	report_before(open, day - OPEN_DAYS + 1);
	if (day < open->first)
		elog(ERROR, "timetrackr: a clock was set back by more than %d days", OPEN_DAYS - 1);
	open->seconds[(uint32) day % OPEN_DAYS] += seconds;
}

void
tt_cut_days(TimestampTz start, TimestampTz end, pg_tz *tz,
			void (*slice) (DateADT day, int64 seconds, void *arg), void *arg)
{
	pg_time_t	now = unix_second(start);
	pg_time_t	stop = unix_second(end);
	OpenDays	open = {.slice = slice,.arg = arg};

	if (now >= stop)
		return;
	open.first = tt_local_day(start, tz) - OPEN_DAYS + 1;
	while (now < stop)
	{
		Stretch		stretch = stretch_at(now, tz);
		pg_time_t	stretch_end = Min(stretch.until, stop);

		while (now < stretch_end)
		{
			DateADT		day = date_of(now + stretch.offset);
			pg_time_t	next = Min(midnight_of(day + 1) - stretch.offset, stretch_end);

			CHECK_FOR_INTERRUPTS();
			add_seconds(&open, day, next - now);
			now = next;
		}
	}
	report_before(&open, open.first + OPEN_DAYS);
}

/* Refuse an infinite instant of a SQL call. */
static void
require_finite(TimestampTz instant, const char *field)
{
	if (TIMESTAMP_NOT_FINITE(instant))
		tt_raise(422, "invalid_time", field, NULL, "%s must be finite.", field);
}

/* Put a slice into the result of day_slices(). */
static void
put_slice(DateADT day, int64 seconds, void *arg)
{
	ReturnSetInfo *result = arg;
	Datum		values[2] = {DateADTGetDatum(day), Int64GetDatum(seconds)};
	bool		nulls[2] = {false, false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* day_slices(start_time, end_time, timezone) */
Datum
tt_day_slices_sql(PG_FUNCTION_ARGS)
{
	TimestampTz start = PG_GETARG_TIMESTAMPTZ(0);
	TimestampTz end = PG_GETARG_TIMESTAMPTZ(1);
	pg_tz	   *tz = tt_timezone(text_to_cstring(PG_GETARG_TEXT_PP(2)));

	require_finite(start, "start_time");
	require_finite(end, "end_time");
	if (end < start)
		tt_raise(422, "end_not_after_start", "end_time", NULL,
				 "end_time must not be before start_time.");
	InitMaterializedSRF(fcinfo, 0);
	tt_cut_days(start, end, tz, put_slice, fcinfo->resultinfo);
	return (Datum) 0;
}

/* day_start(day, timezone) */
Datum
tt_day_start_sql(PG_FUNCTION_ARGS)
{
	DateADT		day = PG_GETARG_DATEADT(0);
	pg_tz	   *tz = tt_timezone(text_to_cstring(PG_GETARG_TEXT_PP(1)));

	if (DATE_NOT_FINITE(day))
		tt_raise(422, "invalid_time", "day", NULL, "day must be finite.");
	PG_RETURN_TIMESTAMPTZ(tt_day_start(day, tz));
}
