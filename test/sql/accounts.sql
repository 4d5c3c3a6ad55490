-- Accounts: signing up, signing in and out, refresh tokens, changing oneself.
SET timezone = 'UTC';
SET timetrackr.bcrypt_cost = 4;

-- Signing up: trimmed, hashed, signed in, told of.
SELECT user_id AS ann, username, role, refresh_token ~ '^[A-Za-z0-9_-]{43}$' AS token
FROM timetrackr.signup('  Acc-Ann@Example.org ', 'correct horse', E'\tAcc Ann ', 'Europe/Berlin') \gset
\echo :username :role :token
SELECT email, username, role, timezone, listed, password_hash ~ '^\$2a\$04\$.{53}$' AS hashed
FROM timetrackr.users WHERE id = :ann;
SELECT octet_length(token_sha256) AS sha256_bytes, expires_at - created_at AS life, used_at, revoked_at
FROM timetrackr.refresh_tokens WHERE user_id = :ann;
SELECT seconds, entries, listed FROM timetrackr.user_totals WHERE user_id = :ann;
SELECT event_type, event_data FROM timetrackr.timeline_events WHERE user_id = :ann;
SELECT topic FROM timetrackr.outbox WHERE payload @> jsonb_build_object('user_id', :ann);

-- Each rule of signing up, broken once.
CREATE FUNCTION test.signup_refusal(email text, password text, username text, zone text DEFAULT 'UTC')
RETURNS text
LANGUAGE sql
AS $$
    SELECT test.refusal(format('SELECT timetrackr.signup(%L, %L, %L, %L)', email, password, username, zone))
$$;
SELECT count(*) AS users_before FROM timetrackr.users \gset
SELECT test.signup_refusal(NULL, 'correct horse', 'x') AS email,
    test.signup_refusal('x@example.org', NULL, 'x') AS password,
    test.signup_refusal('x@example.org', 'correct horse', NULL) AS username,
    test.signup_refusal('x@example.org', 'correct horse', 'x', NULL) AS timezone;
SELECT email, test.signup_refusal(email, 'correct horse', 'x')
FROM unnest(ARRAY[
    '', '@', 'a', 'a@', '@example.org', 'a@b', 'a b@example.org', 'a@exam ple.org', 'a@@example.org',
    'a@b@example.org', '.a@example.org', 'a.@example.org', 'a..b@example.org', 'a@example..org',
    'a@-example.org', 'a@example-.org', 'a@example.org.', 'a,b@example.org', E'a\u0001@example.org',
    repeat('a', 65) || '@example.org'
]) email;
SELECT test.signup_refusal('a@' || repeat('b', 64) || '.org', 'correct horse', 'x') AS long_label,
    test.signup_refusal('a@' || repeat('abcdefg.', 32) || 'org', 'correct horse', 'x') AS long_email;
SELECT test.signup_refusal('x@example.org', 'correct horse', '  ') AS blank,
    test.signup_refusal('x@example.org', 'correct horse', repeat('ü', 51)) AS long,
    test.signup_refusal('x@example.org', 'correct horse', E'a\nb') AS newline,
    test.signup_refusal('x@example.org', 'correct horse', E'a\u0085b') AS c1_control,
    test.signup_refusal('x@example.org', 'correct horse', E'a\u202Eb') AS reversed;
SELECT test.signup_refusal('x@example.org', 'correct horse', 'x', 'Mars/Olympus') AS mars,
    test.signup_refusal('x@example.org', 'correct horse', 'x', 'EST5') AS posix;
SELECT test.signup_refusal('x@example.org', 'üüüüüüü', 'x') AS seven_characters,
    test.signup_refusal('x@example.org', repeat('ü', 36) || 'x', 'x') AS bytes_73,
    test.signup_refusal('x@example.org', 'password', 'x') AS common,
    test.signup_refusal('x@example.org', 'QwertyUIOP', 'x') AS common_in_capitals;
SELECT test.signup_refusal('ACC-ann@example.ORG', 'correct horse', 'x') AS email,
    test.signup_refusal('x@example.org', 'correct horse', ' ACC ann') AS username;
