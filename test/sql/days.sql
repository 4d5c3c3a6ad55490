-- Days: where an interval is cut, also where clocks jump over midnight, fall
-- back behind it, or skip a date.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS timetrackr CASCADE;
RESET client_min_messages;
SET datestyle = iso;
SET timezone = 'UTC';

-- The refusal of a statement: SQLSTATE, code and field, or what it returned.
CREATE FUNCTION pg_temp.refusal(statement text)
RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    state text;
    code text;
    field text;
    result text;
BEGIN
    EXECUTE statement INTO result;
    RETURN 'accepted: ' || coalesce(result, 'null');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, code = CONSTRAINT_NAME, field = COLUMN_NAME;
    RETURN concat_ws(' ', state, nullif(code, ''), nullif(field, ''));
END
$$;

-- An entry inside one day is one slice; across midnight it is two.
SELECT * FROM timetrackr.day_slices('2024-05-06 09:00+02', '2024-05-06 17:30+02', 'Europe/Berlin');
SELECT * FROM timetrackr.day_slices('2024-05-06 22:00+02', '2024-05-07 02:00+02', 'Europe/Berlin');

-- It ends exactly at midnight: nothing of the next day. It begins there: nothing of the day before.
SELECT * FROM timetrackr.day_slices('2024-05-06 23:00+02', '2024-05-07 00:00+02', 'Europe/Berlin');
SELECT * FROM timetrackr.day_slices('2024-05-07 00:00+02', '2024-05-07 00:00:01+02', 'Europe/Berlin');

-- The 23-hour and the 25-hour day.
SELECT * FROM timetrackr.day_slices('2024-03-30 23:00Z', '2024-03-31 22:00Z', 'Europe/Berlin');
SELECT * FROM timetrackr.day_slices('2024-10-26 22:00Z', '2024-10-27 23:00Z', 'Europe/Berlin');

-- São Paulo, 4 November 2018: no midnight, the day begins at 01:00.
SELECT * FROM timetrackr.day_slices('2018-11-04 02:00Z', '2018-11-05 02:00Z', 'America/Sao_Paulo');
-- 18 February 2018: at midnight back to 23:00, so the 17th has 25 hours.
SELECT * FROM timetrackr.day_slices('2018-02-17 02:00Z', '2018-02-18 04:00Z', 'America/Sao_Paulo');
-- The Azores go back from 01:00 to 00:00: midnight strikes twice on one date.
SELECT * FROM timetrackr.day_slices('2018-10-27 12:00Z', '2018-10-28 12:00Z', 'Atlantic/Azores');
-- Beirut: no midnight in spring, 23:00 to midnight twice in autumn.
SELECT * FROM timetrackr.day_slices('2019-03-30 12:00Z', '2019-03-31 12:00Z', 'Asia/Beirut');
SELECT * FROM timetrackr.day_slices('2019-10-26 12:00Z', '2019-10-27 12:00Z', 'Asia/Beirut');
-- St. John's went back from 00:01 to 23:01: into yesterday and out of it again, each date once.
SELECT * FROM timetrackr.day_slices('2010-11-07 02:00Z', '2010-11-07 05:00Z', 'America/St_Johns');
SELECT * FROM timetrackr.day_slices('2010-11-07 02:30:30Z', '2010-11-07 02:31:30Z', 'America/St_Johns');
-- Apia skipped 30 December 2011.
SELECT * FROM timetrackr.day_slices('2011-12-29 10:00Z', '2011-12-31 10:00Z', 'Pacific/Apia');
-- Kathmandu is 5:45 ahead, and was 5:30 ahead until the end of 1985.
SELECT * FROM timetrackr.day_slices('1985-12-31 12:00Z', '1985-12-31 20:00Z', 'Asia/Kathmandu');
-- Troll moves by two hours.
SELECT * FROM timetrackr.day_slices('2019-03-31 00:00Z', '2019-03-31 22:00Z', 'Antarctica/Troll');

-- Seconds count whole: an instant belongs to the second below it, before 2000 too.
SELECT * FROM timetrackr.day_slices('1969-07-20 23:59:58.9Z', '1969-07-21 00:00:01.9Z', 'UTC');

