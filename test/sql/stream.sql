-- The stream: finished events in order, who they are for, what is announced,
-- pruning, and the viewer's own events. The relay is played by hand.
SELECT test.new_user('stream-ann') AS ann, test.new_user('stream-bob') AS bob \gset
SELECT test.new_project(:ann, 'Stream') AS project \gset
TRUNCATE timetrackr.outbox;

-- Plays the relay: everything that is due, in one batch.
CREATE FUNCTION test.play_relay(keep_seconds integer DEFAULT 3600)
RETURNS boolean
LANGUAGE sql
AS $$
    SELECT timetrackr.finish_events(
        (SELECT COALESCE(array_agg(c.event_id ORDER BY c.place), '{}')
            FROM timetrackr.claim_events(1000, 0) WITH ORDINALITY c (event_id, topic, user_id, age_ms, in_order, place)),
        (SELECT r.position FROM timetrackr.relay r),
        (SELECT r.position FROM timetrackr.relay r),
        play_relay.keep_seconds)
$$;
-- Without leaderboard_changed, whose moment is the clock's.
CREATE VIEW test.stream AS
SELECT s.*
FROM timetrackr.stream s
WHERE s.topic <> 'leaderboard_changed';

SELECT timetrackr.stream_position() AS start \gset
INSERT INTO timetrackr.outbox (topic, payload) VALUES
    ('t1', format('{"user_id": %s, "project_id": %s}', :ann, :project)::jsonb),
    ('t2', format('{"user_id": %s}', :bob)::jsonb),
    ('badges_changed', '{}'),
    ('t3', '{"user_id": "7", "project_id": -1}'),
    ('project_changed', format('{"project_id": %s}', :project)::jsonb);

-- Who may see a project is told first, whatever its id, and after any id.
SELECT topic, in_order FROM timetrackr.claim_events(100, 0);
SELECT topic, in_order FROM timetrackr.claim_events(2, 0);
SELECT topic, in_order FROM timetrackr.claim_events(100, 9223372036854775807);

-- Finished events are in the stream, once, with ids in the order of the batch.
SELECT test.play_relay();
SELECT count(*) AS left_over FROM timetrackr.outbox;
SELECT s.topic, CASE s.user_id WHEN :ann THEN 'ann' WHEN :bob THEN 'bob' END AS "user", s.project_id = :project AS on_project, s.for_all
FROM test.stream s
WHERE s.id > :start
ORDER BY s.id;
SELECT max(s.id) = timetrackr.stream_position() AS position_is_newest FROM timetrackr.stream s;

-- A batch of nothing changes nothing.
SELECT timetrackr.stream_position() AS before \gset
UPDATE timetrackr.relay SET boards_changed = '{}';
SELECT test.play_relay(), timetrackr.stream_position() = :before AS same;

-- Ids only increase, also when the clock was ahead before.
UPDATE timetrackr.relay SET stream_id = stream_id + 1000000000000;
SELECT timetrackr.stream_position() AS ahead \gset
INSERT INTO timetrackr.outbox (topic, payload) VALUES ('t4', format('{"user_id": %s}', :ann)::jsonb), ('t5', '{}');
SELECT test.play_relay();
SELECT s.id - :ahead AS id, s.topic FROM test.stream s WHERE s.id > :ahead ORDER BY s.id;

-- Boards change with many events; that they did is told once a second, and nothing is forgotten.
UPDATE timetrackr.relay SET boards_told_at = '-infinity';
INSERT INTO timetrackr.outbox (topic, payload) VALUES
    ('badge_awarded', format('{"user_id": %s, "badge_id": 1}', :ann)::jsonb),
    ('notification_created', format('{"user_id": %s}', :ann)::jsonb);
SELECT timetrackr.stream_position() AS before \gset
SELECT test.play_relay() AS unfinished;
SELECT topic, payload, user_id, for_all FROM timetrackr.stream WHERE id > :before AND topic = 'leaderboard_changed';
UPDATE timetrackr.relay SET boards_told_at = clock_timestamp();
SELECT timetrackr.stream_position() AS before \gset
INSERT INTO timetrackr.outbox (topic, payload) VALUES ('time_entry_completed', format('{"user_id": %s, "project_id": %s}', :ann, :project)::jsonb);
SELECT test.play_relay() AS unfinished;
SELECT topic FROM timetrackr.stream WHERE id > :before ORDER BY id;
SELECT boards_changed FROM timetrackr.relay;
SELECT test.play_relay() AS unfinished;
UPDATE timetrackr.relay SET boards_told_at = clock_timestamp() - interval '2 s';
SELECT test.play_relay() AS unfinished;
SELECT topic, payload - 'user_id' - 'project_id' AS payload FROM timetrackr.stream WHERE id > :before ORDER BY id;
SELECT test.play_relay() AS unfinished;

