-- Accounts: signing up, signing in and out, and changing one's own. All in C.

CREATE FUNCTION timetrackr.signup(
    email text,
    password text,
    username text,
    timezone text DEFAULT 'UTC',
    refresh_ttl integer DEFAULT 2592000,
    OUT user_id bigint,
    OUT username text,
    OUT role text,
    OUT refresh_token text
)
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_signup';
COMMENT ON FUNCTION timetrackr.signup(text, text, text, text, integer) IS
'Creates an account and signs it in. email and username are trimmed and unique regardless of case; username has 1 to 50 characters, none of them a control character; password has at least 8 characters, at most 72 bytes, and is not among the most common ones; timezone is an IANA name. refresh_ttl is the life of refresh_token in seconds. Errors: 409 email_taken, username_taken; 422 missing_field, invalid_email, invalid_username, invalid_timezone, weak_password.';

CREATE FUNCTION timetrackr.login(
    email text,
    password text,
    refresh_ttl integer DEFAULT 2592000,
    OUT user_id bigint,
    OUT username text,
    OUT role text,
    OUT refresh_token text
)
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_login';
COMMENT ON FUNCTION timetrackr.login(text, text, integer) IS
'Signs in with email and password, and opens a session: refresh_token, good for refresh_ttl seconds. An account without a password can''t sign in. Errors: 401 bad_credentials, the same in the same time whether the email is unknown or the password wrong; 422 missing_field.';

CREATE FUNCTION timetrackr.refresh(
    refresh_token text,
    refresh_ttl integer DEFAULT 2592000,
    OUT user_id bigint,
    OUT username text,
    OUT role text,
    OUT refresh_token text
)
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_refresh';
COMMENT ON FUNCTION timetrackr.refresh(text, integer) IS
'Takes a refresh token for its one use and returns the next one of the session, good for refresh_ttl seconds. An unknown, expired, used or revoked token gives a row of nulls, 401 refresh_token_invalid over HTTP; a used or revoked one also revokes its whole session, for it is in two hands. It is no error, because an error would undo that revocation: commit the transaction. Errors: 422 missing_field.';

CREATE FUNCTION timetrackr.logout(
    viewer_id bigint,
    refresh_token text DEFAULT NULL
)
RETURNS void
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_logout';
COMMENT ON FUNCTION timetrackr.logout(bigint, text) IS
'Ends the session that refresh_token belongs to; without it, every session of the viewer. Ending one that has ended, or is not the viewer''s, changes nothing. Errors: 401 invalid_token.';

CREATE FUNCTION timetrackr.update_me(
    viewer_id bigint,
    username text DEFAULT NULL,
    timezone text DEFAULT NULL,
    bio text DEFAULT NULL,
    listed boolean DEFAULT NULL,
    given text[] DEFAULT NULL,
    OUT user_id bigint,
    OUT username text,
    OUT email text,
    OUT role text,
    OUT timezone text,
    OUT bio text,
    OUT avatar_url text,
    OUT listed boolean,
    OUT created_at timestamptz,
    OUT badges timetrackr.badge_earned[],
    OUT total_seconds bigint,
    OUT entry_count bigint,
    OUT current_streak_days integer,
    OUT longest_streak_days integer,
    OUT rank bigint,
    OUT contributions timetrackr.contribution[]
)
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_update_me';
COMMENT ON FUNCTION timetrackr.update_me(bigint, text, text, text, boolean, text[]) IS
'Changes the viewer''s account and returns me(). timezone is an IANA name and holds for entries started from now on; bio has at most 2000 characters; listed says whether public leaderboards show the account. Without given, every argument that is not null is a change. given names the fields to change: a null bio is then cleared. Errors: 401 invalid_token; 409 username_taken; 422 missing_field, invalid_username, invalid_timezone, too_long.';
