-- The edges of time: every kind of instant, zone and statement, in tables of
-- cases. What is refused says why; what is stored is right, and verify() agrees.
SET timezone = 'UTC';
SET datestyle = iso;
SELECT test.new_user('edge-ann') AS ann, test.new_user('edge-bob') AS bob \gset
SELECT test.new_project(:ann, 'Edge', 'public') AS project, test.new_project(:ann, 'Edge other') AS other \gset
INSERT INTO timetrackr.project_members (project_id, user_id) VALUES (:project, :bob);
SELECT set_config('test.ann', :'ann', false) AS ann, set_config('test.project', :'project', false) AS project,
    set_config('test.other', :'other', false) AS other \gset set_

-- What the statements leave of ann's entries, all of it undone; or the refusal.
CREATE FUNCTION test.left_by(VARIADIC statements text[])
RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    statement text;
    result text;
    code text;
    field text;
    drift bigint;
BEGIN
    FOREACH statement IN ARRAY statements LOOP
        EXECUTE replace(replace(replace(statement, ':ann', current_setting('test.ann')), ':project', current_setting('test.project')),
            ':other', current_setting('test.other'));
    END LOOP;
    SELECT string_agg(format('%s%s: %s', e.id,
            CASE WHEN e.flagged THEN ' flagged' END,
            COALESCE(to_char(e.start_time, 'MM-DD HH24:MI:SS.MS+') || e.duration, 'running')), ', ' ORDER BY e.id)
    INTO result
    FROM timetrackr.time_entries e
    WHERE e.user_id = current_setting('test.ann')::bigint;
    SELECT count(*) INTO drift FROM timetrackr.verify(current_setting('test.ann')::bigint);
    RAISE EXCEPTION USING ERRCODE = 'TTXXX', MESSAGE = concat_ws(' ', COALESCE(result, 'nothing'), nullif(drift, 0) || ' drifts');
EXCEPTION WHEN OTHERS THEN
    IF SQLSTATE = 'TTXXX' THEN
        RETURN SQLERRM;
    END IF;
    GET STACKED DIAGNOSTICS code = CONSTRAINT_NAME, field = COLUMN_NAME;
    RETURN concat_ws(' ', SQLSTATE, nullif(code, ''), nullif(field, ''));
END
$$;

-- Instants.
SELECT c.start_time, c.end_time, test.left_by(format(
    'INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time, end_time) VALUES (:ann, 1, :project, %L, %L)',
    c.start_time, c.end_time)) AS result
FROM (VALUES
    (1, '2024-05-06 10:00Z', '2024-05-06 11:00Z'),
    (2, '2024-05-06 10:00Z', '2024-05-06 10:00:01Z'),
    (3, '2024-05-06 10:00Z', '2024-05-06 10:00Z'),
    (4, '2024-05-06 10:00Z', '2024-05-06 09:59:59Z'),
    -- The second an instant lies in is what counts.
    (5, '2024-05-06 10:00:00.999999Z', '2024-05-06 10:00:01Z'),
    (6, '2024-05-06 10:00:00Z', '2024-05-06 10:00:00.999999Z'),
    (7, '1999-12-31 23:59:58.5Z', '1999-12-31 23:59:59.5Z'),
    (8, '1969-12-31 23:59:59.5Z', '1970-01-01 00:00:00.5Z'),
    -- A leap second is the second after it.
    (9, '2016-12-31 23:59:60Z', '2017-01-01 00:00:01Z'),
    (10, '2016-12-31 23:59:59Z', '2016-12-31 23:59:60Z'),
    (11, '2016-12-31 23:59:60Z', '2017-01-01 00:00:00Z'),
    (12, '2016-12-31 23:59:61Z', '2017-01-01 00:00:00Z'),
    (13, '2024-05-06 24:00Z', '2024-05-07 00:01Z'),
    -- Days of 24:00:00 and one second more.
    (14, '2024-05-06 10:00Z', '2024-05-07 10:00Z'),
    (15, '2024-05-06 10:00Z', '2024-05-07 10:00:01Z'),
    (16, '2014-05-06 10:00Z', '2024-05-07 10:00Z'),
    -- Before time trackers, and after us.
    (17, '1900-01-01 00:00Z', '1900-01-01 01:00Z'),
    (18, '1899-12-31 23:59:59.999999Z', '1900-01-01 01:00Z'),
    (19, '0001-01-01 00:00Z BC', '2024-01-01 00:00Z'),
    (20, '4713-11-24 00:00Z BC', '2024-01-01 00:00Z'),
    (21, '294276-12-31 23:00Z', '294276-12-31 23:59:59.999999Z'),
    (22, '2024-05-06 10:00Z', '294276-12-31 23:59:59.999999Z'),
    (23, '294277-01-01 00:00Z', NULL),
    (24, '294276-12-31 23:00Z', NULL),
    (25, '-infinity', '2024-05-06 10:00Z'),
    (26, '2024-05-06 10:00Z', 'infinity'),
    (27, '-infinity', 'infinity'),
    (28, 'infinity', NULL),
    (29, '-infinity', NULL),
    (30, NULL, '2024-05-06 10:00Z'),
    (31, '2024-02-30 10:00Z', NULL),
    (32, '2023-02-29 10:00Z', NULL),
    (33, '2024-02-29 10:00Z', '2024-02-29 11:00Z'),
    (34, 'epoch', '1970-01-01 01:00Z'),
    (35, '2024-05-06 10:00+15:59:59', '2024-05-05 18:00:02Z'),
    (36, '2024-05-06 10:00 Mars/Base', NULL)
) c (n, start_time, end_time)
ORDER BY c.n;
-- A clock may be a minute ahead, and no more.
SELECT c.ahead, c.open, test.left_by(format(
    'INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time, end_time)'
    ' VALUES (:ann, 1, :project, %s, %s)',
    CASE WHEN c.open THEN format('clock_timestamp() + interval %L', c.ahead) ELSE 'now() - interval ''1 hour''' END,
    CASE WHEN c.open THEN 'NULL' ELSE format('clock_timestamp() + interval %L', c.ahead) END)) ~ '^TT' AS refused
