-- What mails say. Paragraphs are separated by an empty line; {link} or {choices} alone in one is a link.

CREATE FUNCTION timetrackr.important_notifications()
RETURNS text[]
LANGUAGE sql
IMMUTABLE
AS $$
    SELECT '{entry_flagged,member_added,member_removed,role_changed,ownership_received,project_deleted,webhook_disabled}'::text[]
$$;
COMMENT ON FUNCTION timetrackr.important_notifications() IS
'The kinds of notifications that are mailed to whom asks for the important ones: those that want something done, or change what one may do.';

CREATE FUNCTION timetrackr.notification_sentence(kind text, payload jsonb)
RETURNS text
LANGUAGE sql
STABLE
AS $$
    SELECT CASE notification_sentence.kind
        WHEN 'badge_awarded' THEN format('You have earned the badge "%s".', notification_sentence.payload ->> 'name')
        WHEN 'badge_taken_back' THEN format('The badge "%s" was taken back: what it is for holds no longer.', notification_sentence.payload ->> 'name')
        WHEN 'streak_reached' THEN format('You have tracked time on %s days in a row.', notification_sentence.payload ->> 'days')
        -- Applications write what they like: no payload may be in the way of a mail.
        WHEN 'entry_flagged' THEN format('A time entry on "%s" has %s hours, and counts nothing until you put it right. Was a timer forgotten?',
            notification_sentence.payload ->> 'project_name',
            CASE WHEN jsonb_typeof(notification_sentence.payload -> 'duration_seconds') = 'number'
                THEN round((notification_sentence.payload ->> 'duration_seconds')::numeric / 3600, 1)
                ELSE 0
            END)
        WHEN 'member_joined' THEN format('%s has joined your project "%s".',
            COALESCE(notification_sentence.payload ->> 'username', 'Somebody'), notification_sentence.payload ->> 'project_name')
        WHEN 'member_left' THEN format('%s has left your project "%s".',
            COALESCE(notification_sentence.payload ->> 'username', 'Somebody'), notification_sentence.payload ->> 'project_name')
        WHEN 'member_added' THEN format('You are a member of the project "%s" now, as %s.', notification_sentence.payload ->> 'project_name', notification_sentence.payload ->> 'role')
        WHEN 'member_removed' THEN format('You are no longer a member of the project "%s".', notification_sentence.payload ->> 'project_name')
        WHEN 'role_changed' THEN format('Your role in the project "%s" is %s now; it was %s.',
            notification_sentence.payload ->> 'project_name', notification_sentence.payload ->> 'to', notification_sentence.payload ->> 'from')
        WHEN 'ownership_received' THEN format('The project "%s" is yours now.', notification_sentence.payload ->> 'project_name')
        WHEN 'project_deleted' THEN format('The project "%s" was deleted.', notification_sentence.payload ->> 'project_name')
        WHEN 'webhook_disabled' THEN format('Your webhook %s was disabled: %s.', notification_sentence.payload ->> 'url',
            CASE notification_sentence.payload ->> 'reason'
                WHEN 'gone' THEN 'it answered that it is gone for good'
                WHEN 'failing' THEN 'nothing could be delivered to it for five days'
                ELSE 'it is too slow for all that waits for it'
            END)
        ELSE format('There is something new: %s.', notification_sentence.kind)
    END
$$;
COMMENT ON FUNCTION timetrackr.notification_sentence(text, jsonb) IS
'A notification in words: kind and payload are those of list_notifications().';

CREATE FUNCTION timetrackr.mail_text(kind text, user_id bigint, notification_id bigint)
RETURNS TABLE (
    subject text,
    body text,
    told_kind text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    account CONSTANT text := (
        SELECT u.username
        FROM timetrackr.users u
        WHERE u.id = mail_text.user_id);
BEGIN
    CASE mail_text.kind
    WHEN 'password_reset' THEN
        RETURN QUERY VALUES ('Reset your password', format(
            E'Hello %s,\n\nsomebody, you we hope, wants a new password for your account. Choose it here:\n\n{link}\n\n'
            'The link is good once, and for an hour. If it was not you, do nothing: your password stays as it is.', account), NULL);
    WHEN 'password_changed' THEN
        RETURN QUERY VALUES ('Your password was changed', format(
            E'Hello %s,\n\nthe password of your account has just been changed, and everybody who was signed in with it is signed out.\n\n'
            'If it was not you, ask for a new password at once: somebody else knows the one there is now.', account), NULL);
    ELSE
        RETURN QUERY
        SELECT s.sentence, format(
            E'Hello %s,\n\n%s\n\nYou have asked for such mails. To end those of this kind, or all of them:\n\n{choices}', account, s.sentence), n.kind
        FROM timetrackr.notifications n
        CROSS JOIN LATERAL timetrackr.notification_payload(n.payload) p
        CROSS JOIN LATERAL (
            -- A name must not begin a paragraph of its own.
            SELECT regexp_replace(timetrackr.notification_sentence(n.kind, p.shown), '\s+', ' ', 'g') AS sentence
        ) s
        WHERE n.user_id = mail_text.user_id
            AND n.id = mail_text.notification_id
            AND n.read_at IS NULL;
    END CASE;
END
$$;
COMMENT ON FUNCTION timetrackr.mail_text(text, bigint, bigint) IS
'Part of claim_mails(): what a mail says to a user, and the kind of the notification that it tells of, if any. No row when there is nothing to say any more: the notification was read, or taken back.';
