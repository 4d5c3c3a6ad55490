-- Totals, scores, streaks, badges and events that follow from entries.
SET timezone = 'UTC';
SELECT test.new_user('totals-ann') AS ann \gset
SELECT test.new_project(:ann, 'Totals one') AS one, test.new_project(:ann, 'Totals two') AS two \gset

CREATE FUNCTION test.log(owner bigint, project bigint, start timestamptz, seconds integer)
RETURNS bigint
LANGUAGE sql
AS $$
    SELECT entry_id FROM timetrackr.start_entry(owner, project, start, start + make_interval(secs => seconds))
$$;

-- Scores of day, ISO week, month and all time, across a change of year.
SELECT test.log(:ann, :one, '2024-12-29 23:30Z', 3600) AS sunday \gset
SELECT test.log(:ann, :two, '2024-12-31 23:00Z', 7200) AS new_year \gset
SELECT period, period_start, seconds FROM timetrackr.scores WHERE user_id = :ann ORDER BY 1, 2;
SELECT project_id = :one AS is_one, seconds, entries FROM timetrackr.project_totals WHERE user_id = :ann ORDER BY 1;
SELECT day, project_id = :one AS is_one, seconds, entries FROM timetrackr.day_totals WHERE user_id = :ann ORDER BY 1;
-- Moving, shortening and deleting take away exactly what was given.
SELECT project_id = :one AS moved FROM timetrackr.update_entry(:ann, :new_year, project_id => :one, end_time => '2025-01-01 00:00Z');
SELECT period, period_start, seconds FROM timetrackr.scores WHERE user_id = :ann ORDER BY 1, 2;
SELECT seconds, entries, active_days, longest_entry, best_day, best_week FROM timetrackr.user_totals WHERE user_id = :ann;
SELECT timetrackr.delete_entry(:ann, :sunday), timetrackr.delete_entry(:ann, :new_year);
SELECT count(*) FROM timetrackr.scores WHERE user_id = :ann;
SELECT seconds, entries, active_days, longest_entry, best_day, best_week, streak_start, longest_streak FROM timetrackr.user_totals WHERE user_id = :ann;

-- Streaks: a day needs streak_min; holes break it; editing the past mends it.
SELECT count(test.log(:ann, :one, '2025-03-01 12:00Z'::timestamptz + n * interval '1 day', CASE n WHEN 3 THEN 899 ELSE 900 END)) FROM generate_series(0, 9) n;
SELECT streak_start, streak_end, longest_streak FROM timetrackr.user_totals WHERE user_id = :ann;
SELECT test.log(:ann, :two, '2025-03-04 18:00Z', 1) AS patch \gset
SELECT streak_start, streak_end, longest_streak FROM timetrackr.user_totals WHERE user_id = :ann;
SELECT event_type, event_data FROM timetrackr.timeline_events WHERE user_id = :ann AND event_type = 'streak_reached';
SELECT timetrackr.delete_entry(:ann, :patch);
SELECT streak_start, streak_end, longest_streak FROM timetrackr.user_totals WHERE user_id = :ann;
SELECT test.log(:ann, :two, '2025-03-04 18:00Z', 1) AS patch \gset
SELECT count(*) AS told_once FROM timetrackr.timeline_events WHERE user_id = :ann AND event_type = 'streak_reached';
-- It counts back from today, or from yesterday while today is open.
SELECT timetrackr.current_streak(current_date - 6, current_date, 'UTC') AS today,
    timetrackr.current_streak(current_date - 6, current_date - 1, 'UTC') AS yesterday,
    timetrackr.current_streak(current_date - 6, current_date - 2, 'UTC') AS over,
    timetrackr.current_streak(NULL, NULL, 'UTC') AS never;
SELECT * FROM timetrackr.verify();

-- Badges come with the entry that earns them, once, in the same transaction.
INSERT INTO timetrackr.badges (name, criteria) VALUES
    ('Test Marathon', '{"metric": "longest_entry_seconds", "gte": 40000}'),
    ('Test Collector', '{"all": [{"metric": "badges_earned", "gte": 3}, {"metric": "longest_entry_seconds", "gte": 40000}]}');
INSERT INTO timetrackr.badges (name, criteria, revocable) VALUES
    ('Test Champion', '{"any": [{"metric": "best_day_seconds", "gt": 39999}, {"metric": "best_week_seconds", "lt": 0}]}', true);
