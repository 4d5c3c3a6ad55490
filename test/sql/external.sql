-- Users of an identity provider: accounts at first sight, links, and deletion.
SET timezone = 'UTC';
SET timetrackr.bcrypt_cost = 4;

-- At first sight an account is made, later it is found.
SELECT timetrackr.external_user('https://id.example.org', 'ext-ada', now(), ' Ext Ada ', 'Ext-Ada@example.org') AS ada \gset
SELECT username, email, role, password_hash, external_id FROM timetrackr.users WHERE id = :ada;
SELECT seconds FROM timetrackr.user_totals WHERE user_id = :ada;
SELECT timetrackr.external_user('https://id.example.org', 'ext-ada', now(), 'other name', 'other@example.org') = :ada AS same;
SELECT timetrackr.external_user('https://id2.example.org', 'ext-ada', now()) <> :ada AS other_issuer;

-- No account is taken over by its email, none of its name is needed.
SELECT user_id AS bob FROM timetrackr.signup('ext-bob@example.org', 'correct horse', 'Ext Bob') \gset
SELECT timetrackr.external_user('https://id.example.org', 'ext-bob', now(), 'ext bob', 'EXT-BOB@example.org') AS stranger \gset
SELECT :stranger <> :bob AS other_user, username ~ '^ext bob-[0-9a-f]{8}$' AS name_with_suffix,
    email ~ '^[0-9a-f]{32}@external\.invalid$' AS email_of_nobody
FROM timetrackr.users WHERE id = :stranger;
SELECT email, username FROM timetrackr.users WHERE id = :bob;

-- What can't be used is replaced.
SELECT count(DISTINCT timetrackr.external_user('https://id.example.org', 'ext-' || i, now(), v.username, v.email)) AS users
FROM (
    VALUES (1, NULL, NULL), (2, '', ''), (3, '   ', 'a@b'), (4, E'a\nb', 'no email'), (5, repeat('ü', 80), repeat('a', 65) || '@example.org'),
        (6, repeat('ü', 80), NULL)
) v (i, username, email);
SELECT external_id, length(username), username ~ '^user-[0-9a-f]{8}$' AS made_up, email ~ '@external\.invalid$' AS no_email
FROM timetrackr.users
WHERE external_id ~ 'ext-[0-9]$'
ORDER BY external_id;

-- Issuer and subject must be given and plain.
SELECT i, test.refusal(format('SELECT timetrackr.external_user(%L, %L, now())', issuer, subject))
FROM (
    VALUES (1, NULL, 'x'), (2, 'x', NULL), (3, '', 'x'), (4, 'x', ''), (5, 'a b', 'x'), (6, E'a\n', 'x'), (7, 'x', E'a\tb'),
        (8, repeat('x', 501), 'x'), (9, 'x', repeat('x', 256))
) v (i, issuer, subject)
ORDER BY i;
SELECT test.refusal($$SELECT timetrackr.external_user('x', 'x', NULL)$$);

-- Linking: the operator says whose account it is.
SELECT timetrackr.link_external_id(:bob, 'https://id.example.org', 'ext-linked');
SELECT timetrackr.external_user('https://id.example.org', 'ext-linked', now()) = :bob AS linked;
SELECT test.refusal(format('SELECT timetrackr.link_external_id(%s, %L, %L)', :ada, 'https://id.example.org', 'ext-linked')) AS taken,
    test.refusal(format('SELECT timetrackr.link_external_id(%s, %L, NULL)', :ada, 'https://id.example.org')) AS half,
    test.refusal('SELECT timetrackr.link_external_id(-1, NULL, NULL)') AS nobody,
    test.refusal('SELECT timetrackr.link_external_id(NULL, NULL, NULL)') AS nothing;
SELECT timetrackr.link_external_id(:bob, NULL, NULL);
SELECT external_id IS NULL AS unlinked FROM timetrackr.users WHERE id = :bob;
SELECT count(*) AS told FROM timetrackr.outbox
WHERE topic = 'profile_changed' AND payload @> jsonb_build_object('user_id', :bob);

-- A deleted account stays deleted, until somebody signs in anew.
DELETE FROM timetrackr.users WHERE id = :ada;
SELECT test.refusal($$SELECT timetrackr.external_user('https://id.example.org', 'ext-ada', now() - interval '1 hour')$$) AS before,
    test.refusal($$SELECT timetrackr.external_user('https://id.example.org', 'ext-ada', now())$$) AS now;
SELECT octet_length(external_sha256) AS bytes, erased_at <= now() AS past FROM timetrackr.erased_identities
WHERE external_sha256 = sha256('https://id.example.org ext-ada');
SELECT timetrackr.external_user('https://id.example.org', 'ext-ada', now() + interval '31 seconds') <> :ada AS somebody_new;
SELECT count(*) AS others FROM timetrackr.erased_identities WHERE external_sha256 = sha256('');

-- Who may: the proxy finds users, nobody but the operator links.
SELECT f, has_function_privilege('public', f, 'EXECUTE') AS everybody
FROM unnest(ARRAY['timetrackr.external_user(text, text, timestamptz, text, text)', 'timetrackr.link_external_id(bigint, text, text)']) f;
CREATE ROLE external_proxy;
SELECT timetrackr.grant_api('external_proxy');
SELECT f, has_function_privilege('external_proxy', f, 'EXECUTE') AS proxy
FROM unnest(ARRAY['timetrackr.external_user(text, text, timestamptz, text, text)', 'timetrackr.link_external_id(bigint, text, text)']) f;
SELECT has_table_privilege('external_proxy', 'timetrackr.erased_identities', 'SELECT') AS erased,
    has_column_privilege('external_proxy', 'timetrackr.users', 'external_id', 'SELECT') AS external_id;
DROP OWNED BY external_proxy;
DROP ROLE external_proxy;

DELETE FROM timetrackr.users WHERE external_id IS NOT NULL OR id = :bob;
SELECT * FROM timetrackr.verify();
