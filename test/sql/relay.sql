-- The relay's functions: claiming, finishing and failing events, and the
-- boards as Redis gets them. Topics here are the test's own.
SELECT test.new_user('relay-ann') AS ann, test.new_user('relay-bob') AS bob, test.new_user('relay-cyd') AS cyd \gset
SELECT test.new_project(:ann, 'Relay') AS project \gset
TRUNCATE timetrackr.outbox;

-- Events are claimed oldest first; only whole positive numbers are user ids.
INSERT INTO timetrackr.outbox (topic, payload, run_at) VALUES
    ('relay_1', '{"user_id": 7}', now()),
    ('relay_2', '{"user_id": "7"}', now()),
    ('relay_3', '{"user_id": 7.5}', now()),
    ('relay_4', '{"user_id": -7}', now()),
    ('relay_5', '{"user_id": 1e30}', now()),
    ('relay_6', '[7]', now()),
    ('relay_7', '{}', now()),
    ('relay_later', '{}', now() + interval '1 hour');
SELECT topic, user_id, age_ms >= 0 AS aged FROM timetrackr.claim_events(100, 0);
SELECT topic FROM timetrackr.claim_events(2, 0);
SELECT topic FROM timetrackr.claim_events(100, (SELECT id FROM timetrackr.outbox WHERE topic = 'relay_5'));

-- Finishing deletes them and moves the position on; a relay that was overtaken is refused.
SELECT last_position AS position FROM timetrackr.relay_state() \gset
SELECT timetrackr.finish_events(array_agg(id), :'position', 'test-1') FROM timetrackr.outbox WHERE topic IN ('relay_1', 'relay_2');
SELECT topic FROM timetrackr.outbox ORDER BY id;
SELECT last_position FROM timetrackr.relay_state();
SELECT test.refusal(format('SELECT timetrackr.finish_events((SELECT array_agg(id) FROM timetrackr.outbox), %L, %L)', :'position', 'test-2'));
SELECT count(*) AS kept FROM timetrackr.outbox;

-- A failure delays an event, longer each time, and the twelfth buries it.
BEGIN;
SELECT timetrackr.fail_events(array_agg(id), 'first') AS dead FROM timetrackr.outbox WHERE topic = 'relay_3';
SELECT attempts, last_error, run_at - now() BETWEEN interval '1 s' AND interval '2 s' AS soon
FROM timetrackr.outbox WHERE topic = 'relay_3';
SELECT topic FROM timetrackr.claim_events(1, 0);
UPDATE timetrackr.outbox SET attempts = 10 WHERE topic = 'relay_3';
SELECT timetrackr.fail_events(array_agg(id), 'eleventh') AS dead FROM timetrackr.outbox WHERE topic = 'relay_3';
SELECT attempts, run_at - now() BETWEEN interval '1024 s' AND interval '2048 s' AS much_later
FROM timetrackr.outbox WHERE topic = 'relay_3';
SELECT timetrackr.fail_events(array_agg(id), repeat('twelfth ', 1000)) AS dead FROM timetrackr.outbox WHERE topic IN ('relay_3', 'relay_4');
COMMIT;
SELECT topic, payload, attempts, left(last_error, 8) AS last_error, length(last_error) FROM timetrackr.dead_events;
SELECT topic, attempts FROM timetrackr.outbox WHERE topic IN ('relay_3', 'relay_4');

-- A dead event can be put back, once, as the event it was.
SELECT id AS dead FROM timetrackr.dead_events WHERE topic = 'relay_3' \gset
SELECT timetrackr.retry_dead(:dead), timetrackr.retry_dead(:dead) AS again, timetrackr.retry_dead(-1) AS never;
SELECT id = :dead AS same_id, topic, payload, attempts, run_at <= now() AS due, left(last_error, 7) AS last_error
FROM timetrackr.outbox WHERE topic = 'relay_3';
SELECT count(*) AS dead FROM timetrackr.dead_events;

-- Every day, week and month that anybody on Earth is in, or was in yesterday, has a board.
SELECT p.period, bool_and(EXISTS (
    SELECT FROM timetrackr.live_boards() l
    WHERE l.period = p.period
        AND l.period_start = date_trunc(p.period, ((now() AT TIME ZONE z.name)::date - d.back)::timestamp)::date
)) AS covered
FROM pg_timezone_names z
CROSS JOIN (VALUES ('day'), ('week'), ('month')) p (period)
CROSS JOIN (VALUES (0), (1)) d (back)
GROUP BY p.period
ORDER BY p.period;
SELECT count(*) BETWEEN 3 AND 5 AS few_days FROM timetrackr.live_boards() WHERE period = 'day';
SELECT board, period, period_start, expires_at FROM timetrackr.live_boards() WHERE expires_at IS NULL ORDER BY board;
SELECT bool_and(expires_at > now() + interval '1 day') AS outlive_their_period FROM timetrackr.live_boards();
SELECT bool_and(i ->> 'board' IS NOT NULL) AS current_ones_are_live
FROM json_each_text(timetrackr.board_index()::json -> 'current') c
LEFT JOIN LATERAL (SELECT to_json(l) AS i FROM timetrackr.live_boards() l WHERE l.board = c.value) x ON true;

