-- Leaderboards: ranks, ties, pages, periods, and one's surroundings.
SET timezone = 'UTC';
SELECT test.new_user('board-owner') AS owner \gset
SELECT test.new_project(:owner, 'Board', 'public') AS project \gset
-- Twelve users on the boards of a week of their own, three of them tied, and
-- one who is not listed. Some ids are longer than others.
CREATE TABLE test.board AS
SELECT n, 999995 + n AS user_id, CASE WHEN n IN (4, 5, 6) THEN 4000 ELSE n * 1000 END AS seconds
FROM generate_series(1, 12) n;
INSERT INTO timetrackr.users (id, email, username)
SELECT b.user_id, format('board-%s@example.org', b.n), format('board-%s', b.n) FROM test.board b;
INSERT INTO timetrackr.project_members (project_id, user_id) SELECT :project, b.user_id FROM test.board b;
SELECT count(timetrackr.start_entry(b.user_id, :project, '2019-05-08 00:00Z', '2019-05-08 00:00Z'::timestamptz + b.seconds * interval '1 second'))
FROM test.board b;
UPDATE timetrackr.users SET listed = false WHERE id = (SELECT b.user_id FROM test.board b WHERE b.n = 12);

CREATE FUNCTION test.board_rows(period timetrackr.period, day date, size integer DEFAULT 50)
RETURNS TABLE (n integer, score bigint, rank bigint)
LANGUAGE sql
AS $$
    SELECT b.n, l.score, l.rank
    FROM timetrackr.leaderboard(period, 'time', day, size) l
    JOIN test.board b ON b.user_id = l.user_id
$$;
-- Ranks are 1, 2, ... 6, 6, 6, 9: equal ones share, and leave their places.
-- Among them the greater id, as text, comes first.
SELECT b.n, b.score, b.rank FROM test.board_rows('week', '2019-05-06') b ORDER BY b.rank, b.n;
SELECT array_agg(l.user_id) AS in_order
FROM timetrackr.leaderboard('week', period_start => '2019-05-06') l;
-- Any day names its period.
SELECT count(*) AS by_sunday FROM test.board_rows('week', '2019-05-12');
SELECT count(*) AS next_week FROM test.board_rows('week', '2019-05-13');
SELECT count(*) AS by_day FROM test.board_rows('day', '2019-05-08');
SELECT count(*) AS next_day FROM test.board_rows('day', '2019-05-09');
SELECT count(*) AS by_month FROM test.board_rows('month', '2019-05-31');
SELECT count(*) AS next_month FROM test.board_rows('month', '2019-06-01');
SELECT timetrackr.board_start('week', 'time', '2019-01-01') AS week, timetrackr.board_start('month', 'time', '2020-02-29') AS month,
    timetrackr.board_start('all', 'time', '2020-02-29') AS all, timetrackr.board_start('all', 'badges', NULL) AS badges;
-- Without one it is the period of now, in UTC.
SELECT timetrackr.board_start('day', 'time', NULL) = (now() AT TIME ZONE 'UTC')::date AS day,
    timetrackr.board_start('week', 'time', NULL) = date_trunc('week', now() AT TIME ZONE 'UTC')::date AS week,
    timetrackr.board_start('month', 'time', NULL) = date_trunc('month', now() AT TIME ZONE 'UTC')::date AS month;
SELECT test.refusal('SELECT timetrackr.leaderboard(''week'', ''badges'')') AS badges_of_week,
    test.refusal('SELECT timetrackr.leaderboard(''day'', ''badges'', ''2019-05-06'')') AS badges_of_day,
    test.refusal('SELECT timetrackr.leaderboard_around(1, ''month'', ''badges'')') AS badges_around;

-- Pages of any size put together are the whole board, ranks and all.
CREATE FUNCTION test.board_pages(period timetrackr.period, metric timetrackr.metric, day date, size integer)
RETURNS text[]
LANGUAGE plpgsql
AS $$
DECLARE
    whole text[] := '{}';
    page text[];
    last_score bigint;
    last_user bigint;
BEGIN
    LOOP
        SELECT array_agg(format('%s %s %s', l.user_id, l.score, l.rank)), (array_agg(l.score))[count(*)], (array_agg(l.user_id))[count(*)]
        INTO page, last_score, last_user
        FROM timetrackr.leaderboard(period, metric, day, size, last_score, last_user) l;
        EXIT WHEN page IS NULL;
        whole := whole || page;
    END LOOP;
    RETURN whole;
