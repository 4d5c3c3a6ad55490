-- The analysts' views: they add up right, name listed users only, and leak
-- nothing else. Cohorts of 2001 hold nobody but those made here.
SET timezone = 'UTC';
SET datestyle = iso;
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_tt_reader;
RESET client_min_messages;
CREATE ROLE regress_tt_reader;
GRANT USAGE ON SCHEMA test TO regress_tt_reader;
GRANT EXECUTE ON FUNCTION test.refusal(text) TO regress_tt_reader;
SELECT timetrackr.grant_analyst('regress_tt_reader');

SELECT test.new_user('view-ann', 'Pacific/Auckland') AS ann, test.new_user('view-bob') AS bob,
    test.new_user('view-hid') AS hid, test.new_user('view-late') AS late \gset
UPDATE timetrackr.users SET listed = false WHERE id = :hid;
-- Ann's Sunday evening in UTC is her Monday: she joined with bob and hid.
UPDATE timetrackr.users SET created_at = '2001-01-07 20:00Z' WHERE id = :ann;
UPDATE timetrackr.users SET created_at = '2001-01-08 00:00Z' WHERE id = :bob;
UPDATE timetrackr.users SET created_at = '2001-01-14 23:59Z' WHERE id = :hid;
UPDATE timetrackr.users SET created_at = '2001-01-15 00:00Z' WHERE id = :late;
SELECT test.new_project(:ann, 'View open', 'public') AS open, test.new_project(:ann, 'View secret') AS secret,
    test.new_project(:hid, 'View hidden owner', 'public') AS hidden \gset
INSERT INTO timetrackr.project_members (project_id, user_id)
VALUES (:open, :bob), (:open, :hid), (:open, :late), (:secret, :bob), (:secret, :hid);
INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time, source, tags)
VALUES
    (:ann, :open, '2001-01-08 01:00Z', '2001-01-08 02:00Z', 'import', '{tagged}'),
    (:ann, :open, '2001-01-14 23:30Z', '2001-01-15 00:30Z', 'import', '{}'),
    (:bob, :open, '2001-01-14 23:30Z', '2001-01-15 00:30Z', 'import', '{}'),
    (:bob, :secret, '2001-01-23 08:00Z', '2001-01-23 10:00Z', 'import', '{}'),
    (:hid, :open, '2001-01-16 08:00Z', '2001-01-16 09:00Z', 'import', '{hidden}'),
    (:hid, :secret, '2001-01-24 08:00Z', '2001-01-24 09:00Z', 'import', '{}'),
    (:late, :open, '2001-01-20 08:00Z', '2001-01-22 08:00Z', 'import', '{}');

SET ROLE regress_tt_reader;

-- Weekly cohorts: everybody counts, wherever the time was spent.
SELECT cohort, users, week_number, week, active_users, retention
FROM timetrackr.report_cohorts
WHERE cohort < '2001-02-01' AND week_number < 4
ORDER BY cohort, week_number;
SELECT max(week) = date_trunc('week', now())::date AS up_to_now, count(*) = max(week_number) + 1 AS no_gap
FROM timetrackr.report_cohorts
WHERE cohort = '2001-01-08';

-- Effort over time: weeks cut at local midnights, flagged time left out.
SELECT project, week, contributors, active_days, seconds, seconds_so_far
FROM timetrackr.report_project_weeks
WHERE project LIKE 'View%'
ORDER BY project, week;
SELECT count(*) > 0 AS some, bool_and(w.seconds = p.total_seconds) AS as_in_all
FROM timetrackr.report_projects p
JOIN (
    SELECT project_id, sum(seconds) AS seconds
    FROM timetrackr.report_project_weeks
    GROUP BY project_id
) w USING (project_id);

-- An unlisted user counts, and is not named, not even as an owner.
SELECT project, owner_id = :ann AS owner, contributors, entries, total_seconds
FROM timetrackr.report_projects
WHERE project LIKE 'View%'
ORDER BY project;
SELECT username, project, start_time, local_day, duration_seconds, tags
FROM timetrackr.report_entries
WHERE username LIKE 'view-%'
ORDER BY start_time, username;
SELECT day, username, project, seconds, entries
FROM timetrackr.report_days
WHERE username LIKE 'view-%'
ORDER BY day, username;
SELECT username, total_seconds
FROM timetrackr.report_leaderboard
WHERE username LIKE 'view-%'
ORDER BY username;
RESET ROLE;

-- The badge funnel: a median of 1, 2 and 4 days, and what came before joining.
INSERT INTO timetrackr.badges (name, tier, criteria)
VALUES ('View funnel', 'gold', '{"metric": "entry_count", "gte": 1000000}'),
    ('View early', 'silver', '{"metric": "entry_count", "gte": 1000000}'),
    ('View nobody', 'bronze', '{"metric": "entry_count", "gte": 1000000}'),
    ('View gone', 'bronze', '{"metric": "entry_count", "gte": 1000000}');
UPDATE timetrackr.badges SET enabled = false WHERE name = 'View gone';
INSERT INTO timetrackr.user_badges (user_id, badge_id, awarded_at)
SELECT u.id, b.id, u.created_at + v.days * interval '1 day'
FROM (VALUES ('View funnel', :ann, 1), ('View funnel', :hid, 4), ('View funnel', :late, 2), ('View early', :bob, -9))
    v (badge, user_id, days)
