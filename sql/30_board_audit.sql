-- What the relay needs to tell a difference between Redis and SQL from an event
-- that is still on its way. The comparison is the proxy's business (audit.c).

CREATE FUNCTION timetrackr.settled_users(user_ids bigint[])
RETURNS bigint[]
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    -- A long outbox is not worth reading: then nobody counts as settled.
    WITH waiting AS MATERIALIZED (
        SELECT o.payload ->> 'user_id' AS user_id
        FROM timetrackr.outbox o
        LIMIT 10001
    )
    SELECT COALESCE(array_agg(i.user_id), '{}')
    FROM unnest(settled_users.user_ids) i (user_id)
    WHERE (SELECT count(*) FROM waiting) <= 10000
        AND NOT EXISTS (
            SELECT
            FROM waiting w
            WHERE w.user_id = i.user_id::text)
$$;
COMMENT ON FUNCTION timetrackr.settled_users(bigint[]) IS
'Those of user_ids for whom no event waits in the outbox: if Redis and SQL do not agree about them, Redis is wrong. Empty while more than 10000 events wait.';
