-- Standings: users counted by bucket of scores, behind the ranks of all time.
SET timezone = 'UTC';
-- Buckets follow each other without a gap, up to the greatest score there is.
SELECT count(*) AS buckets, bool_and(timetrackr.standing_bucket(timetrackr.standing_end(b) - 1) = b) AS ends_in_it,
    bool_and(b = 55295 OR timetrackr.standing_bucket(timetrackr.standing_end(b)) = b + 1) AS next_begins,
    max(timetrackr.standing_end(b)) AS last_end
FROM generate_series(0, 55295) b;
SELECT s AS score, timetrackr.standing_bucket(s) AS bucket, timetrackr.standing_end(timetrackr.standing_bucket(s)) AS next
FROM unnest('{-1, 0, 1, 2047, 2048, 2049, 2050, 4095, 4096, 4099, 4100, 36000, 360000, 3600000, 9223372036854775807}'::bigint[]) s;

-- A user per second around the ends of buckets, some tied; ranks of all time
-- are those that counting everybody gives.
SELECT test.new_user('standing-owner') AS owner \gset
SELECT test.new_project(:owner, 'Standings', 'public') AS project \gset
CREATE TABLE test.standing AS
SELECT 700000 + n AS user_id, CASE WHEN n <= 140 THEN n WHEN n <= 170 THEN 3580 + n % 10 ELSE 3500 + n END AS seconds
FROM generate_series(1, 300) n;
INSERT INTO timetrackr.users (id, email, username)
SELECT s.user_id, format('standing-%s@example.org', s.user_id), format('standing-%s', s.user_id) FROM test.standing s;
INSERT INTO timetrackr.project_members (project_id, user_id) SELECT :project, s.user_id FROM test.standing s;
CREATE FUNCTION test.wrong_ranks()
RETURNS bigint
LANGUAGE sql
AS $$
    SELECT count(*)
    FROM test.standing s
    JOIN timetrackr.user_totals t ON t.user_id = s.user_id
    LEFT JOIN (
        SELECT o.user_id, rank() OVER (ORDER BY o.seconds DESC) AS rank
        FROM timetrackr.user_totals o
        WHERE o.listed AND o.seconds > 0
    ) r ON r.user_id = s.user_id
    CROSS JOIN LATERAL timetrackr.profile(NULL, s.user_id) p
    LEFT JOIN LATERAL timetrackr.leaderboard_around(s.user_id, "limit" => 3) a ON a.user_id = s.user_id
    WHERE p.rank IS DISTINCT FROM r.rank
        OR a.rank IS DISTINCT FROM r.rank
$$;
INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time)
SELECT s.user_id, :project, '2018-03-05 00:00Z', timestamptz '2018-03-05 00:00Z' + make_interval(secs => s.seconds) FROM test.standing s WHERE s.user_id <= 700150;
INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time)
SELECT s.user_id, :project, '2018-03-05 00:00Z', timestamptz '2018-03-05 00:00Z' + make_interval(secs => s.seconds) FROM test.standing s WHERE s.user_id > 700150;
SELECT test.wrong_ranks();
SELECT * FROM timetrackr.verify();
-- So many moves have been folded, but for the last ones.
SELECT (SELECT count(*) FROM timetrackr.standing_moves) < 300 AS few_moves, (SELECT sum(users) > 100 FROM timetrackr.standings) AS folded;
-- Up, down, off the board and on to it again; deleted; and what is undone.
UPDATE timetrackr.time_entries SET end_time = end_time + interval '40 minutes' WHERE user_id IN (SELECT s.user_id FROM test.standing s WHERE s.user_id % 3 = 0);
UPDATE timetrackr.time_entries SET end_time = end_time - interval '30 minutes' WHERE user_id IN (SELECT s.user_id FROM test.standing s WHERE s.user_id % 5 = 0 AND s.seconds > 3000);
UPDATE timetrackr.users SET listed = false WHERE id IN (SELECT s.user_id FROM test.standing s WHERE s.user_id % 7 = 0);
DELETE FROM timetrackr.time_entries WHERE user_id IN (SELECT s.user_id FROM test.standing s WHERE s.user_id % 11 = 0);
DELETE FROM timetrackr.users WHERE id IN (SELECT s.user_id FROM test.standing s WHERE s.user_id % 13 = 0);
SELECT test.wrong_ranks();
SELECT * FROM timetrackr.verify();
UPDATE timetrackr.users SET listed = true WHERE id IN (SELECT s.user_id FROM test.standing s WHERE s.user_id % 7 = 0);
BEGIN;
DELETE FROM timetrackr.time_entries WHERE user_id BETWEEN 700001 AND 700300;
SELECT count(*) FROM timetrackr.verify();
ROLLBACK;
SELECT test.wrong_ranks();
SELECT * FROM timetrackr.verify();
-- Badges, too: given, taken back, truncated.
INSERT INTO timetrackr.badges (name, criteria, revocable) VALUES ('Standing test', '{"metric": "longest_entry_seconds", "gte": 1000000000}', true);
INSERT INTO timetrackr.user_badges (user_id, badge_id) SELECT t.user_id, b.id FROM timetrackr.badges b, timetrackr.user_totals t WHERE b.name = 'Standing test' AND t.user_id > 700250;
SELECT * FROM timetrackr.verify();
-- How many have earned each badge is kept, too, by moves and what they were folded into; also of accounts that go.
SELECT count(*) FILTER (WHERE l.earned_by > 0) > 1 AS earned, count(*) FILTER (WHERE l.earned_by <> (SELECT count(*) FROM timetrackr.user_badges u WHERE u.badge_id = l.badge_id)) AS wrong FROM timetrackr.list_badges() l;
DELETE FROM timetrackr.users WHERE id = 700299;
SELECT count(*) FILTER (WHERE l.earned_by > 0) > 1 AS earned, count(*) FILTER (WHERE l.earned_by <> (SELECT count(*) FROM timetrackr.user_badges u WHERE u.badge_id = l.badge_id)) AS wrong FROM timetrackr.list_badges() l;
DELETE FROM timetrackr.badges WHERE name = 'Standing test';
SELECT * FROM timetrackr.verify();
BEGIN;
TRUNCATE timetrackr.user_badges;
SELECT count(*) FROM timetrackr.verify();
ROLLBACK;
-- What is wrong is seen, and rebuilding anybody mends it.
UPDATE timetrackr.standings SET users = users + 1 WHERE (metric, width, bucket) IN (SELECT s.metric, s.width, s.bucket FROM timetrackr.standings s WHERE s.users > 0 ORDER BY s.metric, s.width, s.bucket LIMIT 1);
DELETE FROM timetrackr.standing_moves;
INSERT INTO timetrackr.standing_moves (metric, from_bucket, to_bucket) VALUES ('time', 0, 55295), ('time', 0, 55295), ('time', 55294, 55295), ('earned', 0, 4294967297);
SELECT relation, key, expected, actual FROM timetrackr.verify() WHERE key IN ('time bucket 55294', 'time bucket 55295', 'time buckets 55264 to 55295') OR key LIKE 'earned % 4294967297' ORDER BY key;
SELECT count(*) > 1 AS wrong FROM timetrackr.verify();
SELECT timetrackr.rebuild(:owner);
SELECT * FROM timetrackr.verify();
SELECT test.wrong_ranks();
DELETE FROM timetrackr.users WHERE username LIKE 'standing-%';
SELECT * FROM timetrackr.verify();
