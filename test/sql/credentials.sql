-- Changing the password, deleting the account, ending sessions, making admins:
-- what a refusal is in SQL, with and without the client's address.
SET timezone = 'UTC';
SET timetrackr.bcrypt_cost = 4;
SELECT user_id AS ann, refresh_token AS token
FROM timetrackr.signup('cred-ann@example.org', 'correct horse', 'cred ann', client_address => '192.0.2.1') \gset
SELECT user_id AS bob FROM timetrackr.signup('cred-bob@example.org', 'correct horse', 'cred bob') \gset

-- Nobody's password is what everybody knows of him.
CREATE FUNCTION test.signup_with(password text)
RETURNS text
LANGUAGE sql
AS $$
    SELECT test.refusal(format('SELECT timetrackr.signup(''cred-cem@example.org'', %L, ''Cem Cemson'')', password))
$$;
SELECT test.signup_with('cred-cem@EXAMPLE.org') AS email, test.signup_with('CRED-cem') AS local_part,
    test.signup_with('cem cemson') AS username, test.signup_with('1Q2W3E4R5T') AS common,
    test.signup_with('timetrackr') AS product;

-- Without an address a refusal is an error, and nothing is counted.
SELECT test.refusal(format('SELECT timetrackr.change_password(%s, ''wrong'', ''battery staple'')', :ann)) AS wrong,
    test.refusal(format('SELECT timetrackr.change_password(%s, ''correct horse'', ''short'')', :ann)) AS weak,
    test.refusal(format('SELECT timetrackr.change_password(%s, ''correct horse'', ''CRED ann'')', :ann)) AS name,
    test.refusal(format('SELECT timetrackr.change_password(%s, NULL, ''battery staple'')', :ann)) AS no_current,
    test.refusal(format('SELECT timetrackr.change_password(%s, ''correct horse'', NULL)', :ann)) AS no_new,
    test.refusal('SELECT timetrackr.change_password(0, ''correct horse'', ''battery staple'')') AS unknown,
    test.refusal('SELECT timetrackr.change_password(NULL, ''correct horse'', ''battery staple'')') AS nobody;
SELECT count(*) AS counted FROM timetrackr.login_throttle;
-- With one it is a row, so that the count is kept.
SELECT * FROM timetrackr.change_password(:ann, 'wrong', 'battery staple', '192.0.2.1');
SELECT user_id, username, refused, retry_after FROM timetrackr.login('cred-ann@example.org', 'wrong', 60, '192.0.2.9');
SELECT count(*) AS counted FROM timetrackr.login_throttle;

-- It changes, and every session ends.
SELECT count(*) AS sessions FROM timetrackr.list_sessions(:ann);
SELECT * FROM timetrackr.change_password(:ann, 'correct horse', 'battery staple', '192.0.2.1');
SELECT count(*) AS sessions FROM timetrackr.list_sessions(:ann);
SELECT user_id IS NULL AS refused FROM timetrackr.refresh(:'token');
SELECT refused FROM timetrackr.login('cred-ann@example.org', 'correct horse', 60, '192.0.2.1');
SELECT user_id = :ann AS ann, refused FROM timetrackr.login('cred-ann@example.org', 'battery staple', 60, '192.0.2.1');

-- Budgets: of an account at a place, of a place, of an account.
TRUNCATE timetrackr.login_throttle;
SET timetrackr.login_attempts = 2;
CREATE FUNCTION test.guess(email text, place text, count integer)
RETURNS text
LANGUAGE sql
AS $$
    SELECT string_agg((SELECT l.refused FROM timetrackr.login(email, 'wrong ' || i, 60, place) l), ' ' ORDER BY i)
    FROM generate_series(1, count) i
$$;
SELECT test.guess('cred-ann@example.org', '192.0.2.1', 3) AS known, test.guess('cred-none@example.org', '192.0.2.1', 3) AS unknown;
SELECT refused, retry_after BETWEEN 1 AND 60 AS soon
FROM timetrackr.login('cred-ann@example.org', 'battery staple', 60, '192.0.2.1');
-- An address of IPv6 is as good as its network, and one of IPv4 as itself.
SELECT test.guess('cred-bob@example.org', '2001:db8::1', 2) AS one, test.guess('cred-bob@example.org', '2001:db8::ffff', 1) AS same,
    test.guess('cred-bob@example.org', '::ffff:192.0.2.7', 2) AS four, test.guess('cred-bob@example.org', '192.0.2.7', 1) AS same_four;