FROM (VALUES ('50 seconds'), ('70 seconds')) a (ahead)
CROSS JOIN (VALUES (false), (true)) o (open)
CROSS JOIN LATERAL (SELECT a.ahead, o.open) c
ORDER BY 1, 2;

-- Zones: a name of pg_timezone_names as it is written there; nothing that only
-- looks like one.
SELECT left(quote_literal(z.zone), 32) AS zone, test.left_by(format(
    'INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time, end_time, timezone)'
    ' VALUES (:ann, 1, :project, ''2024-05-06 10:00Z'', ''2024-05-06 11:00Z'', %L)', z.zone)) AS entry,
    test.refusal(format('SELECT test.new_user(''edge-zone-%s'', %L)', z.n, z.zone)) AS account
FROM unnest(ARRAY[
    'Europe/Paris', 'Asia/Kolkata', 'America/Argentina/Buenos_Aires', 'Etc/GMT+12', 'Etc/GMT-14', 'EST5EDT', 'EST', 'UTC',
    'CEST', 'PDT', 'IST', 'Z', 'zulu', '<+03>-3', 'UTC+3', 'GMT+3', '+03', '+03:00', '-5', 'PST8PDT,M3.2.0,M11.1.0',
    'Europe/paris', 'EUROPE/PARIS', ' Europe/Paris', 'Europe/Paris ', 'Europe', 'Europe/Atlantis', 'right/Europe/Paris', '',
    ' ', 'posix', '../../etc/passwd', '/usr/share/zoneinfo/UTC', E'UTC\n', 'default', 'local', 'LOCALTIME', 'infinity',
    repeat('Europe/Paris', 100)
]) WITH ORDINALITY z (zone, n)
ORDER BY z.n;

