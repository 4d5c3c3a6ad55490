-- Derived figures: how a streak is read, rebuilding them, and verifying them
-- against what the entries say, by set-based SQL that shares no arithmetic
-- with the triggers but the cut into days.

CREATE FUNCTION timetrackr.current_streak(streak_start date, streak_end date, timezone text)
RETURNS integer
LANGUAGE sql
STABLE
AS $$
    SELECT CASE
        WHEN current_streak.streak_end >= (now() AT TIME ZONE current_streak.timezone)::date - 1
        THEN current_streak.streak_end - current_streak.streak_start + 1
        ELSE 0
    END
$$;
COMMENT ON FUNCTION timetrackr.current_streak(date, date, text) IS
'Length in days of a streak of user_totals as it stands today in a time zone: 0 when it ended before yesterday.';

CREATE FUNCTION timetrackr.streak_min()
RETURNS integer
LANGUAGE C
STABLE
AS 'MODULE_PATHNAME', 'tt_streak_min';
COMMENT ON FUNCTION timetrackr.streak_min() IS
'The setting timetrackr.streak_min in seconds: the time that makes a day count for a streak.';

CREATE FUNCTION timetrackr.rebuild(user_id bigint DEFAULT NULL)
RETURNS void
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_rebuild';
COMMENT ON FUNCTION timetrackr.rebuild(bigint) IS
'Recomputes totals, scores, streaks and timeline events of a user, or of all, from the time entries, and awards badges due; counts the standings anew, whoever it is for. Needed only after rows were written past the triggers, or after a change of timetrackr.streak_min.';

CREATE FUNCTION timetrackr.expected_days(user_id bigint DEFAULT NULL)
RETURNS TABLE (
    user_id bigint,
    project_id bigint,
    day date,
    seconds bigint,
    entries bigint
)
LANGUAGE sql
STABLE
AS $$
    SELECT e.user_id, e.project_id, s.day, sum(s.seconds)::bigint, count(*)
    FROM timetrackr.time_entries e
    CROSS JOIN LATERAL timetrackr.day_slices(e.start_time, e.end_time, e.timezone) s
    WHERE e.end_time IS NOT NULL
        AND NOT e.flagged
        AND (expected_days.user_id IS NULL OR e.user_id = expected_days.user_id)
    GROUP BY e.user_id, e.project_id, s.day
$$;
COMMENT ON FUNCTION timetrackr.expected_days(bigint) IS
'Part of verify(): what day_totals should hold for a user, or for all, cut anew from the entries.';

CREATE FUNCTION timetrackr.expected_scores(user_id bigint DEFAULT NULL)
RETURNS TABLE (
    user_id bigint,
    period text,
    period_start date,
    seconds bigint,
    listed boolean
)
LANGUAGE sql
STABLE
AS $$
    SELECT d.user_id, p.period, p.period_start, sum(d.seconds)::bigint, u.listed
    FROM timetrackr.expected_days(expected_scores.user_id) d
    JOIN timetrackr.users u ON u.id = d.user_id
    CROSS JOIN LATERAL (VALUES
        ('day', d.day),
        ('week', date_trunc('week', d.day::timestamp)::date),
        ('month', date_trunc('month', d.day::timestamp)::date),
        ('all', DATE '1970-01-01')
    ) p (period, period_start)
    GROUP BY d.user_id, p.period, p.period_start, u.listed
$$;
COMMENT ON FUNCTION timetrackr.expected_scores(bigint) IS
'Part of verify(): what scores should hold for a user, or for all.';

CREATE FUNCTION timetrackr.expected_streaks(user_id bigint DEFAULT NULL)
RETURNS TABLE (
    user_id bigint,
    streak_start date,
    streak_end date,
    longest_streak integer
)
LANGUAGE sql
STABLE
AS $$
    WITH qualifying AS (
        SELECT s.user_id, s.period_start AS day,
            s.period_start - (row_number() OVER (PARTITION BY s.user_id ORDER BY s.period_start))::integer AS run
        FROM timetrackr.expected_scores(expected_streaks.user_id) s
        WHERE s.period = 'day'
            AND s.seconds >= timetrackr.streak_min()
    ), runs AS (
        SELECT q.user_id, min(q.day) AS first_day, max(q.day) AS last_day, count(*)::integer AS days
        FROM qualifying q
        GROUP BY q.user_id, q.run
    )
    SELECT DISTINCT ON (r.user_id)
        r.user_id, r.first_day, r.last_day, max(r.days) OVER (PARTITION BY r.user_id)
    FROM runs r
    ORDER BY r.user_id, r.last_day DESC