SELECT entry_id AS marathon, (SELECT array_agg(b.name ORDER BY b.name) FROM unnest(badges_awarded) b WHERE b.name LIKE 'Test%') AS badges
FROM timetrackr.start_entry(:ann, :one, '2025-05-01 06:00Z', '2025-05-01 18:00Z') \gset
SELECT b.name, u.entry_id = :marathon AS by_it FROM timetrackr.user_badges u JOIN timetrackr.badges b ON b.id = u.badge_id WHERE u.user_id = :ann AND b.name LIKE 'Test%' ORDER BY 1;
SELECT badges = (SELECT count(*) FROM timetrackr.user_badges u WHERE u.user_id = t.user_id) AS counted FROM timetrackr.user_totals t WHERE t.user_id = :ann;
-- Only a revocable one is taken back.
SELECT timetrackr.delete_entry(:ann, :marathon);
SELECT b.name, u.entry_id FROM timetrackr.user_badges u JOIN timetrackr.badges b ON b.id = u.badge_id WHERE u.user_id = :ann AND b.name LIKE 'Test%' ORDER BY 1;
SELECT count(*) AS timeline_rows FROM timetrackr.timeline_events t JOIN timetrackr.badges b ON t.event_data = jsonb_build_object('badge_id', b.id) WHERE t.user_id = :ann AND b.name LIKE 'Test%';
-- Every metric, alone and over the last days, is computed without error.
SELECT test.refusal(format('INSERT INTO timetrackr.badges (name, criteria) VALUES (''Test %s'', ''{"metric": "%s", "gte": 1e15}'')', m, m))
FROM unnest('{total_seconds,project_seconds,entry_count,longest_entry_seconds,best_day_seconds,best_week_seconds,current_streak_days,longest_streak_days,active_days,projects_created,projects_contributed,badges_earned,account_age_days}'::text[]) m;
SELECT test.refusal(format('INSERT INTO timetrackr.badges (name, criteria) VALUES (''Test last %s'', ''{"metric": "%s", "last_days": 30, "gte": 1e15}'')', m, m))
FROM unnest('{total_seconds,project_seconds,entry_count,active_days}'::text[]) m;
INSERT INTO timetrackr.badges (name, criteria) VALUES
    ('Test Exact', '{"all": [{"metric": "total_seconds", "last_days": 3, "eq": 1200}, {"metric": "entry_count", "last_days": 3, "eq": 2}, {"metric": "active_days", "last_days": 3, "eq": 2}, {"metric": "project_seconds", "last_days": 3, "eq": 900}]}'),
    ('Test Project', format('{"metric": "project_seconds", "project_id": %s, "last_days": 3, "eq": 300}', :two)::jsonb);
SELECT count(test.log(:ann, p, date_trunc('day', now()) - d * interval '1 day', s)) FROM (VALUES (:one, 1, 900), (:two, 2, 300), (:two, 3, 77)) v (p, d, s);
SELECT b.name FROM timetrackr.user_badges u JOIN timetrackr.badges b ON b.id = u.badge_id WHERE u.user_id = :ann AND b.name IN ('Test Exact', 'Test Project') ORDER BY 1;
-- A badge that does not parse is refused with the path of the fault; a disabled one is not awarded.
SELECT test.refusal($$INSERT INTO timetrackr.badges (name, criteria) VALUES ('Test bad', '{"all": [{"metric": "entry_count", "gte": 1}, {"metric": "entry_count", "gte": "x"}]}')$$);
INSERT INTO timetrackr.badges (name, criteria, enabled) VALUES ('Test Disabled', '{"metric": "entry_count", "gte": 1}', false);
SELECT test.log(:ann, :one, '2025-06-01 12:00Z', 60) > 0 AS logged;
SELECT count(*) FROM timetrackr.user_badges u JOIN timetrackr.badges b ON b.id = u.badge_id WHERE b.name = 'Test Disabled';
UPDATE timetrackr.badges SET enabled = true WHERE name = 'Test Disabled';
SELECT test.log(:ann, :one, '2025-06-02 12:00Z', 60) > 0 AS logged;
SELECT count(*) FROM timetrackr.user_badges u JOIN timetrackr.badges b ON b.id = u.badge_id WHERE b.name = 'Test Disabled';
SELECT * FROM timetrackr.verify();

