-- Views for analysts. Plain views on tables: they hold no extension function,
-- so that they outlive the extension as the tables do. security_barrier keeps
-- a reader's own functions from being run on the rows that are left out.
--
-- No view shows an email or a private project. A view with a row for each
-- entry, day or user shows listed users only, as the boards do; a view that
-- adds up counts everybody, and names nobody. What counts users of all
-- projects, private ones too, gives counts and no seconds.

CREATE FUNCTION timetrackr.describe_view(view text, description text, columns jsonb)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    described record;
BEGIN
    EXECUTE format('COMMENT ON VIEW timetrackr.%I IS %L', view, description);
    FOR described IN
        SELECT c.key AS name, c.value AS meaning
        FROM jsonb_each_text(columns) c
    LOOP
        EXECUTE format('COMMENT ON COLUMN timetrackr.%I.%I IS %L', view, described.name, described.meaning);
    END LOOP;
END
$$;
COMMENT ON FUNCTION timetrackr.describe_view(text, text, jsonb) IS
'Part of install(): comments on a view and, by name, on its columns.';

CREATE FUNCTION timetrackr.create_entry_views()
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
        AND u.listed
        AND e.end_time IS NOT NULL
        AND NOT e.flagged;
    PERFORM timetrackr.describe_view('report_entries',
        'The finished entries of listed users on public projects, those that count.',
        '{
            "entry_id": "The entry; unique.",
            "user_id": "Whose it is.",
            "username": "His name.",
            "project_id": "The project it was spent on.",
            "project": "Its name.",
            "start_time": "Its start, inclusive.",
            "end_time": "Its end, exclusive.",
            "duration_seconds": "From start to end, in seconds.",
            "timezone": "The user''s time zone when it began; its days are days there.",
            "local_day": "The date in timezone at its start.",
            "tags": "Its tags, maybe none.",
            "source": "timer, manual or import."
        }');

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
    WHERE p.visibility = 'public'
        AND u.listed;
    PERFORM timetrackr.describe_view('report_days',
        'What each listed user spent on each public project on each local day.',
        '{
            "day": "The date in the time zone of each entry.",
            "user_id": "Whose time it is.",
            "username": "His name.",
            "project_id": "The project it was spent on.",
            "project": "Its name.",
            "seconds": "Time on that day, in seconds; entries across midnight are cut there.",
            "entries": "Entries with time on that day; one across midnight counts on both."
        }');
END
$$;
COMMENT ON FUNCTION timetrackr.create_entry_views() IS
'Part of install(): the analysts'' views of entries and days.';