$$;
COMMENT ON FUNCTION timetrackr.expected_streaks(bigint) IS
'Part of verify(): the latest streak and the longest one, counted anew as islands of qualifying days.';

CREATE FUNCTION timetrackr.expected_totals(user_id bigint DEFAULT NULL)
RETURNS TABLE (
    user_id bigint,
    totals jsonb
)
LANGUAGE sql
STABLE
AS $$
    SELECT u.id, jsonb_build_object(
        'listed', u.listed,
        'seconds', COALESCE(e.seconds, 0),
        'entries', COALESCE(e.entries, 0),
        'longest_entry', COALESCE(e.longest, 0),
        'active_days', COALESCE(s.active_days, 0),
        'best_day', COALESCE(s.best_day, 0),
        'best_week', COALESCE(s.best_week, 0),
        'streak_start', k.streak_start,
        'streak_end', k.streak_end,
        'longest_streak', COALESCE(k.longest_streak, 0),
        'badges', COALESCE(b.badges, 0),
        'projects_created', COALESCE(p.projects, 0))
    FROM timetrackr.users u
    LEFT JOIN (
        SELECT e.user_id, sum(e.duration)::bigint AS seconds, count(*) AS entries, max(e.duration) AS longest
        FROM timetrackr.time_entries e
        WHERE e.end_time IS NOT NULL AND NOT e.flagged
        GROUP BY e.user_id
    ) e ON e.user_id = u.id
    LEFT JOIN (
        SELECT s.user_id,
            count(*) FILTER (WHERE s.period = 'day') AS active_days,
            max(s.seconds) FILTER (WHERE s.period = 'day') AS best_day,
            max(s.seconds) FILTER (WHERE s.period = 'week') AS best_week
        FROM timetrackr.expected_scores(expected_totals.user_id) s
        GROUP BY s.user_id
    ) s ON s.user_id = u.id
    LEFT JOIN timetrackr.expected_streaks(expected_totals.user_id) k ON k.user_id = u.id
    LEFT JOIN (
        SELECT b.user_id, count(*) AS badges
        FROM timetrackr.user_badges b
        GROUP BY b.user_id
    ) b ON b.user_id = u.id
    LEFT JOIN (
        SELECT p.owner_id, count(*) AS projects
        FROM timetrackr.projects p
        GROUP BY p.owner_id
    ) p ON p.owner_id = u.id
    WHERE expected_totals.user_id IS NULL OR u.id = expected_totals.user_id
$$;
COMMENT ON FUNCTION timetrackr.expected_totals(bigint) IS
'Part of verify(): what user_totals should hold for a user, or for all, as one JSON object each.';

