-- Notifications: what a user is told. They are written by triggers, in the
-- transaction of what they tell (extension/notification.h lists the kinds).

CREATE FUNCTION timetrackr.notification_payload(payload jsonb)
RETURNS TABLE (shown jsonb)
LANGUAGE sql
STABLE
AS $$
    -- Names of users are merged in here, not stored: they change, and are forgotten.
    -- A row, not a scalar: that is inlined although it looks into a table.
    SELECT CASE
        WHEN jsonb_typeof(notification_payload.payload -> 'user_id') = 'number'
            AND notification_payload.payload ->> 'user_id' ~ '^[1-9][0-9]{0,17}$'
            THEN notification_payload.payload || jsonb_build_object('username', (
                SELECT u.username
                FROM timetrackr.users u
                WHERE u.id = (notification_payload.payload ->> 'user_id')::bigint))
        ELSE notification_payload.payload
    END
$$;
COMMENT ON FUNCTION timetrackr.notification_payload(jsonb) IS
'The payload of a notification as it is shown: with username, null when he is gone, next to user_id.';

CREATE FUNCTION timetrackr.list_notifications(
    viewer_id bigint,
    unread boolean DEFAULT NULL,
    "limit" integer DEFAULT 50,
    after_notification_id bigint DEFAULT NULL
)
RETURNS TABLE (
    notification_id bigint,
    kind text,
    payload jsonb,
    created_at timestamptz,
    read_at timestamptz
)
LANGUAGE sql
STABLE
AS $$
    SELECT n.id, n.kind, p.shown, n.created_at, n.read_at
    FROM timetrackr.notifications n
    CROSS JOIN LATERAL timetrackr.notification_payload(n.payload) p
    WHERE n.user_id = list_notifications.viewer_id
        AND n.id < COALESCE(list_notifications.after_notification_id, 9223372036854775807)
        AND (list_notifications.unread IS NULL OR (n.read_at IS NULL) = list_notifications.unread)
    ORDER BY n.id DESC
    LIMIT list_notifications."limit"
$$;
COMMENT ON FUNCTION timetrackr.list_notifications(bigint, boolean, integer, bigint) IS
'What the viewer was told, newest first; unread true: only what he has not read, false: only what he has. Kinds, and the members of payload: badge_awarded, badge_taken_back (badge_id, name); streak_reached (days, first_day); entry_flagged (project_id, project_name, entry_id, duration_seconds): an entry, such as a forgotten timer, is too long and counts nothing until it is edited; to the owner of a project member_joined, member_left (project_id, project_name, user_id, username; username is null when he is gone); to a member member_added (project_id, project_name, role), member_removed (project_id, project_name), role_changed (project_id, project_name, from, to), ownership_received, project_deleted (project_id, project_name); webhook_disabled (webhook_id, url, reason): gone, failing or overflowing. Names of projects and badges are those of the time. Nobody is told of his own doing, nor of what lies more than two days back. A notification goes when what it tells is undone: the badge is taken back before it was read or awarded again, the flagged entry is put right. The newest 500 are kept. after_notification_id is that of the last row of the page before.';

CREATE FUNCTION timetrackr.unread_notifications(viewer_id bigint)
RETURNS TABLE (
    unread bigint
)
LANGUAGE sql
STABLE
ROWS 1
AS $$
    SELECT count(*)
    FROM timetrackr.notifications n
    WHERE n.user_id = unread_notifications.viewer_id
        AND n.read_at IS NULL
$$;
COMMENT ON FUNCTION timetrackr.unread_notifications(bigint) IS
'How many notifications the viewer has not read, at most 500.';

CREATE FUNCTION timetrackr.read_notifications(viewer_id bigint, ids bigint[] DEFAULT NULL)
RETURNS void
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_read_notifications';
COMMENT ON FUNCTION timetrackr.read_notifications(bigint, bigint[]) IS
'Marks notifications of the viewer as read: those of ids, or all when ids is null. What he has read already stays as it is; ids that are not his, or are gone, are passed over. Errors: 401 invalid_token.';
