/*
 * day.h: local calendar days of a time zone, daylight saving included.
 * Instants are TimestampTz, finite, and count by the whole second below them.
 */
#ifndef TT_DAY_H
#define TT_DAY_H

#include "timetrackr.h"

#include "pgtime.h"
#include "utils/date.h"

/* Room for any accepted zone name and its terminating zero. */
#define TT_TIMEZONE_SIZE 64

/*
 * The zone called name, exactly as pg_timezone_names writes it; valid to the
 * end of the session. Raises TT422 invalid_timezone for any other name.
 */
extern pg_tz *tt_timezone(const char *name);

/* The same, but NULL for any other name. */
extern pg_tz *tt_find_timezone(const char *name);

/* The date that a calendar in zone tz shows at an instant. */
extern DateADT tt_local_day(TimestampTz instant, pg_tz *tz);

/*
 * The first instant at which a calendar in zone tz shows day or, where the
 * zone skipped that day, a later one. day is finite. Raises 22008 when no
 * timestamp is that far.
 */
extern TimestampTz tt_day_start(DateADT day, pg_tz *tz);

/*
 * Cut [start, end) by local date: call slice once for each date with the
 * seconds during which a calendar in zone tz showed it, in ascending order,
 * dates without any left out. The seconds add up to those from start to end;
 * nothing is called when end is not later. Cost grows with the number of days.
 */
extern void tt_cut_days(TimestampTz start, TimestampTz end, pg_tz *tz,
						void (*slice) (DateADT day, int64 seconds, void *arg),
						void *arg);

#endif
