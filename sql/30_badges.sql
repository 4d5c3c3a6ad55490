-- Badges: what there is to earn, and who earned what.

CREATE FUNCTION timetrackr.check_criteria(criteria jsonb)
RETURNS boolean
LANGUAGE c
IMMUTABLE
STRICT
PARALLEL SAFE
AS 'MODULE_PATHNAME', 'tt_check_criteria';
COMMENT ON FUNCTION timetrackr.check_criteria(jsonb) IS
'True when a badge can have these criteria. Otherwise TT422 invalid_criteria, with the path of the fault in the detail, such as {"path": "$.all[1].gte"}. A node is {"all": [node, …]}, {"any": [node, …]}, {"not": node} or a condition: a metric, one of gte gt lte lt eq with a number, and optionally project_id (metric project_seconds) or last_days, 1 to 3660 (metrics total_seconds, entry_count, active_days, project_seconds). Lists are not empty; there are at most 8 levels and 64 conditions. Seconds and days are the units of the metrics that end so; the others are counts.';

CREATE FUNCTION timetrackr.badge_holders()
RETURNS TABLE (
    badge_id bigint,
    users bigint
)
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    -- As many as standings and the moves that they do not include yet say:
    -- counting them anew costs a look at every badge of everybody.
    SELECT c.bucket, sum(c.users)::bigint
    FROM (
        SELECT s.bucket, s.users
        FROM timetrackr.standings s
        WHERE s.metric = 'earned'
        UNION ALL
        SELECT v.bucket, v.change
        FROM timetrackr.standing_moves m
        CROSS JOIN LATERAL (VALUES (m.from_bucket, -1), (m.to_bucket, 1)) v (bucket, change)
        WHERE m.metric = 'earned'
    ) c
    GROUP BY c.bucket
$$;
COMMENT ON FUNCTION timetrackr.badge_holders() IS
'How many users have each badge; no row for one that nobody has ever had.';

CREATE FUNCTION timetrackr.list_badges()
RETURNS TABLE (
    badge_id bigint,
    name text,
    description text,
    criteria jsonb,
    tier text,
    image_url text,
    earned_by bigint
)
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT b.id, b.name, b.description, b.criteria, b.tier, b.image_url, COALESCE(h.users, 0)
    FROM timetrackr.badges b
    LEFT JOIN timetrackr.badge_holders() h ON h.badge_id = b.id
    WHERE b.enabled
    ORDER BY b.id
$$;
COMMENT ON FUNCTION timetrackr.list_badges() IS
'The badges that can be earned, oldest first. criteria says what for (see check_criteria), tier is bronze, silver, gold or platinum, image_url is null when the badge has no picture of its own, earned_by is how many users have it.';

CREATE FUNCTION timetrackr.list_user_badges(viewer_id bigint, user_id bigint)
RETURNS TABLE (
    badge_id bigint,
    name text,
    awarded_at timestamptz,
    image_url text,
    tier text
)
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
SELECT b.id, b.name, u.awarded_at, b.image_url, b.tier
FROM timetrackr.user_badges u
JOIN timetrackr.badges b ON b.id = u.badge_id
WHERE u.user_id = list_user_badges.user_id
ORDER BY u.awarded_at DESC, b.id DESC
$$;
COMMENT ON FUNCTION timetrackr.list_user_badges(bigint, bigint) IS
'The badges that user_id has earned, newest first; none for a user that does not exist. Badges are public: viewer_id, null for a visitor, sees the same as anyone.';
