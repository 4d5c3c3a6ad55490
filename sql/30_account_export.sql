-- Everything stored about a user, as the parts of one document: so many rows
-- that they are read page by page, each page along an index.

CREATE FUNCTION timetrackr.export_section(
    viewer_id bigint,
    section text,
    after_key bigint,
    "limit" integer
)
RETURNS TABLE (
    key bigint,
    item json
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    CASE section
    WHEN 'account' THEN
        RETURN QUERY
        SELECT 0::bigint, timetrackr.json(r)::json
        FROM (
            SELECT u.id AS user_id, u.email, u.username, u.role, u.timezone, u.bio, u.avatar AS avatar_url,
                u.avatar_version, u.listed, u.email_notifications, u.email_also, u.email_never, u.external_id,
                u.password_hash IS NOT NULL AS has_password, u.created_at
            FROM timetrackr.users u
            WHERE u.id = viewer_id AND after_key < 0
        ) r;
    WHEN 'totals' THEN
        RETURN QUERY
        SELECT 0::bigint, timetrackr.json(r)::json
        FROM (
            SELECT t.seconds, t.entries, t.badges, t.projects_created, t.active_days, t.longest_entry,
                t.best_day, t.best_week, t.streak_start, t.streak_end, t.longest_streak
            FROM timetrackr.user_totals t
            WHERE t.user_id = viewer_id AND after_key < 0
        ) r;
    WHEN 'sessions' THEN
        RETURN QUERY
        SELECT s.first_id, timetrackr.json(r)::json
        FROM (
            SELECT min(t.id) AS first_id, t.family AS session_id, min(t.opened_at) AS created_at,
                max(t.created_at) AS last_used_at, max(t.expires_at) AS expires_at,
                NOT bool_or(t.used_at IS NULL AND t.revoked_at IS NULL AND t.expires_at > now()) AS ended,
                array_agg(DISTINCT t.address) FILTER (WHERE t.address IS NOT NULL) AS addresses
            FROM timetrackr.refresh_tokens t
            WHERE t.user_id = viewer_id
            GROUP BY t.family
            HAVING min(t.id) > after_key
            ORDER BY 1
            LIMIT "limit"
        ) s
        CROSS JOIN LATERAL (
            SELECT s.session_id::text, s.created_at, s.last_used_at, s.expires_at, s.ended,
                COALESCE(s.addresses, '{}') AS addresses
        ) r
        ORDER BY 1;
    WHEN 'projects' THEN
        RETURN QUERY
        SELECT r.project_id, timetrackr.json(r)::json
        FROM (
            SELECT p.id AS project_id, p.name, p.description, p.visibility, p.archived_at, p.created_at
            FROM timetrackr.projects p
            WHERE p.owner_id = viewer_id AND p.id > after_key
            ORDER BY p.id
            LIMIT "limit"
        ) r
        ORDER BY 1;
    WHEN 'memberships' THEN
        RETURN QUERY
        SELECT r.project_id, timetrackr.json(r)::json
        FROM (
            SELECT m.project_id, p.name AS project_name, m.role, m.joined_at
            FROM timetrackr.project_members m
            JOIN timetrackr.projects p ON p.id = m.project_id
            WHERE m.user_id = viewer_id AND m.project_id > after_key
            ORDER BY m.project_id
            LIMIT "limit"
        ) r
        ORDER BY 1;
    WHEN 'badges' THEN
        RETURN QUERY
        SELECT r.badge_id, timetrackr.json(r)::json
        FROM (
            SELECT a.badge_id, b.name, a.awarded_at, a.entry_id
            FROM timetrackr.user_badges a
            JOIN timetrackr.badges b ON b.id = a.badge_id
            WHERE a.user_id = viewer_id AND a.badge_id > after_key
            ORDER BY a.badge_id
            LIMIT "limit"
        ) r
        ORDER BY 1;
    WHEN 'notifications' THEN
        RETURN QUERY
        SELECT r.notification_id, timetrackr.json(r)::json
        FROM (
            SELECT n.id AS notification_id, n.kind, p.shown AS payload, n.created_at, n.read_at
            FROM timetrackr.notifications n
            CROSS JOIN LATERAL timetrackr.notification_payload(n.payload) p
            WHERE n.user_id = viewer_id AND n.id > after_key
            ORDER BY n.id
            LIMIT "limit"
        ) r
        ORDER BY 1;
    WHEN 'webhooks' THEN
        RETURN QUERY
        SELECT r.webhook_id, timetrackr.json(r)::json
        FROM (
            SELECT w.id AS webhook_id, w.url, w.description, w.topics, w.project_ids, w.enabled,
                w.disabled_reason, w.failing_since, w.created_at, w.updated_at
            FROM timetrackr.webhooks w
            WHERE w.user_id = viewer_id AND w.id > after_key
            ORDER BY w.id
            LIMIT "limit"
        ) r
        ORDER BY 1;
    WHEN 'webhook_deliveries' THEN
        RETURN QUERY
        SELECT r.delivery_id, timetrackr.json(r)::json
        FROM (
            SELECT d.id AS delivery_id, d.webhook_id, d.message_id, d.topic, d.payload, d.status, d.attempts,
                d.last_status, d.last_error, d.created_at, d.delivered_at
            FROM timetrackr.webhook_deliveries d
            WHERE d.user_id = viewer_id AND d.id > after_key
            ORDER BY d.id
            LIMIT "limit"
        ) r
        ORDER BY 1;
    WHEN 'mails' THEN
        RETURN QUERY
        SELECT r.mail_id, timetrackr.json(r)::json
        FROM (
            SELECT m.id AS mail_id, m.kind, m.notification_id, m.status, m.created_at, m.sent_at
            FROM timetrackr.mails m
            WHERE m.user_id = viewer_id AND m.id > after_key
            ORDER BY m.id
            LIMIT "limit"
        ) r
        ORDER BY 1;
    WHEN 'media' THEN
        RETURN QUERY
        SELECT r.media_id, timetrackr.json(r)::json
        FROM (
            SELECT m.id AS media_id, u.avatar AS url, m.content_type, encode(m.sha256, 'hex') AS sha256,
                octet_length(m.bytes) AS bytes, m.width, m.height, m.created_at
            FROM timetrackr.users u
            JOIN timetrackr.media m ON m.id = substring(u.avatar FROM '^/media/([1-9][0-9]{0,17})$')::bigint
            WHERE u.id = viewer_id AND m.id > after_key
            ORDER BY m.id
            LIMIT "limit"
        ) r
        ORDER BY 1;
    WHEN 'project_totals' THEN
        RETURN QUERY
        SELECT r.project_id, timetrackr.json(r)::json
        FROM (
            SELECT t.project_id, t.seconds, t.entries
            FROM timetrackr.project_totals t
            WHERE t.user_id = viewer_id AND t.project_id > after_key
            ORDER BY t.project_id
            LIMIT "limit"
        ) r
        ORDER BY 1;
    WHEN 'days' THEN
        RETURN QUERY
        SELECT (r.day - DATE '2000-01-01')::bigint, timetrackr.json(r)::json
        FROM (
            SELECT d.day, sum(d.seconds)::bigint AS seconds, sum(d.entries)::bigint AS entries
            FROM timetrackr.day_totals d
            WHERE d.user_id = viewer_id
                AND d.day > DATE '2000-01-01' + greatest(after_key, -800000)::integer
            GROUP BY d.day
            ORDER BY d.day
            LIMIT "limit"
        ) r
        ORDER BY 1;
    WHEN 'scores' THEN
        RETURN QUERY
        SELECT s.key, timetrackr.json(r)::json
        FROM (
            SELECT k.key, c.period, c.period_start, c.seconds
            FROM timetrackr.scores c
            CROSS JOIN LATERAL (
                SELECT array_position('{all,month,week,day}', c.period) * 10000000::bigint
                    + (c.period_start - DATE '0001-01-01') AS key
            ) k
            WHERE c.user_id = viewer_id AND k.key > after_key
            ORDER BY k.key
            LIMIT "limit"
        ) s
        CROSS JOIN LATERAL (SELECT s.period, s.period_start, s.seconds) r
        ORDER BY 1;
    WHEN 'timeline' THEN
        RETURN QUERY
        SELECT r.event_id, timetrackr.json(r)::json
        FROM (
            SELECT e.id AS event_id, e.event_type, e.event_data, e.project_id, e.entry_id,
                e.occurred_at AS "timestamp"
            FROM timetrackr.timeline_events e
            WHERE e.user_id = viewer_id AND e.id > after_key
            ORDER BY e.id
            LIMIT "limit"
        ) r
        ORDER BY 1;
    WHEN 'entries' THEN
        RETURN QUERY
        SELECT r.entry_id, timetrackr.json(r)::json
        FROM (
            SELECT e.id AS entry_id, e.project_id, e.start_time, e.end_time, e.duration AS duration_seconds,
                e.timezone, e.note, e.tags, e.source, e.flagged, e.created_at, e.updated_at
            FROM timetrackr.time_entries e
            WHERE e.user_id = viewer_id AND e.id > after_key
            ORDER BY e.id
            LIMIT "limit"
        ) r
        ORDER BY 1;
    END CASE;
END
$$;
COMMENT ON FUNCTION timetrackr.export_section(bigint, text, bigint, integer) IS
'Part of export_account(): the rows of one section behind after_key, in the order of key.';

CREATE FUNCTION timetrackr.export_account(
    viewer_id bigint,
    "limit" integer DEFAULT 500,
    after_section text DEFAULT NULL,
    after_key bigint DEFAULT NULL
)
RETURNS TABLE (
    section text,
    key bigint,
    many boolean,
    item json
)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    -- The long ones last.
    sections CONSTANT text[] := '{account,totals,sessions,projects,memberships,badges,notifications,webhooks,mails,media,'
        'webhook_deliveries,'
        'project_totals,scores,days,timeline,entries}';
    lowest CONSTANT bigint := -9223372036854775808;
    room integer := "limit";
    found_rows integer;
    from_key bigint;
BEGIN
    FOR n IN COALESCE(array_position(sections, after_section), 1) .. cardinality(sections) LOOP
        section := sections[n];
        many := section NOT IN ('account', 'totals');
        from_key := CASE WHEN section = after_section THEN COALESCE(after_key, lowest) ELSE lowest END;
        IF many AND section IS DISTINCT FROM after_section THEN
            key := lowest;
            item := NULL;
            RETURN NEXT;
            room := room - 1;
            EXIT WHEN room <= 0;
        END IF;
        RETURN QUERY
        SELECT section, s.key, many, s.item
        FROM timetrackr.export_section(viewer_id, section, from_key, room) s;
        GET DIAGNOSTICS found_rows = ROW_COUNT;
        room := room - found_rows;
        EXIT WHEN room <= 0;
    END LOOP;
END
$$;
COMMENT ON FUNCTION timetrackr.export_account(bigint, integer, text, bigint) IS
'Everything stored about the viewer, as one JSON document: account and totals are objects; sessions, projects (own ones), memberships, badges, notifications, webhooks (without their secrets), mails, media (the avatar, if it is kept here, without its bytes), webhook_deliveries, project_totals, scores, days, timeline and entries are arrays, in the order of their ids. Durations are in seconds. Here a row is one object of a section; many tells an array''s section, which begins with a row without item, so that an empty one is there, too. The document is read in parts: what changes meanwhile may be in it as it was before or after, and what is added is in it if its part was still to come; nothing is in it twice. Neither passwords nor tokens are in it. after_section and after_key are those of the last row of the page before. Errors: 401 invalid_token.';