-- Days: entries over every kind of change of the clock, each against a count
-- of its seconds on PostgreSQL's own calendar. They add up to the duration.
SET timetrackr.max_entry = '366 d';
CREATE TABLE test.clock AS
SELECT c.*
FROM (VALUES
    ('23 hours', 'Europe/Berlin', timestamptz '2024-03-30 23:00Z', timestamptz '2024-03-31 22:00Z'),
    ('25 hours', 'Europe/Berlin', '2023-10-28 22:00Z', '2023-10-29 23:00Z'),
    ('23.5 hours', 'Australia/Lord_Howe', '2023-09-30 13:30Z', '2023-10-01 13:00Z'),
    ('24.5 hours', 'Australia/Lord_Howe', '2024-04-06 13:00Z', '2024-04-07 13:30Z'),
    ('22 hours', 'Antarctica/Troll', '2024-03-31 00:00Z', '2024-03-31 22:00Z'),
    ('no 30 December', 'Pacific/Apia', '2011-12-29 10:00Z', '2011-12-31 10:00Z'),
    ('no midnight', 'America/Sao_Paulo', '2018-11-04 01:00Z', '2018-11-04 05:00Z'),
    ('no midnight', 'Asia/Beirut', '2022-03-26 20:00Z', '2022-03-26 23:30Z'),
    ('two midnights', 'America/Havana', '2023-11-05 03:00Z', '2023-11-05 07:00Z'),
    ('midnight and back', 'America/Sao_Paulo', '2018-02-18 01:30Z', '2018-02-18 03:30Z'),
    ('a day twice', 'Pacific/Kwajalein', '1969-09-30 00:00Z', '1969-10-02 00:00Z'),
    ('offset of 5:45', 'Asia/Kathmandu', '2024-05-06 17:00Z', '2024-05-06 19:00Z'),
    ('over new year', 'America/New_York', '2023-12-31 20:00Z', '2024-01-01 10:00Z'),
    ('leap day', 'Asia/Tokyo', '2024-02-28 10:00Z', '2024-03-01 10:00Z'),
    ('a year', 'Europe/London', '2022-02-03 04:05Z', '2023-02-03 04:05Z'),
    ('zone of seconds', 'Africa/Monrovia', '1971-12-31 23:00:07Z', '1972-01-07 23:00:09Z')
) c (name, zone, start_time, end_time);
-- Days on which the slices differ from a count of the calendar: by the second,
-- or where it is long by the minute.
CREATE FUNCTION test.wrong_days(zone text, start_time timestamptz, end_time timestamptz)
RETURNS bigint
LANGUAGE sql
AS $$
    SELECT count(*)
    FROM timetrackr.day_slices(wrong_days.start_time, wrong_days.end_time, wrong_days.zone) s
    FULL JOIN (
        SELECT (t AT TIME ZONE wrong_days.zone)::date AS day, sum(extract(epoch FROM k.step)) AS seconds
        FROM (SELECT CASE
            WHEN wrong_days.end_time - wrong_days.start_time < interval '8 days' THEN interval '1 second'
            ELSE interval '1 minute'
        END) k (step)
        CROSS JOIN LATERAL generate_series(wrong_days.start_time, wrong_days.end_time - k.step, k.step) t
        GROUP BY 1
    ) c ON c.day = s.day
    WHERE c.seconds IS DISTINCT FROM s.seconds
$$;
BEGIN;
SET LOCAL timetrackr.overlap = allow;
INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time, timezone, note)
SELECT :ann, :project, c.start_time, c.end_time, c.zone, c.name FROM test.clock c;
SELECT e.note, e.timezone, e.duration, s.days, s.seconds = e.duration AS adds_up, s.hours,
    test.wrong_days(e.timezone, e.start_time, e.end_time) AS wrong
FROM timetrackr.time_entries e
CROSS JOIN LATERAL (
    SELECT count(*) AS days, sum(s.seconds) AS seconds,
        string_agg((s.seconds / 3600.0)::numeric(6, 2)::text, ' ' ORDER BY s.day) FILTER (WHERE e.duration < 200000) AS hours
    FROM timetrackr.day_slices(e.start_time, e.end_time, e.timezone) s
) s
WHERE e.user_id = :ann
ORDER BY e.id;
SELECT sum(d.seconds) = (SELECT sum(e.duration) FROM timetrackr.time_entries e WHERE e.user_id = :ann) AS days_add_up
FROM timetrackr.day_totals d WHERE d.user_id = :ann;
SELECT * FROM timetrackr.verify();
ROLLBACK;
RESET timetrackr.max_entry;

-- Streaks: five days of half an hour after midnight, one of them without a
-- midnight; moved as one, cut in two, and mended.
BEGIN;
INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time, end_time, timezone)
SELECT :ann, n, :project, t, t + interval '30 minutes', 'America/Sao_Paulo'
FROM generate_series(1, 5) n
CROSS JOIN LATERAL (SELECT timetrackr.day_start(DATE '2018-11-01' + n, 'America/Sao_Paulo') AS t) t;
SELECT streak_start, streak_end, longest_streak, active_days FROM timetrackr.user_totals WHERE user_id = :ann;
UPDATE timetrackr.time_entries SET start_time = start_time - interval '10 minutes', end_time = end_time - interval '10 minutes' WHERE user_id = :ann;
SELECT streak_start, streak_end, longest_streak, active_days FROM timetrackr.user_totals WHERE user_id = :ann;
UPDATE timetrackr.time_entries SET start_time = start_time - interval '20 minutes', end_time = end_time - interval '20 minutes' WHERE user_id = :ann;
SELECT streak_start, streak_end, longest_streak, active_days FROM timetrackr.user_totals WHERE user_id = :ann;
UPDATE timetrackr.time_entries SET end_time = start_time + interval '899 seconds' WHERE user_id = :ann AND id = 2;
SELECT streak_start, streak_end, longest_streak, active_days FROM timetrackr.user_totals WHERE user_id = :ann;
UPDATE timetrackr.time_entries SET end_time = NULL WHERE user_id = :ann AND id = 5;
SELECT streak_start, streak_end, longest_streak, active_days FROM timetrackr.user_totals WHERE user_id = :ann;
UPDATE timetrackr.time_entries SET end_time = start_time + interval '15 minutes' WHERE user_id = :ann AND id IN (2, 5);
SELECT streak_start, streak_end, longest_streak, active_days FROM timetrackr.user_totals WHERE user_id = :ann;
-- Days as another zone sees them, the zone of the entries: it is theirs alone.
UPDATE timetrackr.users SET timezone = 'Pacific/Kiritimati' WHERE id = :ann;
SELECT streak_start, streak_end, longest_streak, active_days FROM timetrackr.user_totals WHERE user_id = :ann;
UPDATE timetrackr.time_entries SET timezone = 'Pacific/Kiritimati' WHERE user_id = :ann AND id = 3;
SELECT streak_start, streak_end, longest_streak, active_days FROM timetrackr.user_totals WHERE user_id = :ann;
DELETE FROM timetrackr.time_entries WHERE user_id = :ann AND id = 3;
SELECT streak_start, streak_end, longest_streak, active_days FROM timetrackr.user_totals WHERE user_id = :ann;
SELECT * FROM timetrackr.verify();
ROLLBACK;

