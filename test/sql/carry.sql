-- Events of other nodes, and statements at users' homes, on the only node there is: it is everybody's home, and what
-- is carried here comes from a node that the test plays.
SELECT test.new_user('carry-ann') AS ann, test.new_user('carry-bob') AS bob \gset
SELECT test.new_project(:ann, 'Carry') AS project \gset
SELECT timetrackr.is_distributed(), timetrackr.node_number(), timetrackr.is_home(:ann) AS is_home;
SELECT count(*) AS sent_on FROM timetrackr.called_at_home();

-- A statement at home: columns that are text come as a client would see them, others as they are.
SELECT * FROM timetrackr.at_home(:ann, 'SELECT u.listed, u.username, $2::date FROM timetrackr.users u WHERE u.id = $1::bigint',
    ARRAY[:'ann', '2025-05-01']) AS r (listed text, name text, day date);
SELECT * FROM timetrackr.at_home(:ann, 'SELECT $1::integer IS NULL, $2', ARRAY[NULL, 'x']) AS r (is_null boolean, value text);
SELECT * FROM timetrackr.at_home(:ann, 'UPDATE timetrackr.users SET bio = $2 WHERE id = $1::bigint', ARRAY[:'ann', 'New']) AS r (nothing text);
SELECT u.bio FROM timetrackr.users u WHERE u.id = :ann;
SELECT count(*) FROM timetrackr.at_each_home('SELECT t.user_id FROM timetrackr.user_totals t WHERE t.user_id = ANY ($1::bigint[])',
    ARRAY[format('{%s,%s}', :ann, :bob)]) AS r (user_id bigint);

-- What is no such statement, or not called as it is.
SELECT test.refusal(format($$SELECT * FROM timetrackr.at_home(1, %L, %L) AS r (c %s)$$, c.statement, c.arguments, c.type)) AS refusal
FROM (VALUES
    ('SELECT 1; SELECT 2', '{}', 'integer'),
    ('CREATE TABLE t ()', '{}', 'text'),
    ('SELECT', '{}', 'text'),
    ('SELECT 1, 2', '{}', 'text'),
    ('SELECT 1', '{}', 'bigint'),
    ('SELECT $1::integer', '{}', 'integer'),
    ('SELECT $1::integer', '{x}', 'integer'),
    ('SELECT nothing', '{}', 'text')
) c (statement, arguments, type);
DO $$
BEGIN
    FOR n IN 1..1001 LOOP
        PERFORM FROM timetrackr.at_home(1, format('SELECT %s', n), '{}') AS r (c integer);
    END LOOP;
EXCEPTION WHEN program_limit_exceeded THEN
    RAISE NOTICE '%', SQLERRM;
END
$$;
\c -
SET client_min_messages = notice;

-- Plays the relay: everything that is due, in one batch.
CREATE FUNCTION test.carry_on()
RETURNS void
LANGUAGE sql
AS $$
    SELECT timetrackr.finish_events(
        (SELECT COALESCE(array_agg(c.event_id ORDER BY c.place), '{}')
            FROM timetrackr.claim_events(1000, 0) WITH ORDINALITY c (event_id, topic, user_id, age_ms, in_order, place)),
        (SELECT r.position FROM timetrackr.relay r),
        (SELECT r.position FROM timetrackr.relay r))
$$;
CREATE VIEW test.carried AS
SELECT s.topic, s.origin, s.payload ->> 'n' AS n
FROM timetrackr.stream s
WHERE s.payload ? 'n'
ORDER BY s.id;

-- Node 2 begins at 0. What it tells of is in the outbox once, in its order, as old as it is.
SELECT timetrackr.carried_until(2);
SELECT timetrackr.take_events(2, 0, 30, format(
    '[["project_changed", {"n": 1, "project_id": %1$s, "user_id": %2$s}, "2025-05-01T08:00:00Z"], ["score_changed", {"n": 2, "user_id": %2$s}, "2025-05-01T08:00:01Z"]]',
    :project, :bob));
SELECT o.topic, o.origin, o.created_at AT TIME ZONE 'UTC' AS happened, o.payload ->> 'n' AS n FROM timetrackr.outbox o WHERE o.origin = 2 ORDER BY o.id;
SELECT timetrackr.carried_until(2), timetrackr.carried_until(3);

-- The same, or anything else from where it is no more, is refused, and takes nothing.
SELECT test.refusal('SELECT timetrackr.take_events(2, 0, 30, ''[["score_changed", {"n": 3}, "2025-05-01T08:00:00Z"]]'')') AS again;
SELECT test.refusal('SELECT timetrackr.take_events(2, 29, 31, ''[]'')') AS between;
SELECT test.refusal('SELECT timetrackr.take_events(2, 30, 31, ''[["score_changed", {"n": 3}, "yesterday at nine"]]'')') LIKE '22007%' AS wrong;
SELECT count(*) FROM timetrackr.outbox o WHERE o.origin = 2;
SELECT timetrackr.take_events(2, 30, 40, '[]'), timetrackr.carried_until(2);
SELECT timetrackr.skip_events(2, 39), timetrackr.carried_until(2);
SELECT timetrackr.skip_events(2, 40), timetrackr.carried_until(2);

-- It keeps its origin, also when it fails, dies and is raised.
UPDATE timetrackr.outbox SET attempts = 11 WHERE payload ->> 'n' = '2';
SELECT timetrackr.fail_events(ARRAY(SELECT o.id FROM timetrackr.outbox o WHERE o.payload ->> 'n' = '2'), 'a reason') AS died;
SELECT timetrackr.retry_dead(d.id) AS raised FROM timetrackr.dead_events d WHERE d.payload ->> 'n' = '2';
SELECT test.carry_on();
SELECT * FROM test.carried;