END
$$;
SELECT bool_and(test.board_pages('week', 'time', '2019-05-06', size) = (
    SELECT array_agg(format('%s %s %s', s.user_id, s.seconds, s.rank) ORDER BY s.seconds DESC, s.user_id::text COLLATE "C" DESC)
    FROM (
        SELECT s.*, rank() OVER (ORDER BY s.seconds DESC)
        FROM timetrackr.scores s
        WHERE s.period = 'week' AND s.period_start = '2019-05-06' AND s.listed) s)) AS week_whole
FROM generate_series(1, 12) size;
SELECT bool_and(test.board_pages('all', 'time', NULL, size) = (
    SELECT array_agg(format('%s %s %s', s.user_id, s.seconds, s.rank) ORDER BY s.seconds DESC, s.user_id::text COLLATE "C" DESC)
    FROM (
        SELECT s.*, rank() OVER (ORDER BY s.seconds DESC)
        FROM timetrackr.user_totals s
        WHERE s.listed AND s.seconds > 0) s)) AS all_whole
FROM generate_series(1, 5) size;
SELECT bool_and(test.board_pages('all', 'badges', NULL, size) = (
    SELECT array_agg(format('%s %s %s', s.user_id, s.badges, s.rank) ORDER BY s.badges DESC, s.user_id::text COLLATE "C" DESC)
    FROM (
        SELECT s.*, rank() OVER (ORDER BY s.badges DESC)
        FROM timetrackr.user_totals s
        WHERE s.listed AND s.badges > 0) s)) AS badges_whole
FROM generate_series(1, 5) size;
-- A profile has the rank of the board.
SELECT bool_and(p.rank = l.rank) AS same_rank
FROM timetrackr.leaderboard() l
CROSS JOIN LATERAL timetrackr.profile(NULL, l.user_id) p;

-- Around a user: as many before as after him, fewer at the ends.
CREATE FUNCTION test.around(who integer, size integer)
RETURNS text
LANGUAGE sql
AS $$
    SELECT string_agg(format('%s.%s', l.rank, CASE WHEN c.n IN (4, 5, 6) THEN 'tied' ELSE c.n::text END), ' ' ORDER BY l.rank)
    FROM test.board b
    CROSS JOIN LATERAL timetrackr.leaderboard_around(b.user_id, 'week', 'time', '2019-05-06', size) l
    JOIN test.board c ON c.user_id = l.user_id
    WHERE b.n = who
$$;
SELECT size, test.around(8, size) AS middle, test.around(11, size) AS first, test.around(1, size) AS last
FROM generate_series(1, 6) size;
SELECT test.around(7, 100) AS whole;
SELECT test.around(3, 7) AS below_the_tie, test.around(12, 7) AS not_listed;
SELECT count(*) AS nobody FROM timetrackr.leaderboard_around(0, 'week', 'time', '2019-05-06');
-- The same rows as the board's, whoever is in the middle.
SELECT count(*) AS looked_at, bool_and(a.rows <@ w.rows AND format('%s %s %s', b.user_id, b.seconds, r.rank) = ANY (a.rows)) AS same_rows
FROM test.board b
JOIN test.board_rows('week', '2019-05-06') r ON r.n = b.n
CROSS JOIN LATERAL (
    SELECT array_agg(format('%s %s %s', l.user_id, l.score, l.rank)) AS rows
    FROM timetrackr.leaderboard_around(b.user_id, 'week', 'time', '2019-05-06', 5) l) a
CROSS JOIN (SELECT test.board_pages('week', 'time', '2019-05-06', 50) AS rows) w;
SELECT bool_and(b.user_id = l.user_id AND a.rank = l.rank AND a.score = l.score) AS badges_around
FROM test.board b
JOIN timetrackr.leaderboard('all', 'badges', "limit" => 1000) l ON l.user_id = b.user_id
CROSS JOIN LATERAL timetrackr.leaderboard_around(b.user_id, 'all', 'badges', "limit" => 1) a;

-- A page is read off the index whatever the cursor, by the plan made for any;
-- and nothing is left of the functions in the plan: they are inlined.
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
PREPARE board (timetrackr.period, timetrackr.metric, date, integer, bigint, bigint) AS
SELECT * FROM timetrackr.leaderboard($1, $2, $3, $4, $5, $6);
CREATE FUNCTION test.plan(statement text)
RETURNS SETOF text
LANGUAGE plpgsql
AS $$
BEGIN
    RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || statement;