SELECT test.refusal('SELECT timetrackr.signup(''x@example.org'', ''correct horse'', ''x'', refresh_ttl => 0)') AS ttl;
SELECT count(*) - :users_before AS left_behind FROM timetrackr.users;
-- And kept to the letter.
SELECT user_id AS max, username = repeat('ü', 50) AS username
FROM timetrackr.signup('o''neil+x.y@sub.exa-mple.org', repeat('ü', 36), repeat('ü', 50)) \gset
SELECT :'username' AS fifty_characters, count(*) AS signed_in
FROM timetrackr.login('O''NEIL+x.y@sub.exa-mple.org', repeat('ü', 36));

-- Signing in. An unknown email and a wrong password are told alike.
SELECT user_id = :ann AS ann, username, role, refresh_token ~ '^[A-Za-z0-9_-]{43}$' AS token
FROM timetrackr.login(' acc-ann@EXAMPLE.org', 'correct horse');
CREATE FUNCTION test.login_refusal(email text, password text)
RETURNS text
LANGUAGE sql
AS $$
    SELECT test.refusal(format('SELECT timetrackr.login(%L, %L)', email, password))
$$;
SELECT test.login_refusal('acc-ann@example.org', 'Correct horse') AS wrong,
    test.login_refusal('acc-nobody@example.org', 'correct horse') AS unknown,
    test.login_refusal(NULL, 'correct horse') AS no_email,
    test.login_refusal('acc-ann@example.org', NULL) AS no_password;
-- The blanks around a password are its own.
SELECT test.login_refusal('acc-ann@example.org', ' correct horse') AS blank;
-- bcrypt would compare only the first 72 bytes.
SELECT test.login_refusal('o''neil+x.y@sub.exa-mple.org', repeat('ü', 36) || 'x') AS bytes_73;

-- Hashes of elsewhere: bcrypt by any of its letters; nothing else ever matches.
UPDATE timetrackr.users SET password_hash = overlay(password_hash PLACING '$2b$' FROM 1 FOR 4) WHERE id = :ann;
SELECT count(*) AS with_2b FROM timetrackr.login('acc-ann@example.org', 'correct horse');
UPDATE timetrackr.users SET password_hash = overlay(password_hash PLACING '$2y$' FROM 1 FOR 4) WHERE id = :ann;
SELECT count(*) AS with_2y FROM timetrackr.login('acc-ann@example.org', 'correct horse');
SELECT password_hash AS hash FROM timetrackr.users WHERE id = :ann \gset
CREATE FUNCTION test.login_with_hash(owner bigint, hash text, password text DEFAULT 'correct horse')
RETURNS text
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE timetrackr.users SET password_hash = hash WHERE id = owner;
    RETURN test.login_refusal('acc-ann@example.org', password);
END
$$;
SELECT test.login_with_hash(:ann, NULL) AS none,
    test.login_with_hash(:ann, '') AS empty,
    test.login_with_hash(:ann, 'correct horse') AS plain,
    test.login_with_hash(:ann, crypt('correct horse', 'ab')) AS des,
    test.login_with_hash(:ann, crypt('correct horse', gen_salt('xdes'))) AS xdes,
    test.login_with_hash(:ann, crypt('correct horse', gen_salt('md5'))) AS md5,
    test.login_with_hash(:ann, left(:'hash', 59)) AS cut_short,
    test.login_with_hash(:ann, overlay(:'hash' PLACING '99' FROM 5 FOR 2)) AS bad_cost,
    test.login_with_hash(:ann, overlay(:'hash' PLACING '*' FROM 20 FOR 1)) AS bad_letter,
    test.login_with_hash(:ann, :'hash') AS itself;

-- The time of a refusal does not tell whether there is an account: of the best
-- of some tries each, in turns, none is a third of another. A processor that
-- others want only makes tries longer, so more of them are made then.
SET timetrackr.bcrypt_cost = 8;
UPDATE timetrackr.users SET password_hash = crypt('correct horse', gen_salt('bf', 8)) WHERE id = :ann;
CREATE FUNCTION test.refused_alike(emails text[], passwords text[])
RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
    began timestamptz;
    best double precision[] := array_fill('infinity'::double precision, ARRAY[cardinality(emails)]);
    alike boolean;
BEGIN
    FOR round IN 1..100 LOOP
        FOR i IN 1..cardinality(emails) LOOP
            began := clock_timestamp();
            PERFORM test.login_refusal(emails[i], passwords[i]);
            best[i] := LEAST(best[i], extract(epoch FROM clock_timestamp() - began));
        END LOOP;
        SELECT min(b) > max(b) / 3 INTO alike FROM unnest(best) b;
        EXIT WHEN alike AND round >= 5;
    END LOOP;
    RETURN alike;
