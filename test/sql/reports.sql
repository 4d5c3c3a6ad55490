-- Days and reports: sums by local day, cut at midnight, exact and private.
SET timezone = 'UTC';
SET datestyle = iso;
SELECT test.new_user('report-ann', 'Europe/Berlin') AS ann, test.new_user('report-bob') AS bob \gset
SELECT test.new_project(:ann, 'Report open', 'public') AS open, test.new_project(:ann, 'Report secret') AS secret \gset
INSERT INTO timetrackr.project_members (project_id, user_id) VALUES (:secret, :bob), (:open, :bob);

-- Across midnight in Berlin, across the end of a month and a week; one on a
-- day of 25 hours; one flagged, one running: neither counts.
INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time, tags, source)
VALUES
    (:ann, :open, '2025-03-31 21:00Z', '2025-03-31 23:00Z', '{deep,"a, b"}', 'manual'),
    (:ann, :secret, '2025-04-06 20:00Z', '2025-04-06 23:30Z', '{deep,deep}', 'manual'),
    (:ann, :open, '2025-10-25 20:00Z', '2025-10-26 20:00Z', '{}', 'manual'),
    (:ann, :open, '2025-11-01 10:00Z', '2025-11-03 10:00Z', '{deep}', 'manual'),
    (:ann, :open, now() - interval '1 hour', NULL, '{deep}', 'timer'),
    (:bob, :secret, '2025-04-01 10:00Z', '2025-04-01 11:00Z', '{}', 'manual');

-- A day is the local one. Others see the same sums, private time included.
SELECT * FROM timetrackr.days(:ann, :ann, '2025-01-01', '2025-12-31');
SELECT count(*), sum(seconds) FROM timetrackr.days(:bob, :ann, '2025-01-01', '2025-12-31');
SELECT count(*), sum(seconds) FROM timetrackr.days(NULL, :ann, '2025-01-01', '2025-12-31');
-- Both bounds are inclusive.
SELECT * FROM timetrackr.days(NULL, :ann, '2025-04-01', '2025-04-06');
SELECT * FROM timetrackr.days(NULL, :ann, '2025-04-01', '2025-04-01');
SELECT count(*) FROM timetrackr.days(NULL, 0, '2025-04-01', '2025-04-01');

CREATE FUNCTION test.days_refusal(bounds text)
RETURNS text
LANGUAGE sql
AS $$
    SELECT test.refusal('SELECT * FROM timetrackr.days(NULL, 0, ' || bounds || ')')
$$;
SELECT test.days_refusal('''2025-01-01'', ''2026-02-04''') AS days_400,
    test.days_refusal('''2025-01-01'', ''2026-02-05''') AS days_401,
    test.days_refusal('''2025-01-02'', ''2025-01-01''') AS backwards,
    test.days_refusal('NULL, ''2025-01-01''') AS no_from,
    test.days_refusal('''2025-01-01'', NULL') AS no_to,
    test.days_refusal('''-infinity'', ''2025-01-01''') AS infinite;

-- One group.
SELECT project_id = :open AS open, project, day, week, month, tag, seconds, entries
FROM timetrackr.report_summary(:ann, '{project}', '2025-01-01', '2025-12-31');
SELECT day, seconds, entries FROM timetrackr.report_summary(:ann, '{day}', '2025-01-01', '2025-12-31');
SELECT week, seconds, entries FROM timetrackr.report_summary(:ann, '{week}', '2025-01-01', '2025-12-31');
SELECT month, seconds, entries FROM timetrackr.report_summary(:ann, '{month}', '2025-01-01', '2025-12-31');
-- For each of an entry's tags once; those without any under null.
SELECT tag, seconds, entries FROM timetrackr.report_summary(:ann, '{tag}', '2025-01-01', '2025-12-31');
-- Two groups, in either order.
SELECT project, month, seconds, entries FROM timetrackr.report_summary(:ann, '{project,month}');
SELECT week, tag, seconds FROM timetrackr.report_summary(:ann, '{tag,week}', '2025-03-31', '2025-04-06');
-- What lies outside is cut off, at local midnight.
SELECT project, seconds, entries FROM timetrackr.report_summary(:ann, '{project}', '2025-04-01', '2025-04-06');
SELECT project, seconds FROM timetrackr.report_summary(:ann, '{project}', '2025-04-01', '2025-04-01');
SELECT day, seconds FROM timetrackr.report_summary(:ann, '{day}', "to" => '2025-03-31');
SELECT day, seconds FROM timetrackr.report_summary(:ann, '{day}', "from" => '2025-10-26');
-- Days agree with the totals the triggers keep.
SELECT count(*) AS days, bool_and(r.seconds = d.seconds) AS same
FROM timetrackr.report_summary(:ann, '{day}') r
FULL JOIN timetrackr.days(:ann, :ann, '2025-01-01', '2025-12-31') d ON d.day = r.day;
-- Own time only; a project that one may see no more has no name.
SELECT project, seconds FROM timetrackr.report_summary(:bob, '{project}');
DELETE FROM timetrackr.project_members WHERE project_id = :secret AND user_id = :bob;
SELECT project_id = :secret AS secret, project, seconds FROM timetrackr.report_summary(:bob, '{project}');
SELECT count(*) FROM timetrackr.report_summary(NULL, '{project}');

SELECT test.refusal('SELECT * FROM timetrackr.report_summary(0, NULL)') AS no_group,
    test.refusal('SELECT * FROM timetrackr.report_summary(0, ''{}'')') AS empty,
    test.refusal('SELECT * FROM timetrackr.report_summary(0, ''{day,day}'')') AS twice,
    test.refusal('SELECT * FROM timetrackr.report_summary(0, ''{day,NULL}'')') AS null_group,
    test.refusal('SELECT * FROM timetrackr.report_summary(0, ''{day,week,tag}'')') AS three,
    test.refusal('SELECT * FROM timetrackr.report_summary(0, ''{day}'', ''2025-01-02'', ''2025-01-01'')') AS backwards;

-- A row as a record of CSV: quoted where it must be, and no formula.
SELECT timetrackr.csv(r) FROM (SELECT 1 AS a, -1.5 AS b, true AS c, NULL::text AS d, '' AS e, DATE '2025-01-01' AS f) r;
SELECT timetrackr.csv(r) FROM (SELECT 'a,b' AS a, 'say "x"' AS b, E'two\nlines' AS c, E'cr\rhere' AS d, ' blank' AS e, 'it''s' AS f) r;
SELECT timetrackr.csv(r) FROM (SELECT v FROM unnest(ARRAY['=1+1', '+1', '-1', '@x', E'\tx', E'\rx', '''=x', '''x', 'x=1', '''']) v) r;
SELECT timetrackr.csv(r) FROM (SELECT '{}'::text[] AS a, '{x}'::text[] AS b, '{x,"a, b","q\"q"}'::text[] AS c, '{=x,y}'::text[] AS d) r;
SELECT timetrackr.csv(r) FROM (SELECT '2025-01-01 10:00+02'::timestamptz AS a, 'infinity'::timestamptz AS b, now() - now() AS c, '["-1"]'::jsonb AS d) r;
SELECT timetrackr.csv(NULL) IS NULL AS nothing;
SELECT * FROM timetrackr.verify();
