-- Requests that have their effect once (see idempotency.c). Around a call of
-- f() a client, or the proxy for him, puts
--
--     SELECT
--         CASE
--             WHEN o.is_new THEN timetrackr.remember(viewer, key, fingerprint, 201, (
--                 SELECT timetrackr.json(r) FROM (SELECT * FROM timetrackr.f(…)) r))
--             ELSE o.body
--         END
--     FROM timetrackr.once(viewer, key, fingerprint) o
--
-- CASE runs only the branch it takes, and all of it is one transaction.

CREATE FUNCTION timetrackr.create_idempotency_table()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    CREATE TABLE IF NOT EXISTS timetrackr.idempotency_keys (
        user_id bigint NOT NULL REFERENCES timetrackr.users (id) ON DELETE CASCADE,
        key text NOT NULL,
        fingerprint text NOT NULL,
        status integer NOT NULL,
        body text,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (user_id, key)
    );
    CREATE INDEX IF NOT EXISTS idempotency_keys_created ON timetrackr.idempotency_keys (created_at);
END
$$;
COMMENT ON FUNCTION timetrackr.create_idempotency_table() IS
'Part of install(): the answers to requests that had an Idempotency-Key, for a day.';

CREATE FUNCTION timetrackr.once(
    viewer_id bigint,
    key text,
    fingerprint text,
    OUT is_new boolean,
    OUT status integer,
    OUT body text
)
LANGUAGE c
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_once';
COMMENT ON FUNCTION timetrackr.once(bigint, text, text) IS
'Has the viewer sent the request with this key (1 to 255 bytes) before? is_new: no, or not within 24 hours; until the transaction ends it is his alone, and remember() belongs into it. Else status and body are what was remembered. fingerprint is whatever tells requests apart. Errors: 400 invalid_idempotency_key; 401 invalid_token; 409 request_in_flight while another transaction works under the key; 422 missing_field, idempotency_key_reused when the fingerprint is another one.';

CREATE FUNCTION timetrackr.remember(
    viewer_id bigint,
    key text,
    fingerprint text,
    status integer,
    body text
)
RETURNS text
LANGUAGE c
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_remember';
COMMENT ON FUNCTION timetrackr.remember(bigint, text, text, integer, text) IS
'Keeps the answer to a request for which once() said is_new, in the same transaction, and returns its body. Errors: 400 invalid_idempotency_key; 401 invalid_token; 409 request_in_flight when there is one already; 422 missing_field.';

CREATE FUNCTION timetrackr.prune_idempotency_keys(bite integer)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET jit = off
AS $$
DECLARE
    pruned bigint;
BEGIN
    -- One that is just being used anew goes another time, if at all.
    SELECT count(*) INTO pruned
    FROM timetrackr.at_each_home($statement$
        DELETE FROM timetrackr.idempotency_keys d
        WHERE d.ctid = ANY (ARRAY(
            SELECT k.ctid
            FROM timetrackr.idempotency_keys k
            WHERE k.created_at <= now() - interval '24 hours'
            ORDER BY k.created_at
            LIMIT $1::integer
            FOR UPDATE SKIP LOCKED))
        RETURNING true
    $statement$, ARRAY[bite::text]) AS r (pruned boolean);
    RETURN pruned >= bite;
END
$$;
COMMENT ON FUNCTION timetrackr.prune_idempotency_keys(integer) IS
'Part of finish_events(): drops answers that are kept no more, at most bite of them, or of each shard. True when there may be more.';
