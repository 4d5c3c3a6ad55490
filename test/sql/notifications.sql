-- Notifications: who is told of what, reading, marking, keeping, and the
-- events for live clients.
SET timezone = 'UTC';
SELECT test.new_user('news-ann') AS ann, test.new_user('news-bob') AS bob, test.new_user('news-cyd') AS cyd \gset
TRUNCATE timetrackr.outbox;

-- What a user was told since the last look, oldest first, names instead of ids; then it is forgotten.
CREATE FUNCTION test.news(reader bigint)
RETURNS TABLE (kind text, payload jsonb)
LANGUAGE sql
AS $$
    WITH seen AS (
        DELETE FROM timetrackr.notifications n
        WHERE n.user_id = reader
        RETURNING n.id, n.kind, (SELECT p.shown FROM timetrackr.notification_payload(n.payload) p) AS payload
    )
    SELECT s.kind, s.payload - '{project_id,entry_id,badge_id,user_id}'::text[]
    FROM seen s
    WHERE s.kind <> 'badge_awarded' OR s.payload ->> 'name' LIKE 'News%'
    ORDER BY s.id
$$;

-- Members: what others do to one's place, and who comes and goes by himself.
SELECT test.new_project(:ann, 'News "garden"', 'public') AS garden \gset
SELECT role FROM timetrackr.join_project(:bob, :garden);
SELECT * FROM test.news(:ann);
SELECT * FROM test.news(:bob);
INSERT INTO timetrackr.project_members (project_id, user_id) VALUES (:garden, :cyd);
UPDATE timetrackr.project_members SET role = 'manager' WHERE project_id = :garden AND user_id = :cyd;
UPDATE timetrackr.project_members SET role = 'manager', joined_at = now() WHERE project_id = :garden AND user_id = :cyd;
DELETE FROM timetrackr.project_members WHERE project_id = :garden AND user_id = :bob;
SELECT * FROM test.news(:cyd);
SELECT * FROM test.news(:bob);
SELECT * FROM test.news(:ann);
-- Old memberships that somebody loads are no news.
INSERT INTO timetrackr.project_members (project_id, user_id, joined_at) VALUES (:garden, :bob, now() - interval '49 hours');
SELECT * FROM test.news(:bob);
-- A project passed on: the new owner gets it, the old one is a manager now.
UPDATE timetrackr.projects SET owner_id = :bob WHERE id = :garden;
SELECT * FROM test.news(:bob);
SELECT * FROM test.news(:ann);
-- Under row-level security one's statements are one's own doing.
SET timetrackr.user_id = :cyd;
DELETE FROM timetrackr.project_members WHERE project_id = :garden AND user_id = :cyd;
INSERT INTO timetrackr.project_members (project_id, user_id) VALUES (:garden, :cyd);
RESET timetrackr.user_id;
SELECT * FROM test.news(:bob);
SELECT * FROM test.news(:cyd);
-- Names of users are as they are now; of one who is gone there is none.
SELECT test.new_user('news-dan') AS dan \gset
SELECT count(timetrackr.join_project(:dan, :garden)) AS joined;
UPDATE timetrackr.users SET username = 'news-daniel' WHERE id = :dan;
SELECT payload ->> 'username' AS username FROM timetrackr.list_notifications(:bob);
DELETE FROM timetrackr.users WHERE id = :dan;
SELECT kind, payload -> 'username' AS username FROM timetrackr.list_notifications(:bob);
-- A deleted project: its members are told, not who did it, and of nothing else.
SELECT count(*) FROM test.news(:bob);
SELECT timetrackr.delete_project(:bob, :garden);
SELECT * FROM test.news(:ann);
SELECT * FROM test.news(:bob);
SELECT * FROM test.news(:cyd);
-- Whose entries move to another project is told of the deletion; a member of that one he is when he is made one.
SELECT test.new_project(:ann, 'News from') AS from_project, test.new_project(:ann, 'News to') AS to_project \gset
INSERT INTO timetrackr.project_members (project_id, user_id) VALUES (:from_project, :bob);
SELECT count(timetrackr.start_entry(:bob, :from_project, now() - interval '3 hours', now() - interval '2 hours')) AS logged;
SELECT timetrackr.delete_project(:ann, :from_project, :to_project);
SELECT role FROM timetrackr.set_member(:ann, :to_project, :bob, 'contributor');
SELECT * FROM test.news(:bob);
-- An account that goes tells nobody of what goes with it but its projects' members.
SELECT test.new_user('news-eva') AS eva \gset
SELECT test.new_project(:eva, 'News eva', 'public') AS evas \gset
SELECT count(timetrackr.join_project(:bob, :evas)) AS joined;
SELECT count(timetrackr.join_project(:eva, p)) AS joined FROM (SELECT test.new_project(:bob, 'News bob', 'public') AS p) x;
SELECT count(*) FROM test.news(:bob);
DELETE FROM timetrackr.users WHERE id = :eva;
SELECT * FROM test.news(:bob);