END
$$;
SELECT bool_or(line LIKE '%Index Only Scan using scores_rank%') AS by_scores_rank,
    bool_or(line LIKE '%Index Only Scan using user_totals_badges%') AS by_user_totals_badges,
    count(*) FILTER (WHERE line LIKE '%Index Cond: %ROW(seconds, ((user_id)::text)) < ROW(%') AS seeks_seconds,
    count(*) FILTER (WHERE line LIKE '%Index Cond: %ROW(badges, ((user_id)::text)) < ROW(%') AS seeks_badges,
    bool_or(line LIKE '%Seq Scan%' OR line LIKE '%Function Scan%') AS reads_more
FROM test.plan('EXECUTE board(''week'', ''time'', ''2019-05-06'', 3, 4000, 5)') line;
DEALLOCATE board;
RESET plan_cache_mode;
RESET enable_seqscan;
RESET enable_bitmapscan;

-- Between two pages some move, up and down past the cursor, its own row among
-- them, one leaves and one comes. Who stays is on one page, and on one only.
CREATE TABLE test.seen AS
SELECT 1 AS page, l.user_id, l.score, l.rank FROM timetrackr.leaderboard('week', period_start => '2019-05-06', "limit" => 4) l;
SELECT user_id AS cursor_user, score AS cursor_score FROM test.seen ORDER BY score, user_id::text COLLATE "C" LIMIT 1 \gset
SELECT array_agg(b.n ORDER BY b.n DESC) AS first_page FROM test.seen JOIN test.board b USING (user_id);
CREATE FUNCTION test.move_on_board(who integer, new_seconds integer)
RETURNS void
LANGUAGE sql
AS $$
    UPDATE timetrackr.time_entries e
    SET end_time = e.start_time + make_interval(secs => move_on_board.new_seconds)
    FROM test.board b
    WHERE b.n = move_on_board.who AND e.user_id = b.user_id
$$;
BEGIN;
SELECT test.move_on_board(8, 20000), test.move_on_board(2, 30000), test.move_on_board(10, 500);
UPDATE timetrackr.users SET listed = false WHERE id = (SELECT b.user_id FROM test.board b WHERE b.n = 5);
UPDATE timetrackr.users SET listed = true WHERE id = (SELECT b.user_id FROM test.board b WHERE b.n = 12);
INSERT INTO test.seen SELECT 2, l.* FROM (SELECT user_id, score, rank FROM timetrackr.leaderboard('week', 'time', '2019-05-06', 4, :cursor_score, :cursor_user)) l;
SELECT user_id AS cursor_user, score AS cursor_score FROM test.seen WHERE page = 2 ORDER BY score, user_id::text COLLATE "C" LIMIT 1 \gset
INSERT INTO test.seen SELECT 3, l.* FROM (SELECT user_id, score, rank FROM timetrackr.leaderboard('week', 'time', '2019-05-06', 4, :cursor_score, :cursor_user)) l;
SELECT array_agg(b.n ORDER BY b.n) AS stayed_and_seen_once
FROM test.board b
WHERE b.n NOT IN (8, 2, 10, 5, 12)
    AND (SELECT count(*) FROM test.seen s WHERE s.user_id = b.user_id) = 1;
-- The later pages are the board as it is now from the cursor on, ranks and all.
SELECT bool_and(s.rank = r.rank) AS ranked, count(*) AS rows
FROM test.seen s
JOIN (SELECT l.user_id, l.rank FROM timetrackr.leaderboard('week', period_start => '2019-05-06') l) r USING (user_id)
WHERE s.page > 1;
ROLLBACK;

-- Boards of periods gone by, by each of their days: years and weeks overlap.
SELECT test.new_user('board-past') AS past \gset
INSERT INTO timetrackr.project_members (project_id, user_id) VALUES (:project, :past);
INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time)
SELECT :past, :project, t, t + interval '100 seconds' FROM generate_series(timestamptz '2001-12-20 12:00Z', '2002-01-20 12:00Z', interval '1 day') t;
SELECT bool_and(l.score = d.expected) AS right, count(*) AS boards
FROM generate_series(DATE '2001-12-20', DATE '2002-01-20', interval '1 day') day
CROSS JOIN (VALUES ('day'), ('week'), ('month'), ('all')) p (period)
CROSS JOIN LATERAL (
    SELECT 100 * count(*) AS expected
    FROM generate_series(DATE '2001-12-20', DATE '2002-01-20', interval '1 day') other
    WHERE CASE p.period
        WHEN 'week' THEN to_char(other, 'IYYY-IW') = to_char(day, 'IYYY-IW')
        WHEN 'month' THEN to_char(other, 'YYYY-MM') = to_char(day, 'YYYY-MM')
        WHEN 'day' THEN other = day
        ELSE true
    END
) d
LEFT JOIN LATERAL timetrackr.leaderboard_around(:past, p.period::timetrackr.period, 'time', day::date, 1) l ON true;