-- An empty interval has no slice, nor has one within a second.
SELECT * FROM timetrackr.day_slices('2024-05-06 09:00Z', '2024-05-06 09:00Z', 'UTC');
SELECT * FROM timetrackr.day_slices('2024-05-06 09:00:00.1Z', '2024-05-06 09:00:00.9Z', 'UTC');

-- The days of 2,000 years add up.
SELECT count(*), sum(seconds) = extract(epoch FROM timestamptz '3000-01-01 12:00Z' - timestamptz '1000-01-01 12:00Z') AS adds_up
FROM timetrackr.day_slices('1000-01-01 12:00Z', '3000-01-01 12:00Z', 'UTC');

-- Every slice against a count, step by step, of what the server's own calendar shows.
CREATE FUNCTION pg_temp.wrong_slices(zone text, from_time timestamptz, to_time timestamptz, step interval)
RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    wrong bigint;
BEGIN
    PERFORM set_config('timezone', zone, true);
    SELECT count(*) INTO wrong
    FROM (
        SELECT t::date AS day, extract(epoch FROM step)::bigint * count(*) AS seconds,
            row_number() OVER (ORDER BY t::date) AS place
        FROM generate_series(from_time, to_time - step, step) t
        GROUP BY t::date
    ) counted
    FULL JOIN (
        SELECT day, seconds, row_number() OVER () AS place
        FROM timetrackr.day_slices(from_time, to_time, zone)
    ) cut USING (day, place)
    WHERE counted.seconds IS DISTINCT FROM cut.seconds;
    PERFORM set_config('timezone', 'UTC', true);
    RETURN wrong;
END
$$;

-- By the minute, through years in which the rules changed, and far ahead.
SELECT zone, year, sum(pg_temp.wrong_slices(zone, t, t + length, '1 minute')) AS wrong
FROM (
    VALUES
        ('America/Sao_Paulo', 2018), ('Atlantic/Azores', 2023), ('Asia/Beirut', 2022), ('Asia/Beirut', 2023),
        ('Pacific/Apia', 2011), ('Asia/Kathmandu', 1985), ('Antarctica/Troll', 2021), ('Africa/El_Aaiun', 2023),
        ('Africa/Cairo', 2014), ('America/St_Johns', 2009), ('America/Havana', 2019), ('Australia/Lord_Howe', 2020),
        ('Pacific/Kwajalein', 1993), ('Asia/Gaza', 2011), ('America/Santiago', 2437), ('Pacific/Auckland', 9999)
) zones (zone, year),
LATERAL (SELECT make_timestamptz(year, 1, 1, 12, 34, 0, 'UTC') AS january, interval '73 days 05:17' AS length) l,
LATERAL generate_series(january, january + interval '1 year', length) t
GROUP BY zone, year
ORDER BY zone, year;

-- By the second, where offsets had seconds.
SELECT zone, pg_temp.wrong_slices(zone, t - interval '20:00:01', t + interval '19:00:07', '1 second') AS wrong
FROM (
    VALUES
        ('Europe/Amsterdam', timestamptz '1937-07-01 00:00Z'), ('Europe/Paris', '1911-03-10 23:50:39Z'),
        ('America/Los_Angeles', '1883-11-18 20:00Z'), ('Africa/Monrovia', '1972-01-07 00:44:30Z'),
        ('Asia/Manila', '1844-12-31 15:56:08Z'), ('America/Juneau', '1867-10-18 15:30Z')
) zones (zone, t)
ORDER BY zone;

-- Berlin changes its clocks for ever: from each autumn's change, to the second, a year has one 23-hour day.
SELECT count(*) AS years,
    count(*) FILTER (WHERE short_days <> 1) AS wrong
FROM generate_series(2030, 3200) year
CROSS JOIN LATERAL (
    SELECT make_timestamptz(year, 10, 31, 1, 0, 0, 'UTC') - extract(dow FROM make_date(year, 10, 31)) * interval '1 day' AS t
) change
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE seconds = 82800) AS short_days
    FROM timetrackr.day_slices(t, t + interval '240 days', 'Europe/Berlin')
) cut;

