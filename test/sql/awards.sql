-- Awards and timeline follow an entry through every correction, and through
-- what triggers of the database's owner do in between.
SET timezone = 'UTC';
SELECT test.new_user('awards-ann') AS ann \gset
SELECT test.new_project(:ann, 'Awards', 'public') AS one \gset

-- An entry moved within its day changes no sum, but its event moves with it.
SELECT entry_id AS moved FROM timetrackr.start_entry(:ann, :one, '2025-03-01 10:00Z', '2025-03-01 11:00Z') \gset
SELECT start_time FROM timetrackr.update_entry(:ann, :moved, start_time => '2025-03-01 12:00Z', end_time => '2025-03-01 13:00Z');
SELECT occurred_at FROM timetrackr.timeline_events WHERE user_id = :ann AND entry_id = :moved;
SELECT * FROM timetrackr.verify(:ann);

-- So do two that change places in one statement.
SELECT entry_id AS other FROM timetrackr.start_entry(:ann, :one, '2025-03-01 13:00Z', '2025-03-01 14:00Z') \gset
UPDATE timetrackr.time_entries
SET start_time = timestamptz '2025-03-02 01:00Z' - (start_time - timestamptz '2025-03-01 00:00Z'),
    end_time = timestamptz '2025-03-02 03:00Z' - (end_time - timestamptz '2025-03-01 00:00Z')
WHERE user_id = :ann;
SELECT id = :moved AS is_moved, start_time, end_time FROM timetrackr.time_entries WHERE user_id = :ann ORDER BY start_time;
SELECT * FROM timetrackr.verify(:ann);

-- A badge outlives its entry, also one that no longer counted when it went.
INSERT INTO timetrackr.badges (name, criteria) VALUES ('Awards hour', '{"metric": "longest_entry_seconds", "gte": 7000}');
SELECT entry_id AS long FROM timetrackr.start_entry(:ann, :one, '2025-03-02 10:00Z', '2025-03-02 12:00Z') \gset
SELECT entry_id = :long AS due_to_it FROM timetrackr.user_badges u JOIN timetrackr.badges b ON b.id = u.badge_id WHERE u.user_id = :ann AND b.name = 'Awards hour';
SELECT flagged FROM timetrackr.update_entry(:ann, :long, end_time => '2025-03-04 12:00Z');
SELECT timetrackr.delete_entry(:ann, :long);
SELECT entry_id FROM timetrackr.user_badges u JOIN timetrackr.badges b ON b.id = u.badge_id WHERE u.user_id = :ann AND b.name = 'Awards hour';
SELECT * FROM timetrackr.verify(:ann);

-- A trigger on awards may change the badges, and set off another evaluation,
-- while the first one is under way: that one goes on with those it began with.
INSERT INTO timetrackr.badges (name, criteria)
SELECT 'Awards nested ' || n, '{"metric": "entry_count", "gte": 3}' FROM generate_series(1, 5) n;
CREATE FUNCTION test.award_follows()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    DELETE FROM timetrackr.badges WHERE name IN ('Awards hour', 'Awards nested 5');
    INSERT INTO timetrackr.badges (name, criteria)
    SELECT 'Awards late ' || n, '{"metric": "entry_count", "gte": 3}' FROM generate_series(1, 100) n
    ON CONFLICT DO NOTHING;
    PERFORM test.new_project(new.user_id, 'Awards prize');
    RETURN NULL;
END
$$;
CREATE TRIGGER award_follows AFTER INSERT ON timetrackr.user_badges
FOR EACH ROW WHEN (pg_trigger_depth() < 2)
EXECUTE FUNCTION test.award_follows();
SELECT entry_id > 0 AS logged FROM timetrackr.start_entry(:ann, :one, '2025-03-05 10:00Z', '2025-03-05 10:01Z');
SELECT count(*) FILTER (WHERE b.name LIKE 'Awards nested%') AS nested, count(*) FILTER (WHERE b.name LIKE 'Awards late%') AS late
FROM timetrackr.user_badges u JOIN timetrackr.badges b ON b.id = u.badge_id WHERE u.user_id = :ann;
SELECT * FROM timetrackr.verify(:ann);
DROP TRIGGER award_follows ON timetrackr.user_badges;

-- An owner who gives an award to somebody else, or takes all away, does so whole.
SELECT test.new_user('awards-heir') AS heir \gset
UPDATE timetrackr.user_badges SET user_id = :heir
WHERE user_id = :ann AND badge_id = (SELECT id FROM timetrackr.badges WHERE name = 'Awards nested 1');
SELECT count(*) AS awarded, count(t.id) AS told FROM timetrackr.user_badges u
LEFT JOIN timetrackr.timeline_events t ON t.user_id = u.user_id AND t.event_data = jsonb_build_object('badge_id', u.badge_id)
WHERE u.user_id = :heir;
SELECT count(*) AS differences FROM timetrackr.verify();
BEGIN;
TRUNCATE timetrackr.user_badges;
SELECT count(*) AS told FROM timetrackr.timeline_events WHERE event_type = 'badge_earned';
SELECT count(*) AS differences FROM timetrackr.verify();
ROLLBACK;
DELETE FROM timetrackr.badges WHERE name LIKE 'Awards%';
SELECT * FROM timetrackr.verify(:ann);