-- Statements: what each leaves of three entries of 6 May, at 8, 10 and 12
-- o'clock for an hour. Rules are for the end of a statement, not for its rows.
CREATE FUNCTION test.after_three(VARIADIC statements text[])
RETURNS text
LANGUAGE sql
AS $$
    SELECT test.left_by(VARIADIC ARRAY[
        'INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time, end_time)'
        ' SELECT :ann, n, :project, t, t + interval ''1 hour'''
        ' FROM (SELECT n, timestamptz ''2024-05-06 06:00Z'' + n * interval ''2 hours'' AS t FROM generate_series(1, 3) n) t'
    ] || after_three.statements)
$$;
SELECT c.name, test.after_three(VARIADIC c.statements) AS result
FROM (VALUES
    (1, 'nothing', ARRAY[
        $$SELECT$$]),
    (2, 'all by one hour', ARRAY[
        $$UPDATE timetrackr.time_entries SET start_time = start_time + interval '1 hour', end_time = end_time + interval '1 hour' WHERE user_id = :ann$$]),
    (3, 'all back by two hours', ARRAY[
        $$UPDATE timetrackr.time_entries SET start_time = start_time - interval '2 hours', end_time = end_time - interval '2 hours' WHERE user_id = :ann$$]),
    (4, 'swap two', ARRAY[
        $$UPDATE timetrackr.time_entries e SET start_time = o.start_time, end_time = o.end_time FROM timetrackr.time_entries o WHERE e.user_id = :ann AND o.user_id = :ann AND e.id + o.id = 3$$]),
    (5, 'rotate three', ARRAY[
        $$UPDATE timetrackr.time_entries e SET start_time = o.start_time, end_time = o.end_time FROM timetrackr.time_entries o WHERE e.user_id = :ann AND o.user_id = :ann AND o.id = e.id % 3 + 1$$]),
    (6, 'all into one place', ARRAY[
        $$UPDATE timetrackr.time_entries SET start_time = '2024-05-06 20:00Z', end_time = '2024-05-06 21:00Z' WHERE user_id = :ann$$]),
    (7, 'grow over the next', ARRAY[
        $$UPDATE timetrackr.time_entries SET end_time = '2024-05-06 10:00:01Z' WHERE user_id = :ann AND id = 1$$]),
    (8, 'grow to the next', ARRAY[
        $$UPDATE timetrackr.time_entries SET end_time = '2024-05-06 10:00Z' WHERE user_id = :ann AND id = 1$$]),
    (9, 'rows overlap each other', ARRAY[
        $$INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time) VALUES (:ann, :project, '2024-05-07 10:00Z', '2024-05-07 12:00Z'), (:ann, :project, '2024-05-07 11:00Z', '2024-05-07 13:00Z')$$]),
    (10, 'rows touch each other', ARRAY[
        $$INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time, end_time) VALUES (:ann, 5, :project, '2024-05-07 11:00Z', '2024-05-07 12:00Z'), (:ann, 4, :project, '2024-05-07 10:00Z', '2024-05-07 11:00Z')$$]),
    (11, 'inside another', ARRAY[
        $$INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time) VALUES (:ann, :project, '2024-05-06 10:20Z', '2024-05-06 10:30Z')$$]),
    (12, 'around all others', ARRAY[
        $$INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time) VALUES (:ann, :project, '2024-05-06 01:00Z', '2024-05-06 20:00Z')$$]),
    (13, 'the same again', ARRAY[
        $$INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time) SELECT user_id, project_id, start_time, end_time FROM timetrackr.time_entries WHERE user_id = :ann$$]),
    (14, 'the same id', ARRAY[
        $$INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time, end_time) VALUES (:ann, 1, :project, '2024-05-07Z', '2024-05-08Z')$$]),
    (15, 'one out, one in', ARRAY[
        $$WITH gone AS (DELETE FROM timetrackr.time_entries WHERE user_id = :ann AND id = 2 RETURNING *) INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time, end_time) SELECT user_id, 4, project_id, start_time, end_time + interval '1 hour' FROM gone$$]),
    (16, 'two updates in one', ARRAY[
        $$WITH first AS (UPDATE timetrackr.time_entries SET end_time = end_time + interval '30 minutes' WHERE user_id = :ann AND id = 1) UPDATE timetrackr.time_entries SET end_time = end_time + interval '40 minutes' WHERE user_id = :ann AND id = 2$$]),
    (17, 'update and delete in one', ARRAY[
        $$WITH gone AS (DELETE FROM timetrackr.time_entries WHERE user_id = :ann AND id = 2) UPDATE timetrackr.time_entries SET end_time = '2024-05-06 12:00Z' WHERE user_id = :ann AND id = 1$$]),
    (18, 'two running', ARRAY[
        $$INSERT INTO timetrackr.time_entries (user_id, project_id, start_time) VALUES (:ann, :project, '2024-05-07Z'), (:ann, :project, '2024-05-08Z')$$]),
    (19, 'running from below an ended one', ARRAY[
        $$INSERT INTO timetrackr.time_entries (user_id, project_id, start_time) VALUES (:ann, :project, '2024-05-06 11:00Z')$$]),
    (20, 'running, then an ended one after its start', ARRAY[
        $$INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time) VALUES (:ann, 4, :project, '2024-05-07Z')$$,
        $$INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time) VALUES (:ann, :project, '2024-05-09Z', '2024-05-10Z')$$]),
    (21, 'running, then an ended one up to its start', ARRAY[
        $$INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time) VALUES (:ann, 4, :project, '2024-05-07Z')$$,
        $$INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time, end_time) VALUES (:ann, 5, :project, '2024-05-06 13:00Z', '2024-05-07Z')$$]),
    (22, 'reopen the last', ARRAY[
        $$UPDATE timetrackr.time_entries SET end_time = NULL WHERE user_id = :ann AND id = 3$$]),
    (23, 'reopen another', ARRAY[
        $$UPDATE timetrackr.time_entries SET end_time = NULL WHERE user_id = :ann AND id = 2$$]),
    (24, 'reopen all', ARRAY[
        $$UPDATE timetrackr.time_entries SET end_time = NULL WHERE user_id = :ann$$]),
    (25, 'reopen and end again', ARRAY[
        $$UPDATE timetrackr.time_entries SET end_time = NULL WHERE user_id = :ann AND id = 3$$,
        $$UPDATE timetrackr.time_entries SET end_time = '2024-05-06 12:30Z' WHERE user_id = :ann AND id = 3$$]),
    (26, 'end one while another is reopened', ARRAY[
        $$UPDATE timetrackr.time_entries SET end_time = NULL WHERE user_id = :ann AND id = 3$$,
        $$UPDATE timetrackr.time_entries SET start_time = CASE id WHEN 2 THEN timestamptz '2024-05-07Z' ELSE start_time END, end_time = CASE id WHEN 3 THEN timestamptz '2024-05-06 14:00Z' END WHERE user_id = :ann AND id > 1$$]),
    (27, 'forgotten', ARRAY[
        $$UPDATE timetrackr.time_entries SET end_time = '2024-05-09Z' WHERE user_id = :ann AND id = 3$$]),
    (28, 'forgotten, then mended', ARRAY[
        $$UPDATE timetrackr.time_entries SET end_time = '2024-05-09Z' WHERE user_id = :ann AND id = 3$$,
        $$UPDATE timetrackr.time_entries SET start_time = '2024-05-08 12:00Z' WHERE user_id = :ann AND id = 3$$]),
    (29, 'below a forgotten one', ARRAY[
        $$UPDATE timetrackr.time_entries SET end_time = '2024-05-09Z' WHERE user_id = :ann AND id = 3$$,
        $$INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time) VALUES (:ann, :project, '2024-05-08 23:59:59Z', '2024-05-09 01:00Z')$$]),
    (30, 'start after end', ARRAY[
        $$UPDATE timetrackr.time_entries SET start_time = '2024-05-06 14:00Z' WHERE user_id = :ann AND id = 3$$]),
    (31, 'no start', ARRAY[
        $$UPDATE timetrackr.time_entries SET start_time = NULL WHERE user_id = :ann AND id = 3$$]),
    (32, 'no project', ARRAY[
        $$UPDATE timetrackr.time_entries SET project_id = NULL WHERE user_id = :ann AND id = 3$$]),
    (33, 'no user', ARRAY[
        $$UPDATE timetrackr.time_entries SET user_id = NULL WHERE user_id = :ann AND id = 3$$]),
    (34, 'another user', ARRAY[
        $$UPDATE timetrackr.time_entries SET user_id = user_id + 1 WHERE user_id = :ann AND id = 3$$]),
    (35, 'another project', ARRAY[
        $$UPDATE timetrackr.time_entries SET project_id = :other WHERE user_id = :ann AND id > 1$$]),
    (36, 'no such project', ARRAY[
        $$UPDATE timetrackr.time_entries SET project_id = 0 WHERE user_id = :ann AND id > 1$$]),
    (37, 'delete all', ARRAY[
        $$DELETE FROM timetrackr.time_entries WHERE user_id = :ann$$]),
    (38, 'delete and put back', ARRAY[
        $$CREATE TEMPORARY TABLE kept ON COMMIT DROP AS SELECT * FROM timetrackr.time_entries WHERE user_id = :ann$$,
        $$DELETE FROM timetrackr.time_entries WHERE user_id = :ann$$,
        $$INSERT INTO timetrackr.time_entries SELECT * FROM kept$$]),
    (39, 'move to another zone', ARRAY[
        $$UPDATE timetrackr.users SET timezone = 'Asia/Tokyo' WHERE id = :ann$$,
        $$UPDATE timetrackr.time_entries SET end_time = end_time + interval '5 minutes' WHERE user_id = :ann$$,
        $$INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time, end_time) VALUES (:ann, 4, :project, '2024-05-06 14:00Z', '2024-05-06 16:00Z')$$])
) c (n, name, statements)
ORDER BY c.n;