-- Events: one per completed entry, one for all of an import, one per correction.
TRUNCATE timetrackr.outbox;
SELECT test.log(:ann, :one, '2025-07-01 12:00Z', 60) AS entry \gset
UPDATE timetrackr.time_entries SET note = 'no event' WHERE user_id = :ann AND id = :entry;
SELECT timetrackr.delete_entry(:ann, :entry);
INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time, source)
SELECT :ann, :one, t, t + interval '1 minute', 'import' FROM generate_series(timestamptz '2025-08-01Z', '2025-08-06Z', interval '1 hour') t;
SELECT topic, payload - 'user_id' - 'project_id' - 'entry_id' AS payload FROM timetrackr.outbox WHERE topic NOT LIKE 'badge%' AND topic NOT LIKE 'notif%' ORDER BY id;

-- verify() sees what does not match, rebuild() mends it.
UPDATE timetrackr.day_totals SET seconds = seconds + 1 WHERE user_id = :ann AND day = '2025-03-01';
UPDATE timetrackr.scores SET seconds = 5 WHERE user_id = :ann AND period = 'month' AND period_start = '2025-03-01';
DELETE FROM timetrackr.project_totals WHERE user_id = :ann AND project_id = :two;
DELETE FROM timetrackr.timeline_events WHERE user_id = :ann AND entry_id = :patch;
UPDATE timetrackr.user_totals SET best_day = 1, streak_end = NULL WHERE user_id = :ann;
SELECT relation, CASE WHEN key LIKE 'project%' OR key LIKE 'entry%' THEN split_part(key, ' ', 1) ELSE split_part(key, ' project ', 1) END AS key, expected LIKE '%' AS is_expected, actual LIKE '%' AS is_actual
FROM timetrackr.verify(:ann) ORDER BY 1, 2;
SELECT timetrackr.rebuild(:ann);
SELECT * FROM timetrackr.verify();
SELECT timetrackr.rebuild();
SELECT * FROM timetrackr.verify();
DELETE FROM timetrackr.badges WHERE name LIKE 'Test%';
SELECT * FROM timetrackr.verify();

-- What hangs on a user or a project goes with it, though no foreign key sees to that.
SELECT test.new_user('totals-guest') AS guest \gset
SELECT test.new_project(:ann, 'brief', 'public') AS brief \gset
SELECT * FROM timetrackr.join_project(:guest, :brief) \gset joined_
SELECT test.log(:guest, :brief, '2025-09-01 12:00Z', 60) > 0 AS logged;
SELECT count(*) AS told FROM timetrackr.timeline_events WHERE project_id = :brief;
CREATE FUNCTION test.rows_of_user(user_id bigint)
RETURNS TABLE (scores bigint, days bigint, projects bigint, events bigint)
LANGUAGE sql AS $$
    SELECT
        (SELECT count(*) FROM timetrackr.scores s WHERE s.user_id = rows_of_user.user_id),
        (SELECT count(*) FROM timetrackr.day_totals d WHERE d.user_id = rows_of_user.user_id),
        (SELECT count(*) FROM timetrackr.project_totals p WHERE p.user_id = rows_of_user.user_id),
        (SELECT count(*) FROM timetrackr.timeline_events t WHERE t.user_id = rows_of_user.user_id)
$$;
SELECT * FROM test.rows_of_user(:guest);
DELETE FROM timetrackr.users WHERE id = :guest;
SELECT * FROM test.rows_of_user(:guest);
DELETE FROM timetrackr.projects WHERE id = :brief;
SELECT count(*) AS told FROM timetrackr.timeline_events WHERE project_id = :brief;
SELECT * FROM timetrackr.verify();
-- Rows left behind while the triggers were off are seen, and swept up.
BEGIN;
SELECT test.new_user('totals-ghost') AS ghost \gset
SELECT test.new_project(:ghost, 'haunted') AS haunted \gset
SELECT test.log(:ghost, :haunted, '2025-09-01 12:00Z', 60) > 0 AS logged;
ALTER TABLE timetrackr.user_totals DISABLE TRIGGER timetrackr_totals_after;
ALTER TABLE timetrackr.projects DISABLE TRIGGER timetrackr_project_after;
DELETE FROM timetrackr.users WHERE id = :ghost;
SELECT relation, count(*) FROM timetrackr.verify() GROUP BY relation ORDER BY relation;
SELECT timetrackr.rebuild();
SELECT * FROM timetrackr.verify();
SELECT * FROM test.rows_of_user(:ghost);
ROLLBACK;
BEGIN;
TRUNCATE timetrackr.projects CASCADE;
SELECT count(*) AS differences FROM timetrackr.verify();
TRUNCATE timetrackr.users CASCADE;
SELECT count(*) AS differences FROM timetrackr.verify();
SELECT count(*) AS scores FROM timetrackr.scores;
ROLLBACK;