-- A forgotten timer; put right, it is forgotten. Old history is no news.
SELECT entry_id AS forgotten FROM timetrackr.start_entry(:ann, :to_project, now() - interval '30 hours', now() - interval '1 hour') \gset
SELECT kind, payload - '{entry_id,project_id}'::text[] AS payload, (payload ->> 'entry_id')::bigint = :forgotten AS of_it FROM timetrackr.list_notifications(:ann) WHERE kind = 'entry_flagged';
SELECT count(timetrackr.update_entry(:ann, :forgotten, start_time => now() - interval '31 hours')) AS still_flagged;
SELECT count(*) AS told FROM timetrackr.list_notifications(:ann) WHERE kind = 'entry_flagged';
SELECT flagged FROM timetrackr.update_entry(:ann, :forgotten, end_time => now() - interval '25 hours');
SELECT count(*) AS told FROM timetrackr.list_notifications(:ann) WHERE kind = 'entry_flagged';
SELECT flagged FROM timetrackr.update_entry(:ann, :forgotten, end_time => now() - interval '1 hour');
SELECT timetrackr.delete_entry(:ann, :forgotten);
SELECT count(*) AS told FROM timetrackr.list_notifications(:ann) WHERE kind = 'entry_flagged';
SELECT count(timetrackr.start_entry(:ann, :to_project, now() - interval '90 hours', now() - interval '50 hours')) AS old_one;
SELECT entry_id AS running FROM timetrackr.start_entry(:ann, :to_project, now() - interval '40 hours') \gset
SELECT count(*) AS told FROM timetrackr.list_notifications(:ann) WHERE kind = 'entry_flagged';
SELECT stopped_entry_id = :running AS switched FROM timetrackr.start_entry(:ann, :to_project);
SELECT count(*) AS told FROM timetrackr.list_notifications(:ann) WHERE kind = 'entry_flagged';
SELECT count(*) FROM test.news(:ann);

-- Streaks: the highest milestone, once; not of a past that is loaded.
SELECT test.new_user('news-hal') AS hal \gset
INSERT INTO timetrackr.project_members (project_id, user_id) VALUES (:to_project, :hal);
INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time, source)
SELECT :hal, :to_project, t, t + interval '20 minutes', 'import' FROM generate_series(timestamptz '2025-01-01 08:00Z', '2025-02-10 08:00Z', interval '1 day') t;
SELECT count(*) AS on_timeline FROM timetrackr.timeline_events WHERE user_id = :hal AND event_type = 'streak_reached';
SELECT kind FROM test.news(:hal) WHERE kind = 'streak_reached';
INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time, source)
SELECT :bob, :to_project, t, t + interval '20 minutes', 'import' FROM generate_series(date_trunc('day', now()) - interval '34 days', date_trunc('day', now()) - interval '1 day', interval '1 day') t;
SELECT kind, payload ->> 'days' AS days, (payload ->> 'first_day')::date = current_date - 34 AS first_day FROM test.news(:bob) WHERE kind = 'streak_reached';
SELECT count(timetrackr.start_entry(:bob, :to_project, date_trunc('day', now()) - interval '4 hours', date_trunc('day', now()) - interval '3 hours')) AS longer;
SELECT kind FROM test.news(:bob) WHERE kind = 'streak_reached';

