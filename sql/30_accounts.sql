-- Accounts: signing up, signing in and out, changing and deleting one's own.
-- All in C but set_role(), which is for operators. Sessions have a file of their own.

CREATE FUNCTION timetrackr.signup(
    email text,
    password text,
    username text,
    timezone text DEFAULT 'UTC',
    refresh_ttl integer DEFAULT 2592000,
    client_address text DEFAULT NULL,
    OUT user_id bigint,
    OUT username text,
    OUT role text,
    OUT refresh_token text
)
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_signup';
COMMENT ON FUNCTION timetrackr.signup(text, text, text, text, integer, text) IS
'Creates an account and signs it in. email and username are trimmed and unique regardless of case; username has 1 to 50 characters, none of them a control character; password has at least 8 characters, at most 72 bytes, is not among the most common ones, and is neither email (whole, or before the @) nor username; timezone is an IANA name. refresh_ttl is the life of refresh_token in seconds; client_address is kept with the session. Errors: 409 email_taken, username_taken; 422 missing_field, invalid_email, invalid_username, invalid_timezone, weak_password.';

CREATE FUNCTION timetrackr.login(
    email text,
    password text,
    refresh_ttl integer DEFAULT 2592000,
    client_address text DEFAULT NULL,
    OUT user_id bigint,
    OUT username text,
    OUT role text,
    OUT refresh_token text,
    OUT refused text,
    OUT retry_after integer
)
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_login';
COMMENT ON FUNCTION timetrackr.login(text, text, integer, text) IS
'Signs in with email and password, and opens a session: refresh_token, good for refresh_ttl seconds. An account without a password can''t sign in. Wrong passwords are counted by account and client_address (see timetrackr.login_attempts); a refusal then is no error, which would undo the count, but a row with refused: commit the transaction. refused is bad_credentials, the same in the same time whether the email is unknown or the password wrong, or too_many_attempts, until retry_after seconds are over. Without client_address nothing is counted, and a refusal is an error. Errors: 401 bad_credentials; 422 missing_field; 429 too_many_attempts.';

CREATE FUNCTION timetrackr.refresh(
    refresh_token text,
    refresh_ttl integer DEFAULT 2592000,
    client_address text DEFAULT NULL,
    OUT user_id bigint,
    OUT username text,
    OUT role text,
    OUT refresh_token text
)
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_refresh';
COMMENT ON FUNCTION timetrackr.refresh(text, integer, text) IS
'Takes a refresh token for its one use and returns the next one of the session, good for refresh_ttl seconds; client_address is kept with it. An unknown, expired, used or revoked token gives a row of nulls, 401 refresh_token_invalid over HTTP; a used or revoked one also revokes its whole session, for it is in two hands. It is no error, because an error would undo that revocation: commit the transaction. Errors: 401 refresh_token_invalid over HTTP; 422 missing_field.';

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
    email_notifications timetrackr.email_notifications DEFAULT NULL,
    email_also text[] DEFAULT NULL,
    email_never text[] DEFAULT NULL,
    given text[] DEFAULT NULL,
    OUT user_id bigint,
    OUT username text,
    OUT email text,
    OUT role text,
    OUT timezone text,
    OUT bio text,
    OUT avatar_url text,
    OUT listed boolean,
    OUT email_notifications text,
    OUT email_also text[],
    OUT email_never text[],
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
COMMENT ON FUNCTION timetrackr.update_me(bigint, text, text, text, boolean, timetrackr.email_notifications, text[], text[], text[]) IS
'Changes the viewer''s account and returns me(). timezone is an IANA name and holds for entries started from now on; bio has at most 2000 characters; listed says whether public leaderboards show the account; email_notifications which notifications are mailed, too: none, the important ones, or all; email_also names kinds (see list_notifications) that are mailed in any case, email_never kinds that are not, whatever the other two say, each at most 50. Without given, every argument that is not null is a change. given names the fields to change: a null bio is then cleared, as are null lists of kinds. Errors: 401 invalid_token; 409 username_taken; 422 missing_field, invalid_username, invalid_timezone, invalid_kind, too_many_kinds, too_long.';

CREATE FUNCTION timetrackr.change_password(
    viewer_id bigint,
    current_password text,
    new_password text,
    client_address text DEFAULT NULL,
    OUT refused text,
    OUT retry_after integer
)
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_change_password';
COMMENT ON FUNCTION timetrackr.change_password(bigint, text, text, text) IS
'Changes the viewer''s password, ends every session of his, and tells him by mail; access tokens stay good until they expire. The rules for new_password are those of signup(). Wrong passwords are counted as those of login(), and with client_address a refusal is a row with refused, wrong_password or too_many_attempts (until retry_after seconds are over): commit the transaction. refused is null when it is done. Errors: 401 invalid_token; 403 wrong_password; 409 no_password for an account that signs in elsewhere; 422 missing_field, weak_password; 429 too_many_attempts.';

CREATE FUNCTION timetrackr.delete_me(
    viewer_id bigint,
    password text DEFAULT NULL,
    client_address text DEFAULT NULL,
    OUT refused text,
    OUT retry_after integer
)
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_delete_me';
COMMENT ON FUNCTION timetrackr.delete_me(bigint, text, text) IS
'Deletes the viewer''s account with everything stored about it. Projects on which others have time, or which others manage, pass to one of them; the others go. password must be given unless the account has none, since it signs in elsewhere. Wrong passwords are counted as those of login(), and with client_address a refusal is a row with refused, wrong_password or too_many_attempts (until retry_after seconds are over): commit the transaction. refused is null when it is done. Errors: 401 invalid_token; 403 wrong_password; 422 missing_field; 429 too_many_attempts.';

CREATE FUNCTION timetrackr.set_role(user_id bigint, role text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF set_role.role IS NULL OR set_role.role NOT IN ('user', 'admin') THEN
        RAISE EXCEPTION 'a role is user or admin'
            USING ERRCODE = 'TT422', CONSTRAINT = 'invalid_role', COLUMN = 'role';
    END IF;
    UPDATE timetrackr.users u
    SET role = set_role.role
    WHERE u.id = set_role.user_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no such user'
            USING ERRCODE = 'TT404', CONSTRAINT = 'user_not_found';
    END IF;
END
$$;
COMMENT ON FUNCTION timetrackr.set_role(bigint, text) IS
'Makes a user an admin, or an admin a user again: role is admin or user. It holds at once, also for tokens issued before. For operators: only the tables'' owner may call it. Errors: 404 user_not_found; 422 invalid_role.';

CREATE FUNCTION timetrackr.set_role(email text, role text)
RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT timetrackr.set_role((
        SELECT u.id
        FROM timetrackr.users u
        WHERE lower(u.email) = lower(trim(set_role.email))), set_role.role)
$$;
COMMENT ON FUNCTION timetrackr.set_role(text, text) IS
'The same, for the user with this email, whatever its case. Errors: 404 user_not_found; 422 invalid_role.';