-- Every zone, around some day of the last half century.
SELECT sum(pg_temp.wrong_slices(name, t, t + interval '50:00', '1 minute')) AS wrong
FROM pg_timezone_names
CROSS JOIN LATERAL (
    SELECT timestamptz '1975-01-01 00:00Z' + abs(hashtext(name)) % 18000 * interval '1 day' AS t
) days;

-- The start of a day is the first minute at which the calendar shows it.
CREATE FUNCTION pg_temp.wrong_starts(zone text, first date, days integer)
RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    wrong bigint;
BEGIN
    PERFORM set_config('timezone', zone, true);
    SELECT count(*) INTO wrong
    FROM (
        SELECT t::date AS day, min(t) AS starts
        FROM generate_series((first - 1)::timestamptz, (first + days + 1)::timestamptz, '1 minute') t
        GROUP BY t::date
    ) counted
    WHERE day BETWEEN first AND first + days
        AND starts IS DISTINCT FROM timetrackr.day_start(day, zone);
    PERFORM set_config('timezone', 'UTC', true);
    RETURN wrong;
END
$$;
SELECT zone, pg_temp.wrong_starts(zone, first, 366) AS wrong
FROM (
    VALUES
        ('America/Sao_Paulo', date '2018-01-01'), ('Atlantic/Azores', '2023-01-01'), ('Asia/Beirut', '2022-01-01'),
        ('Pacific/Apia', '2011-01-01'), ('Antarctica/Troll', '2021-01-01'), ('Africa/El_Aaiun', '2023-01-01'),
        ('Africa/Cairo', '2014-01-01'), ('America/St_Johns', '2010-01-01'), ('America/Havana', '2019-01-01'),
        ('Pacific/Kwajalein', '1993-01-01'), ('Europe/Berlin', '2450-01-01')
) zones (zone, first)
ORDER BY zone;

-- A skipped midnight, one that comes back, and a skipped day.
SELECT timetrackr.day_start('2018-11-04', 'America/Sao_Paulo') AS skipped,
    timetrackr.day_start('2010-11-07', 'America/St_Johns') AS twice,
    timetrackr.day_start('2011-12-30', 'Pacific/Apia') AS no_such_day;

-- A time zone is a name of pg_timezone_names, exactly: no rule, no other case, no path, no leap seconds.
SELECT count(*) > 300 AS many,
    count(*) FILTER (WHERE timetrackr.day_start('2024-06-15', name) IS NULL) AS refused
FROM pg_timezone_names;
SELECT name, pg_temp.refusal(format('SELECT timetrackr.day_start(%L, %L)', '2024-06-15', name))
FROM unnest(ARRAY[
    'Etc/GMT+5', 'GMT', 'europe/berlin', 'utc', 'UTC ', '', 'XYZ-3', 'XYZ-3ABC,M3.2.0,M11.1.0', '<x>5', 'Etc/GMT+15',
    'Mars/Olympus', 'right/UTC', '../zone.tab', '/etc/localtime', 'tzdata.zi', 'America', '+05:30'
]) name;
SELECT pg_temp.refusal(format('SELECT timetrackr.day_start(%L, %L)', '2024-06-15', repeat('A/', 5000)));

-- Times that are none, and days that no timestamp can reach.
SELECT call, pg_temp.refusal('SELECT timetrackr.' || call)
FROM unnest(ARRAY[
    $$day_slices('-infinity', '2024-01-01', 'UTC')$$,
    $$day_slices('2024-01-01', 'infinity', 'UTC')$$,
    $$day_slices('2024-01-02', '2024-01-01', 'UTC')$$,
    $$day_slices('4714-11-24 00:00Z BC', '4714-11-24 01:00Z BC', 'America/New_York')$$,
    $$day_slices('294276-12-31 12:00Z', '294276-12-31 23:00Z', 'Asia/Tokyo')$$,
    $$day_start('infinity', 'UTC')$$,
    $$day_start('5874897-12-31', 'UTC')$$,
    $$day_start('294277-01-01', 'UTC')$$,
    $$day_start('4714-11-24 BC', 'Asia/Tokyo')$$,
    $$day_start(NULL, 'UTC')$$
]) call;
