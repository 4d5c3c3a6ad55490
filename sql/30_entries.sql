-- Time entries: start, stop, edit, delete (C), and reading one's own.

CREATE FUNCTION timetrackr.start_entry(
    viewer_id bigint,
    project_id bigint,
    start_time timestamptz DEFAULT NULL,
    end_time timestamptz DEFAULT NULL,
    note text DEFAULT NULL,
    tags text[] DEFAULT NULL,
    OUT entry_id bigint,
    OUT start_time timestamptz,
    OUT stopped_entry_id bigint,
    OUT duration_seconds bigint,
    OUT badges_awarded timetrackr.badge_ref[]
)
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_start_entry';
COMMENT ON FUNCTION timetrackr.start_entry(bigint, bigint, timestamptz, timestamptz, text, text[]) IS
'Starts a timer on a project, at start_time or now; with end_time records a finished entry by hand. A timer that still runs is ended at the new start (stopped_entry_id), unless timetrackr.running_timer is reject. duration_seconds is filled when end_time is given; badges_awarded are those earned by what this finished. Errors: 401 invalid_token; 403 not_a_member, role_cannot_log; 404 project_not_found; 409 entry_running, start_not_later, entry_overlaps (entry_id of the other), project_archived; 422 missing_field, time_in_future, end_not_after_start, invalid_time, invalid_tags, too_long.';

CREATE FUNCTION timetrackr.stop_entry(
    viewer_id bigint,
    entry_id bigint,
    end_time timestamptz DEFAULT NULL,
    OUT duration_seconds bigint,
    OUT entry_id bigint,
    OUT flagged boolean,
    OUT badges_awarded timetrackr.badge_ref[],
    OUT current_streak_days integer
)
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_stop_entry';
COMMENT ON FUNCTION timetrackr.stop_entry(bigint, bigint, timestamptz) IS
'Ends a running entry at end_time or now, at least one second after its start. duration_seconds is its length; flagged says that it is longer than timetrackr.max_entry and counts nothing until edited; badges_awarded are those it earned. Stopping it again gives the same answer. Errors: 401 invalid_token; 404 entry_not_found; 409 entry_already_ended when another end_time is asked for, entry_overlaps; 422 missing_field, time_in_future, end_not_after_start, invalid_time.';

CREATE FUNCTION timetrackr.update_entry(
    viewer_id bigint,
    entry_id bigint,
    project_id bigint DEFAULT NULL,
    start_time timestamptz DEFAULT NULL,
    end_time timestamptz DEFAULT NULL,
    note text DEFAULT NULL,
    tags text[] DEFAULT NULL,
    given text[] DEFAULT NULL,
    OUT entry_id bigint,
    OUT project_id bigint,
    OUT start_time timestamptz,
    OUT end_time timestamptz,
    OUT duration_seconds bigint,
    OUT timezone text,
    OUT note text,
    OUT tags text[],
    OUT source text,
    OUT flagged boolean,
    OUT created_at timestamptz,
    OUT updated_at timestamptz
)
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_update_entry';
COMMENT ON FUNCTION timetrackr.update_entry(bigint, bigint, bigint, timestamptz, timestamptz, text, text[], text[]) IS
'Changes an own entry and corrects everything derived from it; returns the entry as it is now. given lists the fields to change, of which a null end_time reopens the entry and a null note or tags clears; without given every argument that is not null is changed. Errors: as start_entry, and 404 entry_not_found.';

CREATE FUNCTION timetrackr.delete_entry(viewer_id bigint, entry_id bigint)
RETURNS void
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_delete_entry';
COMMENT ON FUNCTION timetrackr.delete_entry(bigint, bigint) IS
'Deletes an own entry, running or not, and takes back everything it counted for. Errors: 401 invalid_token; 404 entry_not_found; 422 missing_field.';

CREATE FUNCTION timetrackr.entry(viewer_id bigint, entry_id bigint)
RETURNS TABLE (
    entry_id bigint,
    project_id bigint,
    start_time timestamptz,
    end_time timestamptz,
    duration_seconds bigint,
    timezone text,
    note text,
    tags text[],
    source text,
    flagged boolean,
    created_at timestamptz,
    updated_at timestamptz
)
LANGUAGE sql
STABLE
ROWS 1
AS $$
    SELECT
        e.id, e.project_id, e.start_time, e.end_time, e.duration, e.timezone,
        e.note, e.tags, e.source, e.flagged, e.created_at, e.updated_at
    FROM timetrackr.time_entries e
    WHERE e.user_id = entry.viewer_id
        AND e.id = entry.entry_id
$$;
COMMENT ON FUNCTION timetrackr.entry(bigint, bigint) IS
'One own time entry. duration_seconds is null while it runs; flagged entries count nothing until edited; timezone is the one in which it is cut into days.';

CREATE FUNCTION timetrackr.current_entry(viewer_id bigint)
RETURNS TABLE (
    entry_id bigint,
    project_id bigint,
    start_time timestamptz,
    end_time timestamptz,
    duration_seconds bigint,
    timezone text,
    note text,
    tags text[],
    source text,
    flagged boolean,
    created_at timestamptz,
    updated_at timestamptz
)
LANGUAGE sql
STABLE
ROWS 1
AS $$
    SELECT
        e.id, e.project_id, e.start_time, e.end_time, e.duration, e.timezone,
        e.note, e.tags, e.source, e.flagged, e.created_at, e.updated_at
    FROM timetrackr.time_entries e
    WHERE e.user_id = current_entry.viewer_id
        AND e.end_time IS NULL
$$;
COMMENT ON FUNCTION timetrackr.current_entry(bigint) IS
'The viewer''s running entry; no row when no timer runs.';

CREATE FUNCTION timetrackr.list_entries(
    viewer_id bigint,
    project_id bigint DEFAULT NULL,
    "from" timestamptz DEFAULT NULL,
    "to" timestamptz DEFAULT NULL,
    tag text DEFAULT NULL,
    "limit" integer DEFAULT 50,
    after_start_time timestamptz DEFAULT NULL,
    after_entry_id bigint DEFAULT NULL
)
RETURNS TABLE (
    entry_id bigint,
    project_id bigint,
    start_time timestamptz,
    end_time timestamptz,
    duration_seconds bigint,
    timezone text,
    note text,
    tags text[],
    source text,
    flagged boolean,
    created_at timestamptz,
    updated_at timestamptz
)
LANGUAGE sql
STABLE
AS $$
    SELECT
        e.id, e.project_id, e.start_time, e.end_time, e.duration, e.timezone,
        e.note, e.tags, e.source, e.flagged, e.created_at, e.updated_at
    FROM timetrackr.time_entries e
    WHERE e.user_id = list_entries.viewer_id
        AND (e.start_time, e.id) < (
            COALESCE(list_entries.after_start_time, 'infinity'),
            COALESCE(list_entries.after_entry_id, 9223372036854775807))
        AND e.start_time < COALESCE(list_entries."to", 'infinity')
        AND e.start_time >= COALESCE(list_entries."from", '-infinity')
        AND (list_entries.project_id IS NULL OR e.project_id = list_entries.project_id)
        AND (list_entries.tag IS NULL OR e.tags @> ARRAY[list_entries.tag])
    ORDER BY e.start_time DESC, e.id DESC
    LIMIT list_entries."limit"
$$;
COMMENT ON FUNCTION timetrackr.list_entries(bigint, bigint, timestamptz, timestamptz, text, integer, timestamptz, bigint) IS
'Own time entries, newest start first. from (inclusive) and to (exclusive) bound start_time; project_id and tag filter. after_start_time and after_entry_id are those of the last row of the page before.';
