-- Views for analysts. Plain views on tables: they hold no extension function,
-- so that they outlive the extension as the tables do. They show what is
-- public, and no email. security_barrier keeps a reader's own functions from
-- being run on the rows that are left out.

CREATE FUNCTION timetrackr.create_views()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    CREATE OR REPLACE VIEW timetrackr.report_entries WITH (security_barrier) AS
    SELECT
        e.id AS entry_id,
        e.user_id,
        u.username,
        e.project_id,
        p.name AS project,
        e.start_time,
        e.end_time,
        e.duration AS duration_seconds,
        e.timezone,
        (e.start_time AT TIME ZONE e.timezone)::date AS local_day,
        e.tags,
        e.source
    FROM timetrackr.time_entries e
    JOIN timetrackr.projects p ON p.id = e.project_id
    JOIN timetrackr.users u ON u.id = e.user_id
    WHERE p.visibility = 'public'
        AND e.end_time IS NOT NULL
        AND NOT e.flagged;
    COMMENT ON VIEW timetrackr.report_entries IS
    'The finished entries of public projects, those that count. duration_seconds is their length, timezone the user''s when the entry began, local_day the date there at its start.';

    CREATE OR REPLACE VIEW timetrackr.report_days WITH (security_barrier) AS
    SELECT
        d.day,
        d.user_id,
        u.username,
        d.project_id,
        p.name AS project,
        d.seconds,
        d.entries
    FROM timetrackr.day_totals d
    JOIN timetrackr.projects p ON p.id = d.project_id
    JOIN timetrackr.users u ON u.id = d.user_id
    WHERE p.visibility = 'public';
    COMMENT ON VIEW timetrackr.report_days IS
    'Seconds that each user spent on each public project on each local day; an entry across midnight is cut there and counts in entries on both days.';

    CREATE OR REPLACE VIEW timetrackr.report_projects WITH (security_barrier) AS
    SELECT
        p.id AS project_id,
        p.name AS project,
        p.owner_id,
        p.archived_at IS NOT NULL AS archived,
        p.created_at,
        t.contributors,
        t.entries,
        t.total_seconds
    FROM timetrackr.projects p
    CROSS JOIN LATERAL (
        SELECT
            count(*) AS contributors,
            COALESCE(sum(c.entries), 0)::bigint AS entries,
            COALESCE(sum(c.seconds), 0)::bigint AS total_seconds
        FROM timetrackr.project_totals c
        WHERE c.project_id = p.id
    ) t
    WHERE p.visibility = 'public';
    COMMENT ON VIEW timetrackr.report_projects IS
    'The effort that went into each public project: contributors are users with time on it.';

    CREATE OR REPLACE VIEW timetrackr.report_leaderboard WITH (security_barrier) AS
    SELECT
        rank() OVER (ORDER BY t.seconds DESC) AS rank,
        t.user_id,
        u.username,
        t.seconds AS total_seconds,
        t.badges,
        t.active_days,
        t.longest_streak AS longest_streak_days
    FROM timetrackr.user_totals t
    JOIN timetrackr.users u ON u.id = t.user_id
    WHERE t.listed
        AND t.seconds > 0;
    COMMENT ON VIEW timetrackr.report_leaderboard IS
    'The all-time board of listed users by seconds tracked, equal ones sharing a rank.';
END
$$;
COMMENT ON FUNCTION timetrackr.create_views() IS
'Part of install(): the analysts'' views report_entries, report_days, report_projects and report_leaderboard.';
