-- Profiles: what anyone sees of a user, what the user sees of himself, where
-- his time went, and finding him by name. All but user_exists() are inlined into
-- the caller's statement, so they see with the caller's rights.

CREATE FUNCTION timetrackr.user_exists(user_id bigint)
RETURNS boolean
LANGUAGE C
STABLE
STRICT
AS 'MODULE_PATHNAME', 'tt_user_exists';
COMMENT ON FUNCTION timetrackr.user_exists(bigint) IS
'Whether there is a user with this id.';

CREATE FUNCTION timetrackr.profile_card(viewer_id bigint, user_id bigint)
RETURNS TABLE (
    user_id bigint,
    username text,
    email text,
    bio text,
    avatar_url text,
    created_at timestamptz,
    badges timetrackr.badge_earned[],
    total_seconds bigint,
    entry_count bigint,
    current_streak_days integer,
    longest_streak_days integer,
    board_score bigint,
    contributions timetrackr.contribution[]
)
LANGUAGE sql
STABLE
ROWS 1
AS $$
    SELECT
        u.id,
        u.username,
        CASE
            WHEN u.id = profile_card.viewer_id THEN u.email
            WHEN EXISTS (
                SELECT
                FROM timetrackr.users a
                WHERE a.id = profile_card.viewer_id
                    AND a.role = 'admin'
            ) THEN u.email
        END,
        u.bio,
        u.avatar,
        u.created_at,
        ARRAY(
            SELECT ROW(b.id, b.name, b.image_url, ub.awarded_at)::timetrackr.badge_earned
            FROM timetrackr.user_badges ub
            JOIN timetrackr.badges b ON b.id = ub.badge_id
            WHERE ub.user_id = u.id
            ORDER BY ub.awarded_at DESC, b.id DESC
        ),
        COALESCE(t.seconds, 0),
        COALESCE(t.entries, 0),
        COALESCE(timetrackr.current_streak(t.streak_start, t.streak_end, u.timezone), 0),
        COALESCE(t.longest_streak, 0),
        CASE WHEN t.listed AND t.seconds > 0 THEN t.seconds END,
        ARRAY(
            SELECT ROW(p.project_id, p.name, c.seconds)::timetrackr.contribution
            FROM timetrackr.project_totals c
            JOIN timetrackr.visible_projects(profile_card.viewer_id) p ON p.project_id = c.project_id
            WHERE c.user_id = u.id
            ORDER BY c.seconds DESC, p.project_id
        )
    FROM timetrackr.users u
    LEFT JOIN timetrackr.user_totals t ON t.user_id = u.id
    WHERE u.id = profile_card.user_id
$$;
COMMENT ON FUNCTION timetrackr.profile_card(bigint, bigint) IS
'Part of profile(): all that is the user''s own. board_score is what his rank is of; null: no board lists him.';

CREATE FUNCTION timetrackr.profile(viewer_id bigint, user_id bigint)
RETURNS TABLE (
    user_id bigint,
    username text,
    email text,
    bio text,
    avatar_url text,
    created_at timestamptz,
    badges timetrackr.badge_earned[],
    total_seconds bigint,
    entry_count bigint,
    current_streak_days integer,
    longest_streak_days integer,
    rank bigint,
    contributions timetrackr.contribution[]
)
LANGUAGE sql
STABLE
ROWS 1
AS $$
    SELECT
        c.user_id, c.username, c.email, c.bio, c.avatar_url, c.created_at, c.badges, c.total_seconds, c.entry_count,
        c.current_streak_days, c.longest_streak_days,
        CASE
            WHEN c.board_score IS NOT NULL THEN (
                SELECT b.above + 1
                FROM timetrackr.board_above('all', 'time', DATE '1970-01-01', c.board_score) b
            )
        END,
        c.contributions
    FROM timetrackr.profile_card(profile.viewer_id, profile.user_id) c
$$;
COMMENT ON FUNCTION timetrackr.profile(bigint, bigint) IS
'The profile of user_id as the viewer (null: a visitor) sees it; no row when there is no such user. email is null unless the viewer is that user or an admin. badges come newest first. Totals are in seconds and count finished entries that are not flagged. current_streak_days counts back from today, or from yesterday, in the user''s time zone. rank is the place on the all-time board, null when not on it. contributions, in seconds, most first, leave out private projects the viewer is not a member of.';

CREATE FUNCTION timetrackr.me(viewer_id bigint)
RETURNS TABLE (
    user_id bigint,
    username text,
    email text,
    role text,
    timezone text,
    bio text,
    avatar_url text,
    listed boolean,
    email_notifications text,
    email_also text[],
    email_never text[],
    created_at timestamptz,
    badges timetrackr.badge_earned[],
    total_seconds bigint,
    entry_count bigint,
    current_streak_days integer,
    longest_streak_days integer,
    rank bigint,
    contributions timetrackr.contribution[]
)
LANGUAGE sql
STABLE
ROWS 1
AS $$
    SELECT
        p.user_id, p.username, p.email, u.role, u.timezone, p.bio, p.avatar_url, u.listed,
        u.email_notifications, u.email_also, u.email_never, p.created_at, p.badges, p.total_seconds, p.entry_count,
        p.current_streak_days, p.longest_streak_days, p.rank, p.contributions
    FROM timetrackr.profile(me.viewer_id, me.viewer_id) p
    JOIN timetrackr.users u ON u.id = p.user_id