-- Upserts and MERGE.
SELECT c.name, test.after_three(VARIADIC c.statements) AS result
FROM (VALUES
    (1, 'all by upsert', ARRAY[
        $$INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time, end_time) SELECT user_id, id, project_id, start_time, end_time - interval '10 minutes' FROM timetrackr.time_entries WHERE user_id = :ann ON CONFLICT (user_id, id) DO UPDATE SET end_time = excluded.end_time$$]),
    (2, 'one old, one new', ARRAY[
        $$INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time, end_time) VALUES (:ann, 3, :project, '2024-05-06 12:00Z', '2024-05-06 14:00Z'), (:ann, 4, :project, '2024-05-06 14:00Z', '2024-05-06 15:00Z') ON CONFLICT (user_id, id) DO UPDATE SET end_time = excluded.end_time$$]),
    (3, 'one old, one new, overlapping', ARRAY[
        $$INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time, end_time) VALUES (:ann, 3, :project, '2024-05-06 12:00Z', '2024-05-06 14:00Z'), (:ann, 4, :project, '2024-05-06 13:00Z', '2024-05-06 15:00Z') ON CONFLICT (user_id, id) DO UPDATE SET end_time = excluded.end_time$$]),
    (4, 'nothing new', ARRAY[
        $$INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time, end_time) VALUES (:ann, 3, :project, '2024-05-06 08:00Z', '2024-05-06 14:00Z') ON CONFLICT DO NOTHING$$]),
    (5, 'the running one again', ARRAY[
        $$INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time) VALUES (:ann, 4, :project, '2024-05-07Z')$$,
        $$INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time, note) VALUES (:ann, 4, :project, '2024-05-07 01:00Z', 'x') ON CONFLICT (user_id, id) DO UPDATE SET note = excluded.note$$]),
    (6, 'the running one ended', ARRAY[
        $$INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time) VALUES (:ann, 4, :project, '2024-05-07Z')$$,
        $$INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time, end_time) VALUES (:ann, 4, :project, '2024-05-07Z', '2024-05-07 01:00Z') ON CONFLICT (user_id, id) DO UPDATE SET end_time = excluded.end_time$$]),
    (7, 'an ended one reopened', ARRAY[
        $$INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time) VALUES (:ann, 3, :project, '2024-05-06 12:00Z') ON CONFLICT (user_id, id) DO UPDATE SET end_time = excluded.end_time$$]),
    (8, 'a second one running', ARRAY[
        $$INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time) VALUES (:ann, 4, :project, '2024-05-07Z')$$,
        $$INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time) VALUES (:ann, 5, :project, '2024-05-08Z') ON CONFLICT (user_id, id) DO UPDATE SET end_time = excluded.end_time$$]),
    (9, 'on an archived project', ARRAY[
        $$UPDATE timetrackr.projects SET archived_at = now() WHERE id = :project$$,
        $$INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time, end_time) SELECT user_id, id, project_id, start_time, end_time - interval '10 minutes' FROM timetrackr.time_entries WHERE user_id = :ann ON CONFLICT (user_id, id) DO UPDATE SET end_time = excluded.end_time$$]),
    (10, 'a new one on an archived project', ARRAY[
        $$UPDATE timetrackr.projects SET archived_at = now() WHERE id = :project$$,
        $$INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time, end_time) VALUES (:ann, 4, :project, '2024-05-07 12:00Z', '2024-05-07 14:00Z') ON CONFLICT (user_id, id) DO UPDATE SET end_time = excluded.end_time$$]),
    (11, 'moved to an archived project', ARRAY[
        $$UPDATE timetrackr.projects SET archived_at = now() WHERE id = :other$$,
        $$INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time, end_time) VALUES (:ann, 3, :other, '2024-05-07 12:00Z', '2024-05-07 14:00Z') ON CONFLICT (user_id, id) DO UPDATE SET project_id = excluded.project_id$$]),
    (12, 'duration and flag by upsert', ARRAY[
        $$INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time, end_time, duration) VALUES (:ann, 3, :project, '2024-05-06 12:00Z', '2024-05-06 14:00Z', 1) ON CONFLICT (user_id, id) DO UPDATE SET duration = 99999, flagged = true$$]),
    (13, 'merge: update, delete, insert', ARRAY[
        $$MERGE INTO timetrackr.time_entries e USING (VALUES (1, '2024-05-06 09:30Z'::timestamptz), (2, NULL), (4, '2024-05-06 11:00Z')) s (id, end_time) ON e.user_id = :ann AND e.id = s.id WHEN MATCHED AND s.end_time IS NULL THEN DELETE WHEN MATCHED THEN UPDATE SET end_time = s.end_time WHEN NOT MATCHED THEN INSERT (user_id, id, project_id, start_time, end_time) VALUES (:ann, s.id, :project, '2024-05-06 09:30Z', s.end_time)$$]),
    (14, 'merge: overlapping', ARRAY[
        $$MERGE INTO timetrackr.time_entries e USING (VALUES (1, '2024-05-06 09:30Z'::timestamptz), (4, '2024-05-06 10:00Z')) s (id, end_time) ON e.user_id = :ann AND e.id = s.id WHEN MATCHED THEN UPDATE SET end_time = s.end_time WHEN NOT MATCHED THEN INSERT (user_id, id, project_id, start_time, end_time) VALUES (:ann, s.id, :project, '2024-05-06 09:20Z', s.end_time)$$])
) c (n, name, statements)
ORDER BY c.n;

