/*
 * import_times.c: reads dates and times of files (see import_times.h).
 */
#include "import_times.h"

#include "datatype/timestamp.h"
#include "utils/datetime.h"

/* Seconds from 1970 to 2000. */
#define EPOCH_SECONDS ((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

/* Take up to most digits, at least one; -1: there is none. Returns how many in *count. */
static int
take_number(const char **at, int most, int *count)
{
	int			number = 0;

	for (*count = 0; *count < most && **at >= '0' && **at <= '9'; (*count)++)
		number = number * 10 + *(*at)++ - '0';
	return *count > 0 ? number : -1;
}

static bool
take_char(const char **at, const char *set, char *taken)
{
	if (**at == '\0' || strchr(set, **at) == NULL)
		return false;
	*taken = *(*at)++;
	return true;
}

/* A calendar date as days since 2000-01-01. */
static bool
to_day(int year, int month, int day, int64 *result)
{
	if (year < 1 || year > 9999 || month < 1 || month > MONTHS_PER_YEAR ||
		day < 1 || day > day_tab[isleap(year)][month - 1])
		return false;
	*result = date2j(year, month, day) - POSTGRES_EPOCH_JDATE;
	return true;
}

/* Three numbers between two equal separators; which one is the year shows by its digits. */
static bool
take_parts(const char **at, int parts[3], bool *year_first, char *separator)
{
	char		second;
	int			counts[3];

	parts[0] = take_number(at, 4, &counts[0]);
	if (parts[0] < 0 || !take_char(at, "-/.", separator))
		return false;
	parts[1] = take_number(at, 2, &counts[1]);
	if (parts[1] < 0 || !take_char(at, "-/.", &second) || second != *separator)
		return false;
	parts[2] = take_number(at, 4, &counts[2]);
	*year_first = counts[0] == 4;
	return parts[2] >= 0 && (*year_first ? counts[2] <= 2 : counts[0] <= 2 && counts[2] == 4);
}

static bool
take_date(const char **at, DayMonthOrder order, int64 *day)
{
	int			parts[3];
	bool		year_first;
	char		separator;

	if (!take_parts(at, parts, &year_first, &separator))
		return false;
	if (year_first)
		return to_day(parts[0], parts[1], parts[2], day);
	if (separator == '.' || order == DAY_FIRST)
		return to_day(parts[2], parts[1], parts[0], day);
	return to_day(parts[2], parts[0], parts[1], day);
}

bool
tt_tells_order(const char *date, DayMonthOrder *order)
{
	int			parts[3];
	bool		year_first;
	char		separator;

	if (!take_parts(&date, parts, &year_first, &separator) || year_first || separator == '.' ||
		(parts[0] <= MONTHS_PER_YEAR) == (parts[1] <= MONTHS_PER_YEAR))
		return false;
	*order = parts[0] > MONTHS_PER_YEAR ? DAY_FIRST : MONTH_FIRST;
	return true;
}

/* hh:mm or hh:mm:ss; seconds of the day, where 24:00:00 and leap seconds are none. */
static bool
take_clock(const char **at, int most_hours_digits, int64 *seconds)
{
	char		colon;
	int			count;
	int			hour = take_number(at, most_hours_digits, &count);
	int			minute;
	int			second = 0;

	if (hour < 0 || !take_char(at, ":", &colon))
		return false;
	minute = take_number(at, 2, &count);
	if (count != 2 || minute > 59)
		return false;
	if (take_char(at, ":", &colon))
	{
		second = take_number(at, 2, &count);
		if (count != 2 || second > 59)
			return false;
	}
	*seconds = (int64) hour * SECS_PER_HOUR + minute * SECS_PER_MINUTE + second;
	return true;
}

bool
tt_read_duration(const char *text, int64 *seconds)
{
	return take_clock(&text, 6, seconds) && *text == '\0';
}

bool
tt_read_local(const char *date, const char *time, DayMonthOrder order, int64 *local)
{
	int64		day;
	int64		seconds;
	int64		hour;

	if (!take_date(&date, order, &day) || *date != '\0' || !take_clock(&time, 2, &seconds))
		return false;
	hour = seconds / SECS_PER_HOUR;
	if (pg_strcasecmp(time, " am") == 0 || pg_strcasecmp(time, " pm") == 0)
	{
		if (hour < 1 || hour > 12)
			return false;
		seconds -= hour == 12 ? 12 * SECS_PER_HOUR : 0;
		seconds += (time[1] | 0x20) == 'p' ? 12 * SECS_PER_HOUR : 0;
	}
	else if (*time != '\0' || hour > 23)
		return false;
	*local = day * SECS_PER_DAY + seconds;
	return true;
}

/* Z or ±hh:mm, as seconds east of UTC. */
static bool
take_offset(const char **at, int64 *offset)
{
	char		sign;

	*offset = 0;
	if (take_char(at, "Zz", &sign))
		return true;
	if (!take_char(at, "+-", &sign) || !take_clock(at, 2, offset) || *offset > 15 * SECS_PER_HOUR)
		return false;
	*offset = sign == '-' ? -*offset : *offset;
	return true;
}

bool
tt_read_instant(const char *text, TimestampTz *instant)
{
	char		taken;
	int64		day;
	int64		seconds;
	int64		offset;
	int			count;

	if (!take_date(&text, MONTH_FIRST, &day) || !take_char(&text, "Tt ", &taken) ||
		!take_clock(&text, 2, &seconds) || seconds >= SECS_PER_DAY)
		return false;
	/* entries begin and end at whole seconds, at or before what is written */
	if (take_char(&text, ".", &taken) && take_number(&text, 9, &count) < 0)
		return false;
	if (!take_offset(&text, &offset) || *text != '\0')
		return false;
	*instant = (day * SECS_PER_DAY + seconds - offset) * USECS_PER_SEC;
	return true;
}

/* Seconds east of UTC at an instant, in seconds since 2000. */
static int64
offset_at(int64 instant, pg_tz *tz)
{
	pg_time_t	second = instant + EPOCH_SECONDS;
	struct pg_tm *local = pg_localtime(&second, tz);

	if (local == NULL)
		elog(ERROR, "timetrackr: no local time for second " INT64_FORMAT, second);
	return local->tm_gmtoff;
}

int
tt_local_instants(int64 local, pg_tz *tz, TimestampTz instants[2])
{
	/* no zone is further from UTC than a day and changes twice within the next */
	int64		before = local - offset_at(local - SECS_PER_DAY, tz);
	int64		after = local - offset_at(local + SECS_PER_DAY, tz);
	bool		is_before = before + offset_at(before, tz) == local;
	bool		is_after = after + offset_at(after, tz) == local;

	/* with the offset from before the change, a skipped time lies as far behind it */
	instants[0] = (is_before || !is_after ? before : after) * USECS_PER_SEC;
	if (!is_before || !is_after || before == after)
		return 1;
	instants[0] = Min(before, after) * USECS_PER_SEC;
	instants[1] = Max(before, after) * USECS_PER_SEC;
	return 2;
}
