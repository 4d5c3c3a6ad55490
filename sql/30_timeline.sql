-- Timelines.

CREATE FUNCTION timetrackr.timeline(
    viewer_id bigint,
    user_id bigint,
    "limit" integer DEFAULT 50,
    after_timestamp timestamptz DEFAULT NULL,
    after_event_id bigint DEFAULT NULL
)
RETURNS TABLE (
    event_id bigint,
    event_type text,
    event_data jsonb,
    "timestamp" timestamptz
)
LANGUAGE sql
STABLE
AS $$
    -- Names are merged in here, not stored: they change.
    SELECT
        e.id,
        e.event_type,
        CASE
            WHEN p.project_id IS NOT NULL
                THEN e.event_data || jsonb_build_object('project_id', p.project_id, 'project_name', p.name)
            WHEN b.id IS NOT NULL
                THEN e.event_data || jsonb_build_object('badge_name', b.name)
            ELSE e.event_data
        END,
        e.occurred_at
    FROM timetrackr.timeline_events e
    LEFT JOIN timetrackr.visible_projects(timeline.viewer_id) p ON p.project_id = e.project_id
    LEFT JOIN timetrackr.badges b ON b.id = CASE
        WHEN e.event_type = 'badge_earned' THEN (e.event_data ->> 'badge_id')::bigint
    END
    WHERE e.user_id = timeline.user_id
        AND (e.occurred_at, e.id) < (
            COALESCE(timeline.after_timestamp, 'infinity'),
            COALESCE(timeline.after_event_id, 9223372036854775807))
        AND (e.project_id IS NULL OR p.project_id IS NOT NULL)
    ORDER BY e.occurred_at DESC, e.id DESC
    LIMIT timeline."limit"
$$;
COMMENT ON FUNCTION timetrackr.timeline(bigint, bigint, integer, timestamptz, bigint) IS
'What user_id did, newest first, without the events of private projects that the viewer (null: a visitor) is not a member of. event_type is user_joined, project_created, project_joined, visibility_changed (event_data from, to), time_entry_completed (entry_id, duration_seconds), badge_earned (badge_id, badge_name) or streak_reached; events of a project also have project_id and project_name. after_timestamp and after_event_id are the last row of the page before.';