END
$$;
SELECT test.refused_alike(
    ARRAY['acc-ann@example.org', 'acc-nobody@example.org', 'acc-ann@example.org'],
    ARRAY['wrong horse', 'wrong horse', repeat('x', 100)]);
SET timetrackr.bcrypt_cost = 4;

-- Each token is good for one refresh.
SELECT refresh_token AS first FROM timetrackr.login('acc-ann@example.org', 'correct horse') \gset
SELECT refresh_token AS other FROM timetrackr.login('acc-ann@example.org', 'correct horse') \gset
SELECT user_id = :ann AS is_ann, username, role, refresh_token <> :'first' AS is_new, refresh_token AS second
FROM timetrackr.refresh(:'first') \gset
\echo :is_ann :username :role :is_new
SELECT refresh_token IS NOT NULL AS accepted, refresh_token AS third FROM timetrackr.refresh(:'second') \gset
\echo :accepted
-- A used one gives nulls, and takes its session with it, but no other.
SELECT * FROM timetrackr.refresh(:'first');
SELECT user_id IS NULL AS refused FROM timetrackr.refresh(:'third');
SELECT user_id = :ann AS accepted, refresh_token AS other FROM timetrackr.refresh(:'other') \gset
\echo :accepted
-- Unknown and expired ones are refused too, and harm nobody.
SELECT user_id IS NULL AS refused FROM timetrackr.refresh('no such token');
SELECT refresh_token AS old FROM timetrackr.login('acc-ann@example.org', 'correct horse', 60) \gset
UPDATE timetrackr.refresh_tokens SET expires_at = now() - interval '1 second'
WHERE token_sha256 = sha256(:'old');
SELECT user_id IS NULL AS refused FROM timetrackr.refresh(:'old');
SELECT test.refusal('SELECT timetrackr.refresh(NULL)');
-- Signing in sweeps away the expired.
SELECT count(*) AS signed_in FROM timetrackr.login('acc-ann@example.org', 'correct horse');
SELECT count(*) AS expired FROM timetrackr.refresh_tokens WHERE user_id = :ann AND expires_at <= now();

-- Signing out ends one session, or all; again is no harm.
SELECT user_id AS bob, refresh_token AS bobs FROM timetrackr.signup('acc-bob@example.org', 'correct horse', 'Acc Bob') \gset
SELECT refresh_token AS mine FROM timetrackr.login('acc-ann@example.org', 'correct horse') \gset
SELECT refresh_token AS renewed FROM timetrackr.refresh(:'mine') \gset
SELECT timetrackr.logout(:ann, :'mine'), timetrackr.logout(:ann, :'mine');
SELECT user_id IS NULL AS ended FROM timetrackr.refresh(:'renewed');
-- Not another user's.
SELECT timetrackr.logout(:ann, :'bobs'), timetrackr.logout(:ann, 'no such token');
SELECT user_id = :bob AS alive, refresh_token AS bobs FROM timetrackr.refresh(:'bobs') \gset
\echo :alive
SELECT timetrackr.logout(:ann), timetrackr.logout(:ann);
SELECT user_id IS NULL AS ended FROM timetrackr.refresh(:'other');
SELECT user_id = :bob AS alive FROM timetrackr.refresh(:'bobs');
SELECT test.refusal('SELECT timetrackr.logout(0)') AS unknown, test.refusal('SELECT timetrackr.logout(NULL)') AS nobody;