CREATE FUNCTION timetrackr.derived_rows(user_id bigint DEFAULT NULL)
RETURNS TABLE (
    side text,
    user_id bigint,
    relation text,
    key text,
    value text
)
LANGUAGE sql
STABLE
AS $$
    SELECT 'expected', d.user_id, 'day_totals', format('%s project %s', d.day, d.project_id),
        format('%s seconds, %s entries', d.seconds, d.entries)
    FROM timetrackr.expected_days(derived_rows.user_id) d
    UNION ALL
    SELECT 'actual', d.user_id, 'day_totals', format('%s project %s', d.day, d.project_id),
        format('%s seconds, %s entries', d.seconds, d.entries)
    FROM timetrackr.day_totals d
    UNION ALL
    SELECT 'expected', e.user_id, 'project_totals', format('project %s', e.project_id),
        format('%s seconds, %s entries', sum(e.duration), count(*))
    FROM timetrackr.time_entries e
    WHERE e.end_time IS NOT NULL AND NOT e.flagged
    GROUP BY e.user_id, e.project_id
    UNION ALL
    SELECT 'actual', p.user_id, 'project_totals', format('project %s', p.project_id),
        format('%s seconds, %s entries', p.seconds, p.entries)
    FROM timetrackr.project_totals p
    UNION ALL
    SELECT 'expected', s.user_id, 'scores', format('%s %s', s.period, s.period_start),
        format('%s seconds, listed %s', s.seconds, s.listed)
    FROM timetrackr.expected_scores(derived_rows.user_id) s
    UNION ALL
    SELECT 'actual', s.user_id, 'scores', format('%s %s', s.period, s.period_start),
        format('%s seconds, listed %s', s.seconds, s.listed)
    FROM timetrackr.scores s
    UNION ALL
    SELECT 'expected', t.user_id, 'user_totals', j.key, j.value
    FROM timetrackr.expected_totals(derived_rows.user_id) t
    CROSS JOIN LATERAL jsonb_each_text(t.totals) j
    UNION ALL
    SELECT 'actual', t.user_id, 'user_totals', j.key, j.value
    FROM timetrackr.user_totals t
    CROSS JOIN LATERAL jsonb_each_text(to_jsonb(t) - '{user_id,revision,widest_entry}'::text[]) j
    UNION ALL
    SELECT 'expected', e.user_id, 'timeline_events', format('entry %s', e.id),
        format('%s seconds on project %s until %s', e.duration, e.project_id, e.end_time)
    FROM timetrackr.time_entries e
    WHERE e.end_time IS NOT NULL AND NOT e.flagged
    UNION ALL
    SELECT 'actual', t.user_id, 'timeline_events', format('entry %s', t.entry_id),
        format('%s seconds on project %s until %s', t.event_data ->> 'duration_seconds', t.project_id, t.occurred_at)
    FROM timetrackr.timeline_events t
    WHERE t.entry_id IS NOT NULL
    UNION ALL
    SELECT 'actual', t.user_id, 'timeline_events', format('event %s', t.id),
        format('%s of a user or a project that is gone', t.event_type)
    FROM timetrackr.timeline_events t
    WHERE t.entry_id IS NULL
        AND (
            NOT EXISTS (SELECT FROM timetrackr.users u WHERE u.id = t.user_id)
            OR (
                t.project_id IS NOT NULL
                AND NOT EXISTS (SELECT FROM timetrackr.projects p WHERE p.id = t.project_id)))
$$;
COMMENT ON FUNCTION timetrackr.derived_rows(bigint) IS
'Part of verify(): every derived row as it should be (side expected) and as it is (side actual). Narrowing to one user is up to the caller where a part does not do it.';

CREATE FUNCTION timetrackr.verify_user(user_id bigint DEFAULT NULL)
RETURNS TABLE (
    user_id bigint,
    relation text,
    key text,
    expected text,
    actual text
)
LANGUAGE sql
STABLE
AS $$
    WITH sides AS (
        SELECT r.*
        FROM timetrackr.derived_rows(verify_user.user_id) r
        WHERE verify_user.user_id IS NULL OR r.user_id = verify_user.user_id
    )
    SELECT user_id, relation, key, e.value, a.value
    FROM (SELECT s.user_id, s.relation, s.key, s.value FROM sides s WHERE s.side = 'expected') e
    FULL JOIN (SELECT s.user_id, s.relation, s.key, s.value FROM sides s WHERE s.side = 'actual') a
        USING (user_id, relation, key)
    WHERE e.value IS DISTINCT FROM a.value
$$;
COMMENT ON FUNCTION timetrackr.verify_user(bigint) IS
'Part of verify(): what differs in the derived tables of a user, or of all.';

CREATE FUNCTION timetrackr.verify(user_id bigint DEFAULT NULL)
RETURNS TABLE (
    user_id bigint,
    relation text,
    key text,
    expected text,
    actual text
)
LANGUAGE sql
STABLE
AS $$
    SELECT v.*
    FROM timetrackr.verify_user(verify.user_id) v
    UNION ALL
    SELECT NULL, 'standings', w.key, format('%s users', w.expected), format('%s users', w.actual)
    FROM timetrackr.wrong_standings() w
    WHERE verify.user_id IS NULL
$$;
COMMENT ON FUNCTION timetrackr.verify(bigint) IS
'Every difference between a derived row and what the time entries say, for a user or for all: none is the only right answer. A side that is null has no such row. Counts of users in standings are compared when all are; they belong to no user. Mend with rebuild().';
