-- Milestones of a streak are those of the run that all entries make, in whatever
-- order and in how many portions they are read.
SET timezone = 'UTC';
SET datestyle = 'ISO';
BEGIN;
SELECT test.new_user('streak-ann') AS ann \gset
SELECT test.new_project(:ann, 'Streak') AS project \gset
CREATE FUNCTION test.milestones(ann bigint)
RETURNS TABLE (milestone jsonb)
LANGUAGE sql
AS $$
    SELECT t.event_data
    FROM timetrackr.timeline_events t
    WHERE t.user_id = milestones.ann AND t.event_type = 'streak_reached'
    ORDER BY (t.event_data -> 'days')::integer
$$;
-- One statement of more than is applied at a time: thirty days, the first and the
-- sixteenth of which come last.
INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time, source)
SELECT :ann, :project, s.start_time, s.start_time + interval '20 seconds', 'import'
FROM generate_series(0, 29) day
CROSS JOIN generate_series(0, 3599) n
CROSS JOIN LATERAL (SELECT timestamptz '2024-03-01Z' + day * interval '1 day' + n * interval '20 seconds' AS start_time) s
ORDER BY day IN (0, 15), n, day;
SELECT streak_start, streak_end, longest_streak FROM timetrackr.user_totals WHERE user_id = :ann;
SELECT * FROM test.milestones(:ann);
-- Rebuilding reads them in the same order, by the page; what is missing comes back, and nothing else.
DELETE FROM timetrackr.timeline_events WHERE user_id = :ann AND event_type = 'streak_reached';
SELECT timetrackr.rebuild(:ann);
SELECT * FROM test.milestones(:ann);
SELECT count(*) AS notified FROM timetrackr.notifications WHERE user_id = :ann AND kind = 'streak_reached';
SELECT * FROM timetrackr.verify(:ann);
ROLLBACK;
-- What was taken back lies in the tables still, and every later test would read past it.
VACUUM timetrackr.time_entries, timetrackr.timeline_events;
