-- Leaderboards: who tracked most in a period, or earned most badges. A board
-- is the order of a partial index on its listed users: scores_rank for time,
-- user_totals_badges for badges. Equal scores are ordered by user id as text,
-- descending, as Redis ZREVRANGE does.

CREATE FUNCTION timetrackr.board_start(
    period timetrackr.period,
    metric timetrackr.metric,
    period_start date
)
RETURNS date
LANGUAGE C
STABLE
PARALLEL SAFE
AS 'MODULE_PATHNAME', 'tt_board_start';
COMMENT ON FUNCTION timetrackr.board_start(timetrackr.period, timetrackr.metric, date) IS
'First day of the board''s period: that of period_start, or the one it is now in UTC. Weeks begin on Monday; of all time it is 1970-01-01. Errors: 422 unsupported_period when badges are asked for in a period other than all.';

CREATE FUNCTION timetrackr.board_above(
    period timetrackr.period,
    metric timetrackr.metric,
    period_start date,
    score bigint
)
RETURNS TABLE (
    above bigint,
    level bigint
)
LANGUAGE sql
STABLE
ROWS 1
AS $$
    -- Of all time: the buckets above the score's, 32 at a time and then one by
    -- one, and what is above it in its own. Of other periods: everybody above.
    SELECT
        (
            SELECT COALESCE(sum(b.users), 0)::bigint
            FROM timetrackr.standings b
            WHERE board_above.period = 'all'
                AND b.metric = board_above.metric::text
                AND b.width = 32
                AND b.bucket > timetrackr.standing_bucket(board_above.score) / 32
        ) + (
            SELECT COALESCE(sum(b.users), 0)::bigint
            FROM timetrackr.standings b
            WHERE board_above.period = 'all'
                AND b.metric = board_above.metric::text
                AND b.width = 1
                AND b.bucket > timetrackr.standing_bucket(board_above.score)
                AND b.bucket < (timetrackr.standing_bucket(board_above.score) / 32 + 1) * 32
        ) + (
            SELECT
                count(*) FILTER (WHERE m.to_bucket > timetrackr.standing_bucket(board_above.score))
                - count(*) FILTER (WHERE m.from_bucket > timetrackr.standing_bucket(board_above.score))
            FROM timetrackr.standing_moves m
            WHERE board_above.period = 'all'
                AND m.metric = board_above.metric::text
        ) + (
            SELECT count(*)
            FROM timetrackr.scores s
            WHERE board_above.metric = 'time'
                AND s.period = board_above.period::text
                AND s.period_start = board_above.period_start
                AND s.listed
                AND s.seconds > board_above.score
                AND s.seconds < CASE
                    WHEN board_above.period = 'all'
                        THEN timetrackr.standing_end(timetrackr.standing_bucket(board_above.score))
                    ELSE 9223372036854775807
                END
        ) + (
            SELECT count(*)
            FROM timetrackr.user_totals t
            WHERE board_above.metric = 'badges'
                AND t.listed
                AND t.badges > 0
                AND t.badges > board_above.score
                AND t.badges < timetrackr.standing_end(timetrackr.standing_bucket(board_above.score))
        ),
        CASE
            -- A bucket of one score.
            WHEN board_above.period = 'all'
                AND timetrackr.standing_bucket(board_above.score - 1) < timetrackr.standing_bucket(board_above.score)
                AND timetrackr.standing_end(timetrackr.standing_bucket(board_above.score)) = board_above.score + 1
            THEN (
                SELECT COALESCE(sum(b.users), 0)::bigint
                FROM timetrackr.standings b
                WHERE b.metric = board_above.metric::text
                    AND b.width = 1
                    AND b.bucket = timetrackr.standing_bucket(board_above.score)
            ) + (
                SELECT
                    count(*) FILTER (WHERE m.to_bucket = timetrackr.standing_bucket(board_above.score))
                    - count(*) FILTER (WHERE m.from_bucket = timetrackr.standing_bucket(board_above.score))
                FROM timetrackr.standing_moves m
                WHERE m.metric = board_above.metric::text
            )
            ELSE (
                SELECT count(*)
                FROM timetrackr.scores s
                WHERE board_above.metric = 'time'
                    AND s.period = board_above.period::text
                    AND s.period_start = board_above.period_start
                    AND s.listed
                    AND s.seconds = board_above.score
            ) + (
                SELECT count(*)
                FROM timetrackr.user_totals t
                WHERE board_above.metric = 'badges'
                    AND t.listed
                    AND t.badges > 0
                    AND t.badges = board_above.score
            )
        END
