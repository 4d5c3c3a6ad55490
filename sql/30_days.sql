-- Local calendar days of a time zone.

CREATE FUNCTION timetrackr.day_slices(start_time timestamptz, end_time timestamptz, timezone text)
RETURNS TABLE (day date, seconds bigint)
LANGUAGE c
STABLE
STRICT
PARALLEL SAFE
ROWS 2
AS 'MODULE_PATHNAME', 'tt_day_slices_sql';
COMMENT ON FUNCTION timetrackr.day_slices(timestamptz, timestamptz, text) IS
'Cuts the interval from start_time to end_time (exclusive) by local calendar day: one row for each date that a calendar in timezone showed meanwhile, oldest first, with the seconds during which it showed it. Both times count by the whole second below them; the rows add up to the seconds between them. timezone is a name of pg_timezone_names (TT422 invalid_timezone). Infinite times are TT422 invalid_time, end_time before start_time is TT422 end_not_after_start, an empty interval gives no row.';

CREATE FUNCTION timetrackr.day_start(day date, timezone text)
RETURNS timestamptz
LANGUAGE c
STABLE
STRICT
PARALLEL SAFE
AS 'MODULE_PATHNAME', 'tt_day_start_sql';
COMMENT ON FUNCTION timetrackr.day_start(date, text) IS
'The first instant at which a calendar in timezone shows day, also where daylight saving skips midnight or repeats it. For a day that the zone skipped altogether, the first instant of the next day it had. timezone is a name of pg_timezone_names (TT422 invalid_timezone); an infinite day is TT422 invalid_time.';