-- The first node tells others of what they do not know of projects, and no node of what it was told.
INSERT INTO timetrackr.outbox (topic, payload) VALUES
    ('project_changed', format('{"n": 4, "project_id": %s}', :project)::jsonb),
    ('score_changed', format('{"n": 5, "user_id": %s}', :ann)::jsonb);
SELECT test.carry_on();
CREATE FUNCTION test.told(reader integer)
RETURNS text
LANGUAGE sql
AS $$
    SELECT string_agg(e.event #>> '{1,n}', ' ' ORDER BY e.event #>> '{1,n}')
    FROM timetrackr.events_for(told.reader, 0, 100000) f
    CROSS JOIN LATERAL jsonb_array_elements(f.events::jsonb) e (event)
    WHERE e.event -> 1 ? 'n'
$$;
SELECT test.told(2) AS node_2, test.told(3) AS node_3;
SELECT f.last_id = timetrackr.stream_position() AS to_the_end, f.event_count = (SELECT count(*) FROM timetrackr.stream) AS all_looked_at
FROM timetrackr.events_for(2, 0, 100000) f;
SELECT f.last_id, f.event_count, f.events FROM timetrackr.events_for(2, timetrackr.stream_position()) f;
SELECT f.last_id, f.event_count FROM timetrackr.events_for(2, 9223372036854775806) f;
BEGIN;
UPDATE timetrackr.relay SET kept_after = stream_id;
SELECT test.refusal('SELECT timetrackr.events_for(2, 1)') AS gone, test.told(2) AS from_the_oldest;
ROLLBACK;

-- Webhooks hear of a carried event of a project they follow, but not of their owner's own: his home tells of those.
INSERT INTO timetrackr.webhooks (user_id, url, secret, project_ids, created_at)
VALUES (:ann, 'https://ann.example/', '\x00', ARRAY[:project], '2025-01-01'), (:bob, 'https://bob.example/', '\x00', '{}', '2025-01-01');
SELECT timetrackr.take_events(2, 0, 50, format(
    '[["time_entry_completed", {"n": 6, "project_id": %s, "user_id": %s}, "2025-05-01T08:00:00Z"]]', :project, :bob));
SELECT test.carry_on();
SELECT w.url, d.topic, d.payload ->> 'n' AS n
FROM timetrackr.webhook_deliveries d
JOIN timetrackr.webhooks w ON w.user_id = d.user_id AND w.id = d.webhook_id
WHERE d.user_id IN (:ann, :bob);
DELETE FROM timetrackr.webhooks WHERE user_id IN (:ann, :bob);

-- Ids of several nodes: many more than a tenth of a second has room for, each once, in order, and not too big for JSON.
SELECT count(DISTINCT n.id) AS ids, bool_and(n.id > n.previous) AS grow, max(n.id) < 9007199254740992 AS are_exact
FROM (SELECT i.id, lag(i.id, 1, 0::bigint) OVER (ORDER BY i.place) AS previous
    FROM (SELECT g.place, timetrackr.next_id() AS id FROM generate_series(1, 10000) g (place)) i) n;
-- A sequence that was set back does not lead to ids that were there.
SELECT timetrackr.next_id() AS before \gset
SELECT setval('timetrackr.ids', 1) IS NOT NULL AS set_back;
SELECT timetrackr.next_id() > :before - 10 * 1048576 AS is_within_a_second;

-- A refusal as a row; what was done before it is undone. Other errors are errors.
SELECT r.name, r.sqlstate FROM timetrackr.answer_at_home(:ann, 'SELECT username FROM timetrackr.users WHERE id = $1::bigint', ARRAY[:'ann'])
    AS r (name text, sqlstate text, message text, detail text, hint text);
CREATE FUNCTION test.starts_twice(viewer_id bigint, project_id bigint)
RETURNS bigint
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM timetrackr.start_entry(viewer_id, project_id, '2024-01-01 08:00Z', '2024-01-01 09:00Z');
    RETURN (timetrackr.start_entry(viewer_id, project_id, '2024-01-01 08:30Z', '2024-01-01 09:30Z')).entry_id;
END
$$;
SELECT r.entry, r.sqlstate, r.message LIKE 'entry % overlaps entry %' AS is_told, r.detail::jsonb ? 'entry_id' AS has_more
FROM timetrackr.answer_at_home(:ann, 'SELECT test.starts_twice($1::bigint, $2::bigint)', ARRAY[:'ann', :'project'])
    AS r (entry bigint, sqlstate text, message text, detail text, hint text);
SELECT count(*) AS entries FROM timetrackr.time_entries WHERE user_id = :ann AND start_time < '2024-02-01';
SELECT test.refusal(format($$SELECT FROM timetrackr.answer_at_home(%s, %s) AS r (a integer%s)$$, :ann, c.call, c.columns)) AS refusal
FROM (VALUES
    ($$'SELECT 1 / $1::integer', '{0}'$$, ', sqlstate text, message text, detail text, hint text'),
    ($$'SELECT 1, 2', '{}'$$, ', sqlstate text, message text, detail text, hint text'),
    ($$'SELECT 1', '{}'$$, ', sqlstate text, message text, detail text, hint integer'),
    ($$'SELECT 1', '{}'$$, '')
) c (call, columns);
SELECT * FROM timetrackr.verify();