-- Changing oneself: what is given, and nothing else.
SELECT username, timezone, bio, listed FROM timetrackr.update_me(:ann, bio => 'I knit.', timezone => 'Asia/Tokyo');
SELECT username, timezone, bio, listed FROM timetrackr.update_me(:ann, username => ' Acc Anna ', bio => NULL);
SELECT username, timezone, bio, listed FROM timetrackr.update_me(:ann, given => '{bio}');
SELECT username, timezone, bio, listed FROM timetrackr.update_me(:ann, 'ignored', 'UTC', given => '{timezone}');
SELECT username, timezone, bio, listed FROM timetrackr.update_me(:ann, given => '{}');
-- Everything me() says comes back.
SELECT row_to_json(m)::text = row_to_json(u)::text AS same
FROM timetrackr.update_me(:ann) u, timetrackr.me(:ann) m;
SELECT test.refusal(format('SELECT timetrackr.update_me(%s, username => ''aCC boB'')', :ann)) AS taken,
    test.refusal(format('SELECT timetrackr.update_me(%s, username => '''')', :ann)) AS invalid_username,
    test.refusal(format('SELECT timetrackr.update_me(%s, timezone => ''Berlin'')', :ann)) AS invalid_timezone,
    test.refusal(format('SELECT timetrackr.update_me(%s, bio => repeat(''x'', 2001))', :ann)) AS too_long;
SELECT field, test.refusal(format('SELECT timetrackr.update_me(%s, given => ARRAY[%L])', :ann, field))
FROM unnest('{username,timezone,listed}'::text[]) field;
SELECT test.refusal('SELECT timetrackr.update_me(0, bio => ''x'')') AS unknown,
    test.refusal('SELECT timetrackr.update_me(0)') AS unknown_unchanged,
    test.refusal('SELECT timetrackr.update_me(NULL, bio => ''x'')') AS nobody;
-- One's own name in other letters is no conflict.
SELECT username FROM timetrackr.update_me(:ann, username => 'acc ANNA');

-- Whoever writes the table gets the same rules.
SELECT test.refusal(format('UPDATE timetrackr.users SET email = ''x'' WHERE id = %s', :ann)) AS email,
    test.refusal(format('UPDATE timetrackr.users SET username = ''x'' || chr(10) || ''y'' WHERE id = %s', :ann)) AS username,
    test.refusal(format('UPDATE timetrackr.users SET timezone = ''local'' WHERE id = %s', :ann)) AS timezone,
    test.refusal(format('UPDATE timetrackr.users SET bio = repeat(''x'', 2001) WHERE id = %s', :ann)) AS bio,
    test.refusal(format('UPDATE timetrackr.users SET id = 0 WHERE id = %s', :ann)) AS id;
UPDATE timetrackr.users SET email = ' acc-anna@example.org ' WHERE id = :ann RETURNING email;

-- Told to those who cache it, when a profile shows it.
SELECT COALESCE(max(id), 0) AS mark FROM timetrackr.outbox \gset
UPDATE timetrackr.users SET password_hash = NULL WHERE id = :ann;
SELECT count(*) AS silent FROM timetrackr.outbox WHERE id > :mark;
UPDATE timetrackr.users SET avatar = 'https://example.org/a.png' WHERE id = :ann;
SELECT topic FROM timetrackr.outbox WHERE id > :mark ORDER BY id;

-- listed follows into totals and scores.
SELECT test.new_project(:bob, 'Listing') AS project \gset
SELECT count(*) FROM timetrackr.start_entry(:bob, :project, '2025-05-05 10:00Z', '2025-05-05 11:00Z');
SELECT COALESCE(max(id), 0) AS mark FROM timetrackr.outbox \gset
SELECT listed, rank FROM timetrackr.update_me(:bob, listed => false);
SELECT (SELECT listed FROM timetrackr.user_totals WHERE user_id = :bob) AS totals,
    (SELECT bool_or(listed) FROM timetrackr.scores WHERE user_id = :bob) AS scores;
SELECT topic FROM timetrackr.outbox WHERE id > :mark ORDER BY topic;
SELECT listed, rank IS NOT NULL AS ranked FROM timetrackr.update_me(:bob, listed => true);
SELECT (SELECT listed FROM timetrackr.user_totals WHERE user_id = :bob) AS totals,
    (SELECT bool_and(listed) FROM timetrackr.scores WHERE user_id = :bob) AS scores;

-- A deleted account is gone from boards and caches.
SELECT COALESCE(max(id), 0) AS mark FROM timetrackr.outbox \gset
DELETE FROM timetrackr.time_entries WHERE user_id = :bob;
DELETE FROM timetrackr.users WHERE id = :bob;
SELECT DISTINCT topic FROM timetrackr.outbox
WHERE id > :mark AND payload = jsonb_build_object('user_id', :bob) ORDER BY 1;
SELECT timetrackr.user_exists(:ann) AS ann, timetrackr.user_exists(:bob) AS bob, timetrackr.user_exists(NULL) AS nobody;
SELECT * FROM timetrackr.verify();