$$;
COMMENT ON FUNCTION timetrackr.board_above(timetrackr.period, timetrackr.metric, date, bigint) IS
'Of the board whose period begins on period_start: how many users have a higher score (above), and how many have this one (level). Of all time it is counted by standings, and on the index within one bucket of them; of other periods on the index, over all who are above.';

CREATE FUNCTION timetrackr.leaderboard(
    period timetrackr.period DEFAULT 'all',
    metric timetrackr.metric DEFAULT 'time',
    period_start date DEFAULT NULL,
    "limit" integer DEFAULT 50,
    after_score bigint DEFAULT NULL,
    after_user_id bigint DEFAULT NULL
)
RETURNS TABLE (
    user_id bigint,
    username text,
    avatar_url text,
    score bigint,
    rank bigint
)
LANGUAGE sql
STABLE
AS $$
    WITH page AS (
        (
            SELECT s.user_id, s.seconds AS score
            FROM timetrackr.scores s
            WHERE leaderboard.metric = 'time'
                AND s.period = leaderboard.period::text
                AND s.period_start
                    = timetrackr.board_start(leaderboard.period, leaderboard.metric, leaderboard.period_start)
                AND s.listed
                AND s.seconds > 0
                AND (s.seconds, s.user_id::text COLLATE "C") < (
                    COALESCE(leaderboard.after_score, 9223372036854775807),
                    COALESCE(leaderboard.after_user_id::text, '') COLLATE "C")
            ORDER BY s.seconds DESC, s.user_id::text COLLATE "C" DESC
            LIMIT leaderboard."limit"
        )
        UNION ALL
        (
            SELECT t.user_id, t.badges
            FROM timetrackr.user_totals t
            WHERE leaderboard.metric = 'badges'
                AND timetrackr.board_start(leaderboard.period, leaderboard.metric, leaderboard.period_start) IS NOT NULL
                AND t.listed
                AND t.badges > 0
                AND (t.badges, t.user_id::text COLLATE "C") < (
                    COALESCE(leaderboard.after_score, 9223372036854775807),
                    COALESCE(leaderboard.after_user_id::text, '') COLLATE "C")
            ORDER BY t.badges DESC, t.user_id::text COLLATE "C" DESC
            LIMIT leaderboard."limit"
        )
    ), first AS (
        SELECT p.score
        FROM page p
        ORDER BY p.score DESC
        LIMIT 1
    ), place AS MATERIALIZED (
        -- Counted once, not for every row of the page.
        SELECT f.score, b.above, b.level
        FROM first f
        CROSS JOIN LATERAL timetrackr.board_above(
            leaderboard.period,
            leaderboard.metric,
            timetrackr.board_start(leaderboard.period, leaderboard.metric, leaderboard.period_start),
            f.score) b
    )
    -- Below the first row's score a rank counts from all that have it, on this
    -- page or on one before.
    SELECT
        p.user_id,
        u.username,
        u.avatar,
        p.score,
        CASE
            WHEN p.score = f.score THEN f.above + 1
            ELSE f.above + f.level + rank() OVER (ORDER BY p.score DESC)
                - count(*) FILTER (WHERE p.score = f.score) OVER ()
        END
    FROM place f
    CROSS JOIN page p
    CROSS JOIN LATERAL (
        -- OFFSET keeps it a look-up by key: a plan made for any limit expects
        -- a tenth of the board, and would read all users.
        SELECT a.username, a.avatar
        FROM timetrackr.users a
        WHERE a.id = p.user_id
        OFFSET 0
    ) u
    ORDER BY p.score DESC, p.user_id::text COLLATE "C" DESC
$$;
COMMENT ON FUNCTION timetrackr.leaderboard(timetrackr.period, timetrackr.metric, date, integer, bigint, bigint) IS
'A page of a board, best first: users who are listed and have a score over 0. metric time scores seconds tracked in the period that holds period_start (null: now, in UTC), of local days; metric badges scores badges earned, for period all only. rank is the competition rank: equal scores share one, the next is that many lower. after_score and after_user_id are the last row of the page before. Errors: 422 unsupported_period.';

