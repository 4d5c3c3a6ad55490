/*
 * import_times.h: dates and times as files write them, and what instants the
 * local ones are. Nothing here raises: who reads a file wants to know which line is wrong.
 */
#ifndef TT_IMPORT_TIMES_H
#define TT_IMPORT_TIMES_H

#include "timetrackr.h"

#include "pgtime.h"

typedef enum DayMonthOrder { MONTH_FIRST, DAY_FIRST } DayMonthOrder;

/* RFC 3339: 2026-01-31T08:00:00Z, with a fraction or an offset. False: it is none. */
extern bool tt_read_instant(const char *text, TimestampTz *instant);

/*
 * A date and a time of day, as seconds of a local clock since 2000-01-01:
 * 2026-01-31, 2026/01/31, 31.01.2026, or 01/31/2026 and 01-31-2026 in order;
 * 08:00, 08:00:00, 8:00:00 PM. False: they are none.
 */
extern bool tt_read_local(const char *date, const char *time, DayMonthOrder order, int64 *local);

/* Does this date tell the order of days and months? 1/31/2026 does, 1/2/2026 does not. */
extern bool tt_tells_order(const char *date, DayMonthOrder *order);

/* A length such as 1:30:00 in seconds. False: it is none. */
extern bool tt_read_duration(const char *text, int64 *seconds);

/*
 * The instants at which a clock in zone tz shows local: one, or two (earlier
 * first) when it is set back. One that it skips is moved forward by what was skipped.
 */
extern int	tt_local_instants(int64 local, pg_tz *tz, TimestampTz instants[2]);

#endif