$$;
COMMENT ON FUNCTION timetrackr.me(bigint) IS
'The viewer''s own profile (see profile) with what only he sees: role, timezone, whether public leaderboards list him, and which notifications are mailed to him. No row when there is no such user.';

CREATE FUNCTION timetrackr.activity(
    viewer_id bigint,
    user_id bigint,
    "from" timestamptz DEFAULT NULL,
    "to" timestamptz DEFAULT NULL
)
RETURNS TABLE (
    projects timetrackr.project_time[],
    recent_entries timetrackr.recent_entry[],
    total_seconds bigint
)
LANGUAGE sql
STABLE
ROWS 1
AS $$
    -- Over all time the sums are kept; else the entries are added up.
    WITH spent AS (
        SELECT p.project_id, p.name, t.seconds
        FROM timetrackr.project_totals t
        JOIN timetrackr.visible_projects(activity.viewer_id) p ON p.project_id = t.project_id
        WHERE activity."from" IS NULL
            AND activity."to" IS NULL
            AND t.user_id = activity.user_id
        UNION ALL
        SELECT p.project_id, p.name, sum(e.duration)::bigint
        FROM timetrackr.time_entries e
        JOIN timetrackr.visible_projects(activity.viewer_id) p ON p.project_id = e.project_id
        WHERE (activity."from" IS NOT NULL OR activity."to" IS NOT NULL)
            AND e.user_id = activity.user_id
            AND e.start_time >= COALESCE(activity."from", '-infinity')
            AND e.start_time < COALESCE(activity."to", 'infinity')
            AND e.end_time IS NOT NULL
            AND NOT e.flagged
        GROUP BY p.project_id, p.name
    )
    SELECT
        ARRAY(
            SELECT ROW(s.project_id, s.name, s.seconds)::timetrackr.project_time
            FROM spent s
            ORDER BY s.seconds DESC, s.project_id
        ),
        ARRAY(
            SELECT ROW(e.id, e.project_id, e.start_time, e.end_time, e.duration)::timetrackr.recent_entry
            FROM timetrackr.time_entries e
            JOIN timetrackr.visible_projects(activity.viewer_id) p ON p.project_id = e.project_id
            WHERE e.user_id = activity.user_id
                AND e.start_time >= COALESCE(activity."from", '-infinity')
                AND e.start_time < COALESCE(activity."to", 'infinity')
            ORDER BY e.start_time DESC, e.id DESC
            LIMIT 10
        ),
        COALESCE((SELECT sum(s.seconds) FROM spent s), 0)::bigint
    FROM timetrackr.users u
    WHERE u.id = activity.user_id
$$;
COMMENT ON FUNCTION timetrackr.activity(bigint, bigint, timestamptz, timestamptz) IS
'Where user_id spent time, as the viewer (null: a visitor) sees it: private projects that the viewer is not a member of are left out of all of it. from (inclusive) and to (exclusive) bound the start of the entries. projects come most time first and, like total_seconds, count finished entries that are not flagged; times are in seconds. recent_entries are the 10 newest, running and flagged ones too. No row when there is no such user.';

CREATE FUNCTION timetrackr.find_users(
    viewer_id bigint,
    q text,
    "limit" integer DEFAULT 50,
    after_username text DEFAULT NULL
)
RETURNS TABLE (
    user_id bigint,
    username text,
    avatar_url text
)
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    -- Names with one beginning are neighbours in the order of bytes: one page of
    -- the index from there on is all that is looked at.
    SELECT n.id, n.username, n.avatar
    FROM (
        SELECT u.id, u.username, u.avatar
        FROM timetrackr.users u
        WHERE u.listed
            AND lower(u.username) ~>=~ lower(find_users.q)
            AND lower(u.username) ~>~ COALESCE(lower(find_users.after_username), '')
        ORDER BY lower(u.username) USING ~<~
        LIMIT find_users."limit"
    ) n
    WHERE find_users.q <> ''
        AND starts_with(lower(n.username), lower(find_users.q))
    ORDER BY lower(n.username) USING ~<~
$$;
COMMENT ON FUNCTION timetrackr.find_users(bigint, text, integer, text) IS
'Users whose names begin with q, regardless of case, by name in the order of its bytes; nobody when q is empty. Only those whom public leaderboards list (listed): who is not listed is not found, be it by his whole name. after_username is the last row of the page before.';
