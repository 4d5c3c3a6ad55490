-- One's own time entries as a file.

CREATE FUNCTION timetrackr.export_entries(
    viewer_id bigint,
    "from" timestamptz DEFAULT NULL,
    "to" timestamptz DEFAULT NULL,
    project_id bigint DEFAULT NULL,
    "limit" integer DEFAULT 500,
    after_start_time timestamptz DEFAULT NULL,
    after_entry_id bigint DEFAULT NULL
)
RETURNS TABLE (
    entry_id bigint,
    project_id bigint,
    project text,
    start_time timestamptz,
    end_time timestamptz,
    duration_seconds bigint,
    timezone text,
    note text,
    tags text[],
    source text,
    flagged boolean
)
LANGUAGE sql
STABLE
AS $$
    SELECT
        e.id, e.project_id, p.name, e.start_time, e.end_time, e.duration, e.timezone,
        e.note, e.tags, e.source, e.flagged
    FROM timetrackr.time_entries e
    LEFT JOIN LATERAL (
        SELECT v.name
        FROM timetrackr.visible_projects(export_entries.viewer_id) v
        WHERE v.project_id = e.project_id
        OFFSET 0
    ) p ON true
    WHERE e.user_id = export_entries.viewer_id
        AND e.end_time IS NOT NULL
        AND (e.start_time, e.id) > (
            COALESCE(export_entries.after_start_time, '-infinity'),
            COALESCE(export_entries.after_entry_id, 0))
        AND e.start_time >= COALESCE(export_entries."from", '-infinity')
        AND e.start_time < COALESCE(export_entries."to", 'infinity')
        AND (export_entries.project_id IS NULL OR e.project_id = export_entries.project_id)
    ORDER BY e.start_time, e.id
    LIMIT export_entries."limit"
$$;
COMMENT ON FUNCTION timetrackr.export_entries(bigint, timestamptz, timestamptz, bigint, integer, timestamptz, bigint) IS
'Own finished time entries, flagged ones too, oldest start first: as CSV a file that import_entries() reads. from (inclusive) and to (exclusive) bound start_time; project_id filters. project is null for one that the viewer may no longer see. duration_seconds is the length, timezone the one in which the entry is cut into days. after_start_time and after_entry_id are those of the last row of the page before.';