CREATE FUNCTION timetrackr.create_project_views()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    CREATE OR REPLACE VIEW timetrackr.report_projects WITH (security_barrier) AS
    SELECT
        p.id AS project_id,
        p.name AS project,
        CASE WHEN o.listed THEN p.owner_id END AS owner_id,
        p.archived_at IS NOT NULL AS archived,
        p.created_at,
        COALESCE(t.contributors, 0) AS contributors,
        COALESCE(t.entries, 0) AS entries,
        COALESCE(t.total_seconds, 0) AS total_seconds
    FROM timetrackr.projects p
    JOIN timetrackr.users o ON o.id = p.owner_id
    LEFT JOIN (
        SELECT
            c.project_id,
            count(*) AS contributors,
            sum(c.entries)::bigint AS entries,
            sum(c.seconds)::bigint AS total_seconds
        FROM timetrackr.project_totals c
        GROUP BY c.project_id
    ) t ON t.project_id = p.id
    WHERE p.visibility = 'public';
    PERFORM timetrackr.describe_view('report_projects',
        'The effort that went into each public project, of listed and unlisted users alike.',
        '{
            "project_id": "The project; unique.",
            "project": "Its name.",
            "owner_id": "The user it belongs to; null when he is not listed.",
            "archived": "Whether it takes no more entries.",
            "created_at": "When it was made.",
            "contributors": "How many users have time on it.",
            "entries": "How many entries count on it.",
            "total_seconds": "Their time, in seconds."
        }');

    CREATE OR REPLACE VIEW timetrackr.report_project_weeks WITH (security_barrier) AS
    SELECT
        p.id AS project_id,
        p.name AS project,
        w.week,
        w.contributors,
        w.active_days,
        w.seconds,
        (sum(w.seconds) OVER (PARTITION BY p.id ORDER BY w.week))::bigint AS seconds_so_far
    FROM timetrackr.projects p
    JOIN (
        SELECT
            d.project_id,
            date_trunc('week', d.day::timestamp)::date AS week,
            count(DISTINCT d.user_id) AS contributors,
            count(DISTINCT d.day) AS active_days,
            sum(d.seconds)::bigint AS seconds
        FROM timetrackr.day_totals d
        GROUP BY d.project_id, date_trunc('week', d.day::timestamp)::date
    ) w ON w.project_id = p.id
    WHERE p.visibility = 'public';
    PERFORM timetrackr.describe_view('report_project_weeks',
        'The effort on each public project over time, of listed and unlisted users alike; weeks without any are left out.',
        '{
            "project_id": "The project; unique with week.",
            "project": "Its name.",
            "week": "The Monday of the week; its days are those of each entry''s time zone.",
            "contributors": "How many users spent time on it in the week.",
            "active_days": "On how many days of the week anybody did.",
            "seconds": "The time spent in the week, in seconds.",
            "seconds_so_far": "The time spent up to the end of the week, in seconds."
        }');
END
$$;
COMMENT ON FUNCTION timetrackr.create_project_views() IS
'Part of install(): the analysts'' views of projects, in all and by week.';

CREATE FUNCTION timetrackr.create_achievement_views()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
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
    PERFORM timetrackr.describe_view('report_leaderboard',
        'The all-time board of listed users by time tracked, on any project.',
        '{
            "rank": "The place; equal ones share one, the next is that many lower.",
            "user_id": "The user; unique.",
            "username": "His name.",
            "total_seconds": "All his time, in seconds.",
            "badges": "How many badges he has.",
            "active_days": "On how many local days he tracked time.",
            "longest_streak_days": "His longest streak, in days."
        }');

    CREATE OR REPLACE VIEW timetrackr.report_badges WITH (security_barrier) AS
    SELECT
        b.id AS badge_id,
        b.name AS badge,
        b.tier,
        a.users,
        count(e.user_id) AS earned_by,
        round(count(e.user_id)::numeric / NULLIF(a.users, 0), 4) AS share,
        round((percentile_cont(0.5) WITHIN GROUP (
            ORDER BY GREATEST(EXTRACT(EPOCH FROM e.awarded_at - u.created_at), 0) / 86400
        ) FILTER (WHERE e.user_id IS NOT NULL))::numeric, 1) AS median_days_to_earn
    FROM timetrackr.badges b
    CROSS JOIN (
        SELECT count(*) AS users
        FROM timetrackr.users
    ) a
    LEFT JOIN timetrackr.user_badges e ON e.badge_id = b.id
    LEFT JOIN timetrackr.users u ON u.id = e.user_id
    WHERE b.enabled
    GROUP BY b.id, b.name, b.tier, a.users;
    PERFORM timetrackr.describe_view('report_badges',
        'The badge funnel: of each badge that can be earned, how many users have it and how soon they got it; listed and unlisted users alike.',
        '{
            "badge_id": "The badge; unique.",
            "badge": "Its name.",
            "tier": "bronze, silver, gold or platinum.",
            "users": "How many users there are.",
            "earned_by": "How many of them have it.",
            "share": "earned_by divided by users, 0 to 1; null when there is no user.",
            "median_days_to_earn": "Half of those who have it got it within so many days of joining; 0 for what was earned by imported time before. Null when nobody has it."
        }');
