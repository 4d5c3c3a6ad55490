-- Requests with a key: once() and remember() around the work.
SET timezone = 'UTC';
SELECT test.new_user('once-ann') AS ann, test.new_user('once-bob') AS bob \gset

-- A project made the way the proxy does it. New or not, and whose: by its name.
CREATE FUNCTION test.make_once(viewer bigint, key text, name text, fingerprint text DEFAULT NULL)
RETURNS TABLE (is_new boolean, status integer, made text)
LANGUAGE sql
AS $$
    SELECT
        o.is_new,
        o.status,
        (
            SELECT p.name
            FROM timetrackr.projects p
            WHERE p.id = (a.body::json ->> 'project_id')::bigint
        )
    FROM timetrackr.once(make_once.viewer, make_once.key, COALESCE(make_once.fingerprint, make_once.name)) o
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN o.is_new THEN timetrackr.remember(make_once.viewer, make_once.key,
                COALESCE(make_once.fingerprint, make_once.name), 201,
                (SELECT timetrackr.json(r) FROM (SELECT * FROM timetrackr.create_project(make_once.viewer, make_once.name)) r))
            ELSE o.body
        END AS body
        OFFSET 0
    ) a
$$;
CREATE FUNCTION test.made(viewer bigint)
RETURNS text
LANGUAGE sql
AS $$
    SELECT string_agg(p.name, ', ' ORDER BY p.id)
    FROM timetrackr.projects p
    WHERE p.owner_id = viewer
$$;

-- The second time nothing is done, and the first answer is given.
SELECT * FROM test.make_once(:ann, 'one', 'Garden');
SELECT * FROM test.make_once(:ann, 'one', 'Garden');
SELECT * FROM test.make_once(:ann, 'one', 'Garden');
SELECT test.made(:ann) AS anns;
-- Another key is another request, and so is another user's key of the same name.
SELECT * FROM test.make_once(:ann, 'two', 'Garden');
SELECT * FROM test.make_once(:ann, 'ONE', 'Shed');
SELECT * FROM test.make_once(:bob, 'one', 'Bobs garden');
SELECT test.made(:ann) AS anns, test.made(:bob) AS bobs;
-- The key for something else.
SELECT test.refusal(format('SELECT * FROM test.make_once(%s, ''one'', ''Pond'')', :ann)) AS another_request;
SELECT test.made(:ann) AS anns;

-- What was refused was not done, so it is not remembered.
SELECT test.refusal(format('SELECT * FROM test.make_once(%s, ''three'', '''', ''f'')', :ann)) AS no_name;
SELECT * FROM test.make_once(:ann, 'three', 'Pond', 'f');

-- An answer without a body.
SELECT timetrackr.remember(:ann, 'void', 'f', 204, NULL) IS NULL AS nothing FROM timetrackr.once(:ann, 'void', 'f');
SELECT * FROM timetrackr.once(:ann, 'void', 'f');
-- Nobody overwrites what is kept.
SELECT test.refusal(format('SELECT timetrackr.remember(%s, ''void'', ''f'', 204, NULL)', :ann)) AS kept;

-- A day later the key is free, though the row may still be there.
UPDATE timetrackr.idempotency_keys SET created_at = now() - interval '23:59' WHERE user_id = :ann AND key = 'one';
SELECT * FROM test.make_once(:ann, 'one', 'Garden');
UPDATE timetrackr.idempotency_keys SET created_at = now() - interval '24 hours' WHERE user_id = :ann AND key = 'one';
SELECT * FROM test.make_once(:ann, 'one', 'Pond');
SELECT * FROM test.make_once(:ann, 'one', 'Pond');
SELECT count(*) AS rows, max(created_at) > now() - interval '1 hour' AS new FROM timetrackr.idempotency_keys WHERE user_id = :ann AND key = 'one';

-- Keys that are none, and calls that lack something.
SELECT test.refusal(format('SELECT * FROM timetrackr.once(%s, %L, ''f'')', u.id, k.key)) AS key,
    test.refusal(format('SELECT timetrackr.remember(%s, %L, ''f'', 200, NULL)', u.id, k.key)) AS remembered
FROM (SELECT :ann AS id) u
CROSS JOIN (VALUES (NULL), (''), (repeat('x', 256))) k (key);
SELECT is_new FROM timetrackr.once(:ann, repeat('x', 255), 'f');
SELECT test.refusal('SELECT * FROM timetrackr.once(NULL, ''k'', ''f'')') AS viewer,
    test.refusal(format('SELECT * FROM timetrackr.once(%s, ''k'', NULL)', :ann)) AS fingerprint,
    test.refusal(format('SELECT timetrackr.remember(%s, ''k'', ''f'', NULL, NULL)', :ann)) AS status,
    test.refusal('SELECT timetrackr.remember(0, ''k'', ''f'', 200, NULL)') AS nobody;

-- Pruning: only what is old, and not much at once.
DELETE FROM timetrackr.idempotency_keys;
INSERT INTO timetrackr.idempotency_keys (user_id, key, fingerprint, status, created_at)
SELECT :ann, 'old ' || i, 'f', 204, now() - interval '25 hours' FROM generate_series(1, 25) i
UNION ALL
SELECT :bob, 'new ' || i, 'f', 204, now() - interval '23 hours' FROM generate_series(1, 3) i;
SELECT timetrackr.prune_idempotency_keys(10) AS more, timetrackr.prune_idempotency_keys(10) AS more,
    timetrackr.prune_idempotency_keys(10) AS more, timetrackr.prune_idempotency_keys(10) AS more;
SELECT user_id = :bob AS bobs, count(*) FROM timetrackr.idempotency_keys GROUP BY 1;
-- The relay does it.
UPDATE timetrackr.idempotency_keys SET created_at = now() - interval '25 hours' WHERE key <> 'new 3';
SELECT timetrackr.finish_events('{}', r.position, r.position) AS more FROM timetrackr.relay r;
SELECT key FROM timetrackr.idempotency_keys;

-- They go with the account.
DELETE FROM timetrackr.users WHERE id IN (:ann, :bob);
SELECT count(*) AS keys FROM timetrackr.idempotency_keys;
