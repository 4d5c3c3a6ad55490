-- The board of a project: who spent most time on it. The order is that of
-- index project_totals_rank; who is not listed is passed over.

CREATE FUNCTION timetrackr.project_leaderboard(
    viewer_id bigint,
    project_id bigint,
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
    -- OFFSET keeps the look-ups of users by key: a plan made for any limit
    -- would read all of them.
    WITH page AS (
        SELECT t.user_id, t.seconds AS score
        FROM timetrackr.project_totals t
        CROSS JOIN LATERAL (
            SELECT
            FROM timetrackr.user_totals l
            WHERE l.user_id = t.user_id
                AND l.listed
            OFFSET 0
        ) l
        WHERE t.project_id = project_leaderboard.project_id
            AND EXISTS (
                SELECT
                FROM timetrackr.visible_projects(project_leaderboard.viewer_id) v
                WHERE v.project_id = project_leaderboard.project_id
            )
            AND t.seconds > 0
            AND (t.seconds, t.user_id::text COLLATE "C") < (
                COALESCE(project_leaderboard.after_score, 9223372036854775807),
                COALESCE(project_leaderboard.after_user_id::text, '') COLLATE "C")
        ORDER BY t.seconds DESC, t.user_id::text COLLATE "C" DESC
        LIMIT project_leaderboard."limit"
    ), best AS (
        SELECT max(p.score) AS score
        FROM page p
    ), place AS MATERIALIZED (
        -- Of the first row's score and better; counted once.
        SELECT
            b.score,
            count(*) FILTER (WHERE t.seconds > b.score) AS above,
            count(*) AS up_to
        FROM best b
        CROSS JOIN timetrackr.project_totals t
        CROSS JOIN LATERAL (
            SELECT
            FROM timetrackr.user_totals l
            WHERE l.user_id = t.user_id
                AND l.listed
            OFFSET 0
        ) l
        WHERE t.project_id = project_leaderboard.project_id
            AND t.seconds >= b.score
        GROUP BY b.score
    )
    SELECT
        p.user_id,
        u.username,
        u.avatar,
        p.score,
        -- Below the first row's score a rank counts from all that have it,
        -- on this page or on one before.
        CASE
            WHEN p.score = f.score THEN f.above + 1
            ELSE f.up_to + rank() OVER (ORDER BY p.score DESC) - (
                SELECT count(*)
                FROM page s
                WHERE s.score = f.score
            )
        END
    FROM place f
    CROSS JOIN page p
    CROSS JOIN LATERAL (
        SELECT a.username, a.avatar
        FROM timetrackr.users a
        WHERE a.id = p.user_id
        OFFSET 0
    ) u
    ORDER BY p.score DESC, p.user_id::text COLLATE "C" DESC
$$;
COMMENT ON FUNCTION timetrackr.project_leaderboard(bigint, bigint, integer, bigint, bigint) IS
'A page of a project''s board, most time first: listed users with time on it; score is their seconds. No row when the viewer (null: a visitor) may not know of the project. rank is the competition rank: equal scores share one, the next is that many lower. after_score and after_user_id are the last row of the page before; a page costs as many look-ups as there are rows before it.';
