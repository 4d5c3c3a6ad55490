-- Reports: a user's days for charts, and the sums of one's own time. Both are
-- of local days, those in the time zone frozen on each entry.

CREATE FUNCTION timetrackr.check_days("from" date, "to" date, most integer DEFAULT NULL)
RETURNS boolean
LANGUAGE C
IMMUTABLE
PARALLEL SAFE
AS 'MODULE_PATHNAME', 'tt_check_days';
COMMENT ON FUNCTION timetrackr.check_days(date, date, integer) IS
'True when from and to (inclusive; null is no bound) span days in order, and with most given at most so many. Errors: 422 missing_field when most is given and a bound is not; invalid_time when one is infinite; invalid_range when to is before from; out_of_range when they are too many.';

CREATE FUNCTION timetrackr.check_report_groups(group_by timetrackr.report_group[])
RETURNS boolean
LANGUAGE C
IMMUTABLE
PARALLEL SAFE
AS 'MODULE_PATHNAME', 'tt_check_report_groups';
COMMENT ON FUNCTION timetrackr.check_report_groups(timetrackr.report_group[]) IS
'True when group_by has one or two different groups. Errors: 422 missing_field, invalid_group_by.';

CREATE FUNCTION timetrackr.days(
    viewer_id bigint,
    user_id bigint,
    "from" date,
    "to" date
)
RETURNS TABLE (
    day date,
    seconds bigint,
    entries bigint
)
LANGUAGE sql
STABLE
AS $$
    SELECT d.day, sum(d.seconds)::bigint, sum(d.entries)::bigint
    FROM timetrackr.day_totals d
    WHERE timetrackr.check_days(days."from", days."to", 400)
        AND d.user_id = days.user_id
        AND d.day >= days."from"
        AND d.day <= days."to"
    GROUP BY d.day
    ORDER BY d.day
$$;
COMMENT ON FUNCTION timetrackr.days(bigint, bigint, date, date) IS
'The days from from to to, both inclusive and at most 400, on which user_id tracked time, oldest first; days without any are left out. A day is the local one of each entry''s time zone. seconds counts finished entries that are not flagged; an entry across midnight is cut there and counts in entries on both days. As in a profile''s total_seconds, time on private projects counts whoever looks (viewer_id; null: a visitor): no project is named. Errors: 422 missing_field, invalid_time, invalid_range, out_of_range.';

CREATE FUNCTION timetrackr.report_summary(
    viewer_id bigint,
    group_by timetrackr.report_group[],
    "from" date DEFAULT NULL,
    "to" date DEFAULT NULL
)
RETURNS TABLE (
    project_id bigint,
    project text,
    day date,
    week date,
    month date,
    tag text,
    seconds bigint,
    entries bigint
)
LANGUAGE sql
STABLE
AS $$
    SELECT g.project_id, p.name, g.day, g.week, g.month, g.tag, g.seconds, g.entries
    FROM (
        SELECT
            CASE WHEN 'project' = ANY (report_summary.group_by) THEN e.project_id END AS project_id,
            CASE WHEN 'day' = ANY (report_summary.group_by) THEN s.day END AS day,
            CASE WHEN 'week' = ANY (report_summary.group_by) THEN date_trunc('week', s.day::timestamp)::date END AS week,
            CASE WHEN 'month' = ANY (report_summary.group_by) THEN date_trunc('month', s.day::timestamp)::date END AS month,
            t.tag,
            sum(s.seconds)::bigint AS seconds,
            count(DISTINCT e.id) AS entries
        FROM timetrackr.time_entries e
        CROSS JOIN LATERAL timetrackr.day_slices(e.start_time, e.end_time, e.timezone) s
        CROSS JOIN LATERAL (
            SELECT DISTINCT u.tag
            FROM unnest(
                CASE
                    WHEN 'tag' = ANY (report_summary.group_by) AND e.tags <> '{}' THEN e.tags
                    ELSE ARRAY[NULL::text]
                END) u (tag)
        ) t
        WHERE timetrackr.check_report_groups(report_summary.group_by)
            AND timetrackr.check_days(report_summary."from", report_summary."to")
            AND e.user_id = report_summary.viewer_id
            AND e.end_time IS NOT NULL
            AND NOT e.flagged
            -- Entries that may reach into these days, wherever they are local:
            -- none is wider than the widest, no zone further than two days.
            AND e.start_time < COALESCE(report_summary."to"::timestamp AT TIME ZONE 'UTC', 'infinity') + interval '3 days'
            AND e.start_time > COALESCE(report_summary."from"::timestamp AT TIME ZONE 'UTC', '-infinity') - interval '2 days'
                - COALESCE((
                    SELECT w.widest_entry
                    FROM timetrackr.user_totals w
                    WHERE w.user_id = report_summary.viewer_id
                ), 0) * interval '1 second'
            AND s.day >= COALESCE(report_summary."from", '-infinity')
            AND s.day <= COALESCE(report_summary."to", 'infinity')
        GROUP BY 1, 2, 3, 4, 5
    ) g
    LEFT JOIN LATERAL (
        SELECT v.name
        FROM timetrackr.visible_projects(report_summary.viewer_id) v
        WHERE v.project_id = g.project_id
        OFFSET 0
    ) p ON true
    ORDER BY g.day, g.week, g.month, g.seconds DESC, g.project_id, g.tag
$$;
COMMENT ON FUNCTION timetrackr.report_summary(bigint, timetrackr.report_group[], date, date) IS
'The viewer''s own time, added up by one or two of project, day, week, month and tag. from and to (inclusive; null: no bound) are local days, in the time zone of each entry: entries are cut at local midnights, and what lies outside does not count. Groups that were not asked for are null. day is that date, week its Monday, month its first day. project is null for one that the viewer may no longer see. An entry counts for each of its tags, so their sums may exceed the total; tag is null for entries without any. seconds counts finished entries that are not flagged; entries are those with time in the group. In order of time, then most seconds first. Errors: 422 missing_field, invalid_group_by, invalid_time, invalid_range.';