-- Badges: earned and not yet read, then lost: nothing is left of it. Read: the loss is told, until it is earned again.
SELECT timetrackr.rebuild(:cyd);
INSERT INTO timetrackr.badges (name, criteria, revocable) VALUES ('News minute', '{"metric": "entry_count", "gte": 1}', true);
INSERT INTO timetrackr.project_members (project_id, user_id) VALUES (:to_project, :cyd);
SELECT count(*) FROM test.news(:cyd);
SELECT entry_id AS first FROM timetrackr.start_entry(:cyd, :to_project, now() - interval '3 hours', now() - interval '2 hours') \gset
SELECT timetrackr.delete_entry(:cyd, :first);
SELECT * FROM test.news(:cyd);
SELECT entry_id AS second FROM timetrackr.start_entry(:cyd, :to_project, now() - interval '3 hours', now() - interval '2 hours') \gset
SELECT timetrackr.read_notifications(:cyd);
SELECT timetrackr.delete_entry(:cyd, :second);
SELECT kind, payload ->> 'name' AS name, read_at IS NULL AS unread FROM timetrackr.list_notifications(:cyd) WHERE payload ->> 'name' LIKE 'News%';
SELECT count(timetrackr.start_entry(:cyd, :to_project, now() - interval '3 hours', now() - interval '2 hours')) AS third;
SELECT kind FROM timetrackr.list_notifications(:cyd) WHERE payload ->> 'name' LIKE 'News%';
-- A badge that is deleted is gone for all, and an award that somebody deletes, without a word.
DELETE FROM timetrackr.badges WHERE name = 'News minute';
SELECT * FROM test.news(:cyd);

-- Pages, newest first; read and unread.
SELECT test.new_user('news-fay') AS fay, test.new_user('news-gus') AS gus \gset
INSERT INTO timetrackr.notifications (user_id, kind, payload) SELECT :fay, 'custom', jsonb_build_object('n', n) FROM generate_series(1, 5) n;
INSERT INTO timetrackr.notifications (user_id, kind) VALUES (:gus, 'custom');
SELECT payload, created_at > now() - interval '1 minute' AS just_now, read_at FROM timetrackr.list_notifications(:fay, "limit" => 2);
SELECT payload FROM timetrackr.list_notifications(:fay, "limit" => 2, after_notification_id => (SELECT min(notification_id) FROM timetrackr.list_notifications(:fay, "limit" => 2)));
SELECT unread FROM timetrackr.unread_notifications(:fay);
SELECT timetrackr.read_notifications(:fay, ARRAY(SELECT id FROM timetrackr.notifications WHERE user_id = :gus OR payload -> 'n' IN ('2', '4')) || -1::bigint || NULL);
SELECT unread FROM timetrackr.unread_notifications(:fay) UNION ALL SELECT unread FROM timetrackr.unread_notifications(:gus);
SELECT array_agg(payload -> 'n') AS unread FROM timetrackr.list_notifications(:fay, unread => true);
SELECT array_agg(payload -> 'n') AS read, bool_and(read_at > now() - interval '1 minute') AS just_now FROM timetrackr.list_notifications(:fay, unread => false);
SELECT timetrackr.read_notifications(:fay, '{}');
SELECT unread FROM timetrackr.unread_notifications(:fay);
-- All; what was read before keeps its time.
UPDATE timetrackr.notifications SET read_at = '2025-01-01Z' WHERE user_id = :fay AND payload -> 'n' = '2';
SELECT timetrackr.read_notifications(:fay);
SELECT unread FROM timetrackr.unread_notifications(:fay);
SELECT count(*) FILTER (WHERE read_at = '2025-01-01Z') AS kept FROM timetrackr.list_notifications(:fay);
SELECT test.refusal('SELECT timetrackr.read_notifications(NULL)') AS nobody, test.refusal('SELECT timetrackr.read_notifications(-7)') AS gone;
-- Anything may be in the payload of somebody else's kind.
INSERT INTO timetrackr.notifications (user_id, kind, payload)
SELECT :gus, 'custom', p FROM unnest(ARRAY['{"user_id": "x"}', '{"user_id": 1e300}', '{"user_id": -1}', '["user_id"]', '{"user_id": {}}', 'null']::jsonb[]) p;
SELECT payload FROM timetrackr.list_notifications(:gus);