CREATE FUNCTION timetrackr.leaderboard_around(
    user_id bigint,
    period timetrackr.period DEFAULT 'all',
    metric timetrackr.metric DEFAULT 'time',
    period_start date DEFAULT NULL,
    "limit" integer DEFAULT 11
)
RETURNS TABLE (
    user_id bigint,
    username text,
    avatar_url text,
    score bigint,
    rank bigint
)
LANGUAGE sql
STABLE
AS $$
    -- The page that begins so many rows before the user's; the row before that
    -- one is its cursor.
    WITH own AS (
        SELECT s.seconds AS score
        FROM timetrackr.scores s
        WHERE leaderboard_around.metric = 'time'
            AND s.user_id = leaderboard_around.user_id
            AND s.period = leaderboard_around.period::text
            AND s.period_start = timetrackr.board_start(
                leaderboard_around.period, leaderboard_around.metric, leaderboard_around.period_start)
            AND s.listed
            AND s.seconds > 0
        UNION ALL
        SELECT t.badges
        FROM timetrackr.user_totals t
        WHERE leaderboard_around.metric = 'badges'
            AND timetrackr.board_start(
                leaderboard_around.period, leaderboard_around.metric, leaderboard_around.period_start) IS NOT NULL
            AND t.user_id = leaderboard_around.user_id
            AND t.listed
            AND t.badges > 0
    ), ahead AS (
        (
            SELECT s.user_id, s.seconds AS score
            FROM timetrackr.scores s
            WHERE leaderboard_around.metric = 'time'
                AND s.period = leaderboard_around.period::text
                AND s.period_start = timetrackr.board_start(
                    leaderboard_around.period, leaderboard_around.metric, leaderboard_around.period_start)
                AND s.listed
                AND (s.seconds, s.user_id::text COLLATE "C") > (
                    (SELECT o.score FROM own o),
                    leaderboard_around.user_id::text COLLATE "C")
            ORDER BY s.seconds, s.user_id::text COLLATE "C"
            LIMIT (leaderboard_around."limit" - 1) / 2 + 1
        )
        UNION ALL
        (
            SELECT t.user_id, t.badges
            FROM timetrackr.user_totals t
            WHERE leaderboard_around.metric = 'badges'
                AND t.listed
                AND t.badges > 0
                AND (t.badges, t.user_id::text COLLATE "C") > (
                    (SELECT o.score FROM own o),
                    leaderboard_around.user_id::text COLLATE "C")
            ORDER BY t.badges, t.user_id::text COLLATE "C"
            LIMIT (leaderboard_around."limit" - 1) / 2 + 1
        )
    ), before AS (
        SELECT a.user_id, a.score
        FROM ahead a
        ORDER BY a.score, a.user_id::text COLLATE "C"
        OFFSET (leaderboard_around."limit" - 1) / 2
    ), bounds AS (
        SELECT
            (SELECT b.score FROM before b) AS after_score,
            (SELECT b.user_id FROM before b) AS after_user_id,
            LEAST((SELECT count(*) FROM ahead), (leaderboard_around."limit" - 1) / 2)
                + 1 + leaderboard_around."limit" / 2 AS rows
        FROM own
    )
    SELECT l.user_id, l.username, l.avatar_url, l.score, l.rank
    FROM bounds b
    CROSS JOIN LATERAL timetrackr.leaderboard(
        leaderboard_around.period,
        leaderboard_around.metric,
        leaderboard_around.period_start,
        b.rows::integer,
        b.after_score,
        b.after_user_id) l
    ORDER BY l.score DESC, l.user_id::text COLLATE "C" DESC
$$;
COMMENT ON FUNCTION timetrackr.leaderboard_around(bigint, timetrackr.period, timetrackr.metric, date, integer) IS
'The rows of a board (see leaderboard) with user_id in the middle: up to (limit - 1) / 2 before it and up to limit / 2 after it, fewer at an end of the board. No row when the user is not on the board. Errors: 422 unsupported_period.';