-- Ten failures of an account in all; where its owner has been he still comes in.
SELECT test.guess('cred-ann@example.org', '192.0.2.' || i, 2) FROM generate_series(20, 25) i;
SELECT refused FROM timetrackr.login('cred-ann@example.org', 'battery staple', 60, '192.0.2.30');
UPDATE timetrackr.login_throttle SET full_at = full_at - interval '61 seconds';
SELECT user_id = :ann AS ann FROM timetrackr.login('cred-ann@example.org', 'battery staple', 60, '192.0.2.1');
SELECT refused FROM timetrackr.login('cred-ann@example.org', 'battery staple', 60, '192.0.2.30');
-- 0: as often as one likes.
SET timetrackr.login_attempts = 0;
SELECT refused FROM timetrackr.login('cred-ann@example.org', 'wrong', 60, '192.0.2.30');
SELECT user_id = :ann AS ann FROM timetrackr.login('cred-ann@example.org', 'battery staple', 60, '192.0.2.30');
RESET timetrackr.login_attempts;

-- Sessions: newest first, without what has ended.
SELECT count(*) AS sessions, array_agg(address ORDER BY last_used_at) AS addresses FROM timetrackr.list_sessions(:ann);
SELECT session_id AS session FROM timetrackr.list_sessions(:ann, 1) \gset
SELECT test.refusal(format('SELECT timetrackr.end_session(%s, %L)', :bob, :'session')) AS theirs,
    test.refusal(format('SELECT timetrackr.end_session(%s, %L)', :ann, 'no uuid')) AS no_uuid,
    test.refusal(format('SELECT timetrackr.end_session(%s, NULL)', :ann)) AS no_session,
    test.refusal('SELECT timetrackr.end_session(NULL, ''x'')') AS nobody;
SELECT timetrackr.end_session(:ann, :'session');
SELECT test.refusal(format('SELECT timetrackr.end_session(%s, %L)', :ann, :'session')) AS again;
SELECT count(*) AS sessions FROM timetrackr.list_sessions(:ann);

-- Admins: made by the tables' owner, by id or email, at once.
SELECT timetrackr.set_role(:ann, 'admin');
SELECT email FROM timetrackr.profile(:ann, :bob);
SELECT timetrackr.set_role(' CRED-ann@example.org', 'user');
SELECT email FROM timetrackr.profile(:ann, :bob);
SELECT test.refusal('SELECT timetrackr.set_role(0, ''admin'')') AS unknown,
    test.refusal('SELECT timetrackr.set_role(''nobody@example.org'', ''admin'')') AS unknown_email,
    test.refusal(format('SELECT timetrackr.set_role(%s, ''god'')', :ann)) AS god,
    test.refusal(format('SELECT timetrackr.set_role(%s, NULL)', :ann)) AS no_role;

-- Everything stored: a row for each thing, and for each kind of things.
SELECT section, count(item) AS items, bool_and(many) AS many
FROM timetrackr.export_account(:bob)
GROUP BY section
ORDER BY min(CASE WHEN many THEN 1 ELSE 0 END), section COLLATE "C";
SELECT json_object_keys(item) AS account FROM timetrackr.export_account(:bob) WHERE section = 'account';
SELECT count(*) AS nothing FROM timetrackr.export_account(0) WHERE item IS NOT NULL;

-- The account goes with its password, or without one if it has none.
SELECT test.refusal(format('SELECT timetrackr.delete_me(%s, ''wrong'')', :ann)) AS wrong,
    test.refusal(format('SELECT timetrackr.delete_me(%s)', :ann)) AS none,
    test.refusal('SELECT timetrackr.delete_me(NULL, ''wrong'')') AS nobody;
SELECT * FROM timetrackr.delete_me(:ann, 'battery staple');
SELECT test.refusal(format('SELECT timetrackr.delete_me(%s, ''battery staple'')', :ann)) AS again;
UPDATE timetrackr.users SET password_hash = NULL WHERE id = :bob;
SELECT test.refusal(format('SELECT timetrackr.change_password(%s, ''correct horse'', ''battery staple'')', :bob)) AS no_password,
    test.refusal(format('SELECT timetrackr.delete_me(%s, ''correct horse'')', :bob)) AS with_one;
SELECT * FROM timetrackr.delete_me(:bob);
SELECT count(*) AS left_behind FROM timetrackr.users WHERE id IN (:ann, :bob);
SELECT * FROM timetrackr.verify();