-- Forging: a role with every right on entries but their owner's sets no figure.
-- What it gives is overwritten; the table refuses another duration in any case.
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_tt_writer;
RESET client_min_messages;
CREATE ROLE regress_tt_writer;
GRANT USAGE ON SCHEMA timetrackr, test TO regress_tt_writer;
GRANT SELECT, INSERT, UPDATE, DELETE ON timetrackr.time_entries TO regress_tt_writer;
GRANT EXECUTE ON FUNCTION test.refusal(text) TO regress_tt_writer;
INSERT INTO timetrackr.users (id, email, username) VALUES (880001, 'edge-cem@example.org', 'edge-cem');
INSERT INTO timetrackr.projects (id, name, owner_id) VALUES (880001, 'Edge forged', 880001);
SET ROLE regress_tt_writer;
INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time, end_time, duration, flagged, created_at, updated_at)
VALUES (880001, 1, 880001, '2024-05-06 08:00Z', '2024-05-06 09:00Z', 999999, true, '2001-01-01Z', '2001-01-01Z');
INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time, end_time, duration, flagged)
OVERRIDING SYSTEM VALUE VALUES (880001, 2, 880001, '2024-05-06 10:00Z', '2024-05-06 11:00Z', NULL, true);
INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time, duration) VALUES (880001, 3, 880001, '2024-05-08 00:00Z', 5);
COPY timetrackr.time_entries (user_id, id, project_id, start_time, end_time, duration, timezone, flagged, created_at, updated_at, source) FROM stdin (FORMAT csv);
880001,4,880001,2024-05-06 12:00Z,2024-05-06 13:00Z,1,Asia/Tokyo,true,2001-01-01Z,2001-01-01Z,import
880001,5,880001,2024-05-06 14:00Z,2024-05-06 15:00Z,-3600,Europe/Paris,true,infinity,-infinity,import
\.
UPDATE timetrackr.time_entries SET duration = 999999, flagged = true, created_at = '2001-01-01Z', updated_at = '2001-01-01Z' WHERE user_id = 880001 AND id < 3;
UPDATE timetrackr.time_entries SET duration = 7 WHERE user_id = 880001 AND id = 3;
SELECT id, start_time, end_time, duration, timezone, flagged, created_at > '2026-01-01Z' AS created, updated_at > '2026-01-01Z' AS updated
FROM timetrackr.time_entries WHERE user_id = 880001 ORDER BY id;
SELECT s.statement, test.refusal(s.statement)
FROM unnest(ARRAY[
    'SET session_replication_role = replica',
    'ALTER TABLE timetrackr.time_entries DISABLE TRIGGER USER',
    'ALTER TABLE timetrackr.time_entries DISABLE TRIGGER timetrackr_entry_before',
    'DROP TRIGGER timetrackr_entry_before ON timetrackr.time_entries',
    'CREATE TRIGGER late BEFORE INSERT ON timetrackr.time_entries FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()',
    'TRUNCATE timetrackr.time_entries',
    'SET timetrackr.max_entry = ''366 d''',
    'SET timetrackr.overlap = allow',
    'SET timetrackr.streak_min = 1',
    'INSERT INTO timetrackr.scores VALUES (880001, ''all'', ''1970-01-01'', 999999, true)',
    'UPDATE timetrackr.user_totals SET seconds = 999999',
    'UPDATE timetrackr.day_totals SET seconds = 999999',
    'DELETE FROM timetrackr.project_totals',
    'INSERT INTO timetrackr.user_badges (user_id, badge_id) VALUES (880001, 1)',
    'INSERT INTO timetrackr.timeline_events (user_id, event_type) VALUES (880001, ''badge_earned'')',
    'INSERT INTO timetrackr.outbox (topic) VALUES (''score_changed'')',
    'UPDATE timetrackr.users SET listed = true',
    'SELECT timetrackr.rebuild()'
]) WITH ORDINALITY s (statement, n)
ORDER BY s.n;
RESET ROLE;
SELECT seconds, entries, longest_entry FROM timetrackr.user_totals WHERE user_id = 880001;
SELECT * FROM timetrackr.verify();
-- Past the triggers, as their owner: another duration is no row at all, and
-- the rest is found by verify() and mended by rebuild().
BEGIN;
SET LOCAL session_replication_role = replica;
SELECT test.refusal('UPDATE timetrackr.time_entries SET duration = duration + 1 WHERE user_id = 880001') AS longer,
    test.refusal('UPDATE timetrackr.time_entries SET duration = NULL WHERE user_id = 880001') AS without,
    test.refusal('UPDATE timetrackr.time_entries SET duration = 1 WHERE user_id = 880001 AND id = 3') AS running,
    test.refusal('UPDATE timetrackr.time_entries SET end_time = start_time, duration = 0 WHERE user_id = 880001 AND id = 1') AS zero,
    test.refusal('UPDATE timetrackr.time_entries SET end_time = ''infinity'' WHERE user_id = 880001 AND id = 1') = 'not refused' AS endless;