JOIN timetrackr.badges b ON b.name = v.badge
JOIN timetrackr.users u ON u.id = v.user_id;
SELECT count(*) AS users FROM timetrackr.users \gset
SET ROLE regress_tt_reader;
SELECT badge, tier, users = :users AS of_all, earned_by, share = round(earned_by / :users::numeric, 4) AS share, median_days_to_earn
FROM timetrackr.report_badges
WHERE badge LIKE 'View%'
ORDER BY badge;
RESET ROLE;
DELETE FROM timetrackr.badges WHERE name LIKE 'View %';

-- Streaks: everybody once in each column; a current one ends today or yesterday.
BEGIN;
SELECT COALESCE(sum(current_users), 0) AS five FROM timetrackr.report_streaks WHERE streak_days = 5 \gset
INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time, source)
SELECT :late, :open, d + interval '10 hours', d + interval '11 hours', 'import'
FROM generate_series(date_trunc('day', now()) - interval '5 days', date_trunc('day', now()) - interval '1 day', '1 day') d;
SET ROLE regress_tt_reader;
SELECT sum(current_users) = :users AS current, sum(longest_users) = :users AS longest
FROM timetrackr.report_streaks;
SELECT current_users - :five AS more
FROM timetrackr.report_streaks
WHERE streak_days = 5;
COMMIT;

-- No table, column or function but the views; no way to write through one.
SELECT v.name, test.refusal('SELECT * FROM timetrackr.' || v.name)
FROM unnest(ARRAY['users', 'projects', 'project_members', 'time_entries', 'timeline_events', 'notifications', 'badges',
    'user_badges', 'user_totals', 'project_totals', 'day_totals', 'scores', 'refresh_tokens', 'media', 'outbox',
    'dead_events', 'meta', 'me(1)', 'activity(1, 1)', 'install()']) v (name);
SELECT test.refusal('SELECT email FROM timetrackr.users') AS email,
    test.refusal('SELECT password_hash FROM timetrackr.users') AS hash,
    test.refusal('UPDATE timetrackr.report_entries SET project = ''x''') AS update,
    test.refusal('DELETE FROM timetrackr.report_projects') AS delete,
    test.refusal('INSERT INTO timetrackr.report_days (day) VALUES (''2001-01-01'')') AS insert;
SELECT table_name, string_agg(DISTINCT privilege_type, ' ') AS privileges
FROM information_schema.role_table_grants
WHERE grantee = 'regress_tt_reader'
    AND table_schema = 'timetrackr'
GROUP BY table_name
ORDER BY table_name;

-- A cheap function of the reader's sees no row that a view leaves out.
CREATE FUNCTION pg_temp.peek(seen text)
RETURNS boolean
LANGUAGE plpgsql
COST 0.0000001
AS $$
BEGIN
    IF seen IN ('View secret', 'view-hid', 'View gone') THEN
        RAISE NOTICE 'saw %', seen;
    END IF;
    RETURN true;
END
$$;
SET enable_indexscan = off;
SET enable_bitmapscan = off;
SELECT count(*) > 0 AS entries FROM timetrackr.report_entries WHERE pg_temp.peek(project) AND pg_temp.peek(username);
SELECT count(*) > 0 AS days FROM timetrackr.report_days WHERE pg_temp.peek(project) AND pg_temp.peek(username);
SELECT count(*) > 0 AS projects FROM timetrackr.report_projects WHERE pg_temp.peek(project);
SELECT count(*) > 0 AS weeks FROM timetrackr.report_project_weeks WHERE pg_temp.peek(project);
SELECT count(*) > 0 AS board FROM timetrackr.report_leaderboard WHERE pg_temp.peek(username);
SELECT count(*) > 0 AS badges FROM timetrackr.report_badges WHERE pg_temp.peek(badge);
RESET enable_indexscan;
RESET enable_bitmapscan;
RESET ROLE;

-- Every view is guarded, granted, and described with each of its columns.
SELECT c.relname AS faulty
FROM pg_class c
WHERE c.relnamespace = 'timetrackr'::regnamespace
    AND c.relkind = 'v'
    AND c.relname LIKE 'report\_%'
    AND (NOT 'security_barrier=true' = ANY (COALESCE(c.reloptions, '{}'))
        OR NOT has_table_privilege('regress_tt_reader', c.oid, 'SELECT')
        OR obj_description(c.oid, 'pg_class') IS NULL
        OR EXISTS (
            SELECT
            FROM pg_attribute a
            WHERE a.attrelid = c.oid
                AND col_description(a.attrelid, a.attnum) IS NULL
                AND a.attnum > 0
        ));
SELECT relation, key FROM timetrackr.verify();

DELETE FROM timetrackr.time_entries WHERE user_id IN (:ann, :bob, :hid, :late);
DELETE FROM timetrackr.users WHERE id IN (:ann, :bob, :hid, :late);
DROP OWNED BY regress_tt_reader;
DROP ROLE regress_tt_reader;