END
$$;
COMMENT ON FUNCTION timetrackr.create_achievement_views() IS
'Part of install(): the analysts'' views of the board and of badges.';

CREATE FUNCTION timetrackr.create_habit_views()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    CREATE OR REPLACE VIEW timetrackr.report_streaks WITH (security_barrier) AS
    SELECT
        s.days AS streak_days,
        count(*) FILTER (WHERE s.is_current) AS current_users,
        count(*) FILTER (WHERE NOT s.is_current) AS longest_users
    FROM (
        SELECT
            t.user_id,
            true AS is_current,
            CASE
                WHEN t.streak_end >= (now() AT TIME ZONE u.timezone)::date - 1 THEN t.streak_end - t.streak_start + 1
                ELSE 0
            END AS days
        FROM timetrackr.user_totals t
        JOIN timetrackr.users u ON u.id = t.user_id
        UNION ALL
        SELECT t.user_id, false, t.longest_streak
        FROM timetrackr.user_totals t
    ) s
    GROUP BY s.days;
    PERFORM timetrackr.describe_view('report_streaks',
        'How long streaks are, of listed and unlisted users alike; each user counts once in either column.',
        '{
            "streak_days": "A length in days, 0 for no streak; unique.",
            "current_users": "How many users have a streak of this length now, counted back from today or yesterday in their time zone.",
            "longest_users": "How many users have this length as their longest."
        }');

    CREATE OR REPLACE VIEW timetrackr.report_cohorts WITH (security_barrier) AS
    WITH joined AS (
        SELECT u.id AS user_id, date_trunc('week', u.created_at AT TIME ZONE u.timezone)::date AS cohort
        FROM timetrackr.users u
    ), cohorts AS (
        SELECT j.cohort, count(*) AS users
        FROM joined j
        GROUP BY j.cohort
    ), active AS (
        SELECT j.cohort, date_trunc('week', d.day::timestamp)::date AS week, count(DISTINCT d.user_id) AS users
        FROM timetrackr.day_totals d
        JOIN joined j ON j.user_id = d.user_id
        WHERE d.seconds > 0
        GROUP BY j.cohort, date_trunc('week', d.day::timestamp)::date
    )
    SELECT
        c.cohort,
        c.users,
        n.number AS week_number,
        c.cohort + 7 * n.number AS week,
        COALESCE(a.users, 0) AS active_users,
        round(COALESCE(a.users, 0)::numeric / c.users, 4) AS retention
    FROM cohorts c
    CROSS JOIN LATERAL generate_series(0, GREATEST(((now() AT TIME ZONE 'UTC')::date - c.cohort) / 7, 0)) n (number)
    LEFT JOIN active a ON a.cohort = c.cohort AND a.week = c.cohort + 7 * n.number;
    PERFORM timetrackr.describe_view('report_cohorts',
        'Retention by week of joining: of those who joined in a week, how many tracked time in that week and in each one since; listed and unlisted users alike, time on any project.',
        '{
            "cohort": "The Monday of the week of joining, in each user''s time zone.",
            "users": "How many users joined in it.",
            "week_number": "Weeks since, 0 for the week of joining; unique with cohort.",
            "week": "The Monday of that week.",
            "active_users": "How many of the users tracked time in that week.",
            "retention": "active_users divided by users, 0 to 1."
        }');
END
$$;
COMMENT ON FUNCTION timetrackr.create_habit_views() IS
'Part of install(): the analysts'' views of streaks and of retention.';

CREATE FUNCTION timetrackr.create_views()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM timetrackr.create_entry_views();
    PERFORM timetrackr.create_project_views();
    PERFORM timetrackr.create_achievement_views();
    PERFORM timetrackr.create_habit_views();
END
$$;
COMMENT ON FUNCTION timetrackr.create_views() IS
'Part of install(): the analysts'' views.';