-- Reading on: by the feed, and by a viewer who sees only what is his.
SELECT count(*) = (SELECT count(*) FROM timetrackr.stream s WHERE s.id > :start) AS all_after
FROM timetrackr.stream_after(:start);
SELECT count(*) FROM timetrackr.stream_after(:start, 2);
SELECT count(*) = (SELECT count(*) FROM timetrackr.stream) AS everything FROM timetrackr.stream_after(0, 1000000);
SELECT count(*) FROM timetrackr.stream_after((SELECT timetrackr.stream_position()));
SELECT topic, data ->> 'user_id' = :'ann' AS own FROM timetrackr.events(:ann, :start);
SELECT topic FROM timetrackr.events(:ann, :start, "limit" => 1);
SELECT topic FROM timetrackr.events(:bob, 0) ORDER BY id DESC LIMIT 1;
SELECT count(*) AS from_now_on FROM timetrackr.events(:ann);
SELECT test.refusal(format('SELECT * FROM timetrackr.events(%s, wait => 31)', :ann));
SELECT test.refusal(format('SELECT * FROM timetrackr.events(%s, wait => -1)', :ann));
SELECT test.refusal(format('SELECT * FROM timetrackr.events(%s, %s)', :ann, :ahead + 1000000000));
SELECT test.refusal(format('SELECT * FROM timetrackr.stream_after(%s)', :ahead + 1000000000));
SELECT test.refusal('SELECT * FROM timetrackr.stream_after(-1)');
-- An id of a time that a restore has undone is none, although there are events before and after it.
SELECT max(s.id) + 500 AS lost, max(s.id) + 900 AS later FROM timetrackr.stream s \gset
BEGIN;
INSERT INTO timetrackr.stream (id, topic, for_all, payload) VALUES (:later, 'after_a_restore', false, '{}');
UPDATE timetrackr.relay SET stream_id = :later;
SELECT test.refusal(format('SELECT * FROM timetrackr.stream_after(%s)', :lost)) ~ '^TT410' AS gone;
SELECT topic FROM timetrackr.stream_after(:later - 1);
ROLLBACK;

-- Nothing older than kept is left out silently, and pruning goes oldest first.
SELECT test.play_relay(0) IS NOT NULL AS pruned;
SELECT count(*) AS kept FROM timetrackr.stream;
SELECT test.refusal(format('SELECT * FROM timetrackr.stream_after(%s)', :start)) ~ '^TT410' AS gone;
SELECT test.refusal(format('SELECT * FROM timetrackr.events(%s, %s)', :ann, :start));
SELECT count(*) FROM timetrackr.events(:ann, 0);
SELECT count(*) FROM timetrackr.stream_after((SELECT timetrackr.stream_position()));
INSERT INTO timetrackr.outbox (topic, payload) SELECT 'bulk', '{"user_id": 1}' FROM generate_series(1, 1500);
SELECT test.play_relay();
SELECT test.play_relay();
SELECT timetrackr.prune_stream(0, 1000) AS more, (SELECT count(*) FROM timetrackr.stream) AS before;
SELECT count(*) AS after_a_bite, min(id) - (SELECT r.kept_after FROM timetrackr.relay r) AS next FROM timetrackr.stream;
UPDATE timetrackr.stream SET created_at = now() + interval '1 day' WHERE id = (SELECT min(id) FROM timetrackr.stream);
SELECT timetrackr.prune_stream(3600, 1000) AS more;
SELECT count(*) AS after_a_clock_set_back FROM timetrackr.stream;
SELECT timetrackr.prune_stream(0, 1000), timetrackr.prune_stream(0, 1000) AS nothing_left;