UPDATE timetrackr.time_entries SET end_time = end_time + interval '10 minutes', duration = 4200 WHERE user_id = 880001 AND id = 1;
DELETE FROM timetrackr.time_entries WHERE user_id = 880001 AND id = 2;
SET LOCAL session_replication_role = origin;
SELECT count(*) > 0 AS found FROM timetrackr.verify(880001);
SELECT timetrackr.rebuild(880001);
SELECT * FROM timetrackr.verify();
SELECT seconds, entries, longest_entry FROM timetrackr.user_totals WHERE user_id = 880001;
ROLLBACK;
DROP OWNED BY regress_tt_writer;
DROP ROLE regress_tt_writer;

-- A project deleted with its entries moved: ended, running and forgotten ones,
-- of members, and every figure with them.
INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time, timezone) VALUES
    (:ann, :project, '2024-05-06 08:00Z', '2024-05-06 09:00Z', 'Asia/Tokyo'), (:ann, :other, '2024-05-06 09:00Z', '2024-05-06 10:00Z', 'Asia/Tokyo'),
    (:ann, :project, '2024-06-06 08:00Z', '2024-06-09 09:00Z', 'UTC'), (:ann, :project, '2024-07-01Z', NULL, 'UTC'),
    (:bob, :project, '2024-05-06 20:00Z', '2024-05-07 04:00Z', 'America/New_York');
SELECT timetrackr.delete_project(:ann, :project, :other);
SELECT e.user_id = :ann AS anns, e.project_id = :other AS moved, e.duration, e.flagged, e.timezone FROM timetrackr.time_entries e WHERE e.user_id IN (:ann, :bob) ORDER BY 1, e.start_time;
SELECT p.user_id = :ann AS anns, p.project_id = :other AS moved, p.seconds, p.entries FROM timetrackr.project_totals p WHERE p.user_id IN (:ann, :bob) ORDER BY 1;
SELECT d.user_id = :ann AS anns, d.day, d.project_id = :other AS moved, d.seconds, d.entries FROM timetrackr.day_totals d WHERE d.user_id IN (:ann, :bob) ORDER BY 1, 2;
SELECT * FROM timetrackr.verify();
DELETE FROM timetrackr.users WHERE username LIKE 'edge-%';
SELECT * FROM timetrackr.verify();
