-- Sessions: where one is signed in. A session is a family of refresh tokens, of
-- which one is good at a time; the tokens themselves are shown to nobody.

CREATE FUNCTION timetrackr.list_sessions(
    viewer_id bigint,
    "limit" integer DEFAULT 50,
    after_last_used_at timestamptz DEFAULT NULL,
    after_session_id text DEFAULT NULL
)
RETURNS TABLE (
    session_id text,
    created_at timestamptz,
    last_used_at timestamptz,
    expires_at timestamptz,
    address text
)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT t.family::text, t.opened_at, t.created_at, t.expires_at, t.address
    FROM timetrackr.refresh_tokens t
    WHERE t.user_id = list_sessions.viewer_id
        AND t.used_at IS NULL
        AND t.revoked_at IS NULL
        AND t.expires_at > now()
        AND (t.created_at, t.family::text COLLATE "C") < (
            COALESCE(list_sessions.after_last_used_at, 'infinity'),
            COALESCE(list_sessions.after_session_id, ''))
    ORDER BY t.created_at DESC, t.family::text COLLATE "C" DESC
    LIMIT list_sessions."limit"
$$;
COMMENT ON FUNCTION timetrackr.list_sessions(bigint, integer, timestamptz, text) IS
'Where the viewer is signed in, last used first. last_used_at is when the session was opened or last refreshed, expires_at when it ends unless it is refreshed before. address is where that came from: of IPv6 the network (/64), null when it is not known. after_last_used_at and after_session_id are those of the last row of the page before. Errors: 401 invalid_token.';

CREATE FUNCTION timetrackr.end_session(viewer_id bigint, session_id text)
RETURNS void
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_end_session';
COMMENT ON FUNCTION timetrackr.end_session(bigint, text) IS
'Ends a session of the viewer: its refresh token is good no more, its access token until it expires. Errors: 401 invalid_token; 404 session_not_found, also for one that has ended or is somebody else''s.';

CREATE FUNCTION timetrackr.create_throttle_table()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Worth nothing after a crash, and nothing to a replica. The keys are
    -- digests of emails and addresses; rows go when full_at is over.
    CREATE UNLOGGED TABLE IF NOT EXISTS timetrackr.login_throttle (
        key bytea PRIMARY KEY,
        full_at timestamptz NOT NULL
    );
    CREATE INDEX IF NOT EXISTS login_throttle_full ON timetrackr.login_throttle (full_at);
END
$$;
COMMENT ON FUNCTION timetrackr.create_throttle_table() IS
'Part of install(): failed attempts to sign in (see timetrackr.login_attempts).';