-- What is announced fits NOTIFY, names the event before, and leaves large events to the table.
BEGIN;
SELECT timetrackr.stream_position() AS before \gset
INSERT INTO timetrackr.outbox (topic, payload)
SELECT 'large', jsonb_build_object('user_id', :ann, 'text', repeat('ä"\', n))
FROM unnest(ARRAY[1, 30000, 100, 150, 120, 130, 110, 140, 125, 135, 1, 5]) n;
SELECT test.play_relay() IS NOT NULL AS finished;
COMMIT;
SELECT max(octet_length(payload::text)) > 8000 AS some_too_large FROM timetrackr.stream;
SELECT count(*) AS all_there FROM timetrackr.stream WHERE id > :before AND topic = 'large';

-- How the relay does.
TRUNCATE timetrackr.outbox;
DELETE FROM timetrackr.dead_events;
INSERT INTO timetrackr.outbox (topic, created_at, attempts, run_at) VALUES
    ('old', now() - interval '1 hour', 0, now()),
    ('later', now() - interval '2 hours', 3, now() + interval '1 hour');
INSERT INTO timetrackr.dead_events (id, topic, payload, created_at, attempts) VALUES (-1, 'dead', '{}', now(), 12);
SELECT outbox_depth, outbox_age_ms BETWEEN 3600000 AND 3700000 AS an_hour, retrying, dead, leader_pid,
    newest_event_id = timetrackr.stream_position() AS newest, kept_after_id <= newest_event_id AS kept
FROM timetrackr.relay_status();
UPDATE timetrackr.relay SET outbox_id = 0;
SELECT newest_id = timetrackr.stream_position() AS newest, behind_ms BETWEEN 3600000 AND 3700000 AS an_hour
FROM timetrackr.stream_state();
DELETE FROM timetrackr.outbox;
DELETE FROM timetrackr.dead_events;
SELECT outbox_depth, outbox_age_ms, retrying, dead FROM timetrackr.relay_status();
SELECT behind_ms FROM timetrackr.stream_state();
SELECT timetrackr.try_to_lead(true) AS leads, (SELECT leader_pid = pg_backend_pid() FROM timetrackr.relay_status()) AS it_is_me;
SELECT pg_advisory_unlock(8391171951110545260);

-- Payloads tell whom they are for: everything about projects and members.
TRUNCATE timetrackr.outbox;
SELECT timetrackr.set_visibility(:ann, :project, 'public');
UPDATE timetrackr.projects SET name = 'Stream 2' WHERE id = :project;
SELECT role FROM timetrackr.join_project(:bob, :project);
UPDATE timetrackr.project_members SET role = 'viewer' WHERE project_id = :project AND user_id = :bob;
DELETE FROM timetrackr.project_members WHERE project_id = :project AND user_id = :bob;
UPDATE timetrackr.projects SET owner_id = :bob WHERE id = :project;
SELECT timetrackr.delete_project(:bob, :project);
SELECT
    payload - 'user_id' - 'project_id' AS payload,
    (payload ->> 'project_id')::bigint = :project AS this_project,
    CASE (payload ->> 'user_id')::bigint WHEN :ann THEN 'ann' WHEN :bob THEN 'bob' END AS "user"
FROM timetrackr.outbox
WHERE topic = 'project_changed'
-- The memberships of a deleted project go in no order.
ORDER BY LEAST(id, (SELECT d.id + 1 FROM timetrackr.outbox d WHERE d.topic = 'project_changed' AND d.payload ->> 'change' = 'deleted')), 3;

-- The tables are ordinary ones: install() again, and the loss of the extension, leave them alone.
SELECT timetrackr.stream_position() AS before \gset
SELECT timetrackr.install();
SELECT timetrackr.stream_position() = :before AS same;

-- The proxy's role may read the stream, and move events only as the relay does.
CREATE ROLE test_stream;
SELECT timetrackr.grant_api('test_stream');
SET ROLE test_stream;
SELECT count(*) > 0 AS state FROM timetrackr.stream_state();
SELECT count(*) >= 0 AS reads FROM timetrackr.stream_after(0);
SELECT count(*) >= 0 AS own FROM timetrackr.events(1, 0);
SELECT count(*) AS status FROM timetrackr.relay_status();
INSERT INTO timetrackr.stream (id, topic, for_all, payload) VALUES (1, 'x', true, '{}');
DELETE FROM timetrackr.stream;
SELECT * FROM timetrackr.relay;
SELECT timetrackr.prune_stream(0, 1);
SELECT timetrackr.announce_stream(0);
RESET ROLE;
DROP OWNED BY test_stream;
DROP ROLE test_stream;
TRUNCATE timetrackr.outbox;
DROP VIEW test.stream;
DROP FUNCTION test.play_relay(integer);