-- Events: a new one whole, as the list has it; one for all that one statement marks or takes back; none without a change.
TRUNCATE timetrackr.outbox;
INSERT INTO timetrackr.notifications (user_id, kind, payload) VALUES (:fay, 'custom', jsonb_build_object('user_id', :gus));
SELECT payload = (SELECT timetrackr.json(r)::jsonb || jsonb_build_object('user_id', :fay) FROM timetrackr.list_notifications(:fay, "limit" => 1) r) AS whole, payload -> 'payload' ->> 'username' AS username
FROM timetrackr.outbox WHERE topic = 'notification_created';
INSERT INTO timetrackr.notifications (user_id, kind, created_at) VALUES (:fay, 'custom', now() - interval '49 hours');
TRUNCATE timetrackr.outbox;
SELECT timetrackr.read_notifications(:fay), timetrackr.read_notifications(:fay), timetrackr.read_notifications(:gus);
SELECT topic, count(*), bool_and(payload ->> 'user_id' IN (:'fay', :'gus')) AS theirs FROM timetrackr.outbox GROUP BY topic;
TRUNCATE timetrackr.outbox;
UPDATE timetrackr.notifications SET payload = '{}' WHERE user_id = :fay;
DELETE FROM timetrackr.notifications WHERE user_id = :fay AND payload = '{}' AND kind = 'nothing';
DELETE FROM timetrackr.notifications WHERE user_id = :gus;
SELECT count(*) AS none FROM timetrackr.outbox;
UPDATE timetrackr.notifications SET read_at = NULL WHERE user_id = :fay;
DELETE FROM timetrackr.notifications WHERE user_id = :fay;
SELECT topic FROM timetrackr.outbox;
-- Nothing is told of what did not happen.
TRUNCATE timetrackr.outbox;
BEGIN;
INSERT INTO timetrackr.notifications (user_id, kind) VALUES (:fay, 'custom');
ROLLBACK;
SELECT count(*) AS none FROM timetrackr.outbox;

-- The newest 500 are kept, of each user his own.
INSERT INTO timetrackr.notifications (user_id, kind, payload) VALUES (:gus, 'custom', '{}');
INSERT INTO timetrackr.notifications (user_id, kind, payload) SELECT :fay, 'custom', to_jsonb(n) FROM generate_series(1, 503) n;
SELECT count(*), min(payload::text::integer), max(payload::text::integer) FROM timetrackr.notifications WHERE user_id = :fay;
SELECT unread FROM timetrackr.unread_notifications(:fay) UNION ALL SELECT unread FROM timetrackr.unread_notifications(:gus);

-- Cheap: counting looks at unread ones only, a page at one page.
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET plan_cache_mode = force_generic_plan;
PREPARE unread(bigint) AS SELECT * FROM timetrackr.unread_notifications($1);
PREPARE page(bigint, bigint) AS SELECT notification_id FROM timetrackr.list_notifications($1, "limit" => 50, after_notification_id => $2);
CREATE FUNCTION test.indexes(statement text)
RETURNS SETOF text
LANGUAGE plpgsql
AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS off) EXECUTE ' || statement LOOP
        RETURN QUERY SELECT m[1] FROM regexp_matches(line, '(notifications_\w+|Sort|Seq Scan)', 'g') m;
    END LOOP;
END
$$;
SELECT test.indexes('unread(1)') AS unread;
SELECT test.indexes('page(1, NULL)') AS page;
RESET enable_seqscan;
RESET enable_bitmapscan;
RESET plan_cache_mode;

-- The proxy's role may read and mark them, not write them.
CREATE ROLE test_news;
SELECT timetrackr.grant_api('test_news');
SET ROLE test_news;
SELECT count(*) FROM timetrackr.list_notifications(:gus);
SELECT timetrackr.read_notifications(:gus);
SELECT unread FROM timetrackr.unread_notifications(:gus);
DELETE FROM timetrackr.notifications;
INSERT INTO timetrackr.notifications (user_id, kind) VALUES (1, 'forged');
RESET ROLE;
DROP OWNED BY test_news;
DROP ROLE test_news;
SELECT * FROM timetrackr.verify();