-- How users stand: one with time and a badge, one without, one hidden, one unknown.
SELECT count(*) FROM (
    SELECT timetrackr.start_entry(u, :project, date_trunc('day', now(), 'UTC') - interval '10 hours', date_trunc('day', now(), 'UTC') - interval '9 hours')
    FROM (VALUES (:ann::bigint)) v (u)
) x;
INSERT INTO timetrackr.project_members (project_id, user_id) VALUES (:project, :cyd);
SELECT count(timetrackr.start_entry(:cyd, :project, now() - interval '2 days', now() - interval '47 hours'));
UPDATE timetrackr.users SET listed = false WHERE id = :cyd;
SELECT
    CASE u ->> 0 WHEN :'ann' THEN 'ann' WHEN :'bob' THEN 'bob' WHEN :'cyd' THEN 'cyd' ELSE 'nobody' END AS who,
    (u ->> 1)::json ->> 'username' AS username,
    (
        SELECT sum((u -> 2 ->> (p.place - 1)::integer)::bigint)
        FROM json_array_elements(c -> 'boards') WITH ORDINALITY p (board, place)
        WHERE p.board ->> 0 = 'leaderboard:global'
    ) AS seconds,
    (
        SELECT sum((u -> 2 ->> (p.place - 1)::integer)::bigint)
        FROM json_array_elements(c -> 'boards') WITH ORDINALITY p (board, place)
        WHERE p.board ->> 0 LIKE 'leaderboard:day:%'
    ) AS over_days,
    json_array_length(u -> 2) = json_array_length(c -> 'boards') AS one_for_each_board
FROM CAST(timetrackr.board_changes(ARRAY[:ann, :bob, :cyd, :ann, 999999999]) AS json) c
CROSS JOIN LATERAL json_array_elements(c -> 'users') u
ORDER BY who;
SELECT json_array_length(timetrackr.board_changes('{}')::json -> 'users') AS nobody;

-- Rows in Redis begin as those of leaderboard().
SELECT bool_and(left(timetrackr.json(l), -(length(format(',"score":%s,"rank":%s}', l.score, l.rank))))
    = left(timetrackr.board_member(l.user_id, l.username, l.avatar_url), -1)) AS same
FROM timetrackr.leaderboard("limit" => 100) l;

-- Pages, one row at a time, give the whole board in its order.
WITH RECURSIVE pages AS (
    SELECT p.*
    FROM timetrackr.board_page('leaderboard:global', 9223372036854775807, 0, 1) p
    UNION ALL
    SELECT n.*
    FROM pages p
    CROSS JOIN LATERAL timetrackr.board_page('leaderboard:global', p.last_score, p.last_user_id, 1) n
    WHERE p.row_count = 1
)
SELECT array_agg(last_user_id) FILTER (WHERE row_count = 1)
    = (SELECT array_agg(l.user_id) FROM timetrackr.leaderboard("limit" => 1000) l) AS same_order,
    bool_and(page::json ->> 'board' = 'leaderboard:global') AS named,
    bool_and((page::json ->> 'expires')::bigint = 0) AS for_ever
FROM pages;
SELECT p.page::json -> 'rows' ->> 0 IS NOT NULL AS has_rows, p.row_count
    = (SELECT count(*) FROM timetrackr.leaderboard(metric => 'badges', "limit" => 1000)) AS all_of_them
FROM timetrackr.board_page('leaderboard:badges', 9223372036854775807, 0, 1000) p;
SELECT count(*) AS no_such_board FROM timetrackr.board_page('leaderboard:day:2001-01-01', 9223372036854775807, 0, 10);

-- The proxy's role does all that without a right on the relay's tables, and can't raise the dead.
CREATE ROLE test_relay;
SELECT timetrackr.grant_api('test_relay');
SET ROLE test_relay;
SELECT count(*) > 0 AS claimed FROM timetrackr.claim_events(10, 0);
SELECT timetrackr.finish_events('{}', 'test-1', 'test-2');
SELECT timetrackr.fail_events('{}', 'nothing');
SELECT length(timetrackr.board_changes('{}')) > 0 AS changes, length(timetrackr.board_index()) > 0 AS index;
SELECT count(*) FROM timetrackr.board_page('leaderboard:global', 9223372036854775807, 0, 10);
SELECT * FROM timetrackr.outbox;
SELECT * FROM timetrackr.relay;
SELECT timetrackr.retry_dead(1);
RESET ROLE;
DROP OWNED BY test_relay;
DROP ROLE test_relay;
