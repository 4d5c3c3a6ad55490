-- What the sender does besides claiming and finishing: begin, wait, tidy up. And how it does.

CREATE FUNCTION timetrackr.begin_outbound()
RETURNS void
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    hook record;
BEGIN
    FOR hook IN
        SELECT w.user_id, w.id
        FROM timetrackr.at_each_home($statement$
            UPDATE timetrackr.webhooks w
            SET sending = false
            WHERE w.sending
            RETURNING w.user_id, w.id
        $statement$) AS w (user_id bigint, id bigint)
    LOOP
        PERFORM timetrackr.schedule_webhook(hook.user_id, hook.id);
    END LOOP;
    PERFORM
    FROM timetrackr.at_each_home($statement$
        UPDATE timetrackr.mails m
        SET status = 'pending',
            run_at = now()
        WHERE m.status = 'sending'
    $statement$) AS r (nothing text);
END
$$;
COMMENT ON FUNCTION timetrackr.begin_outbound() IS
'A sender begins: what the one before had claimed and not finished is due at once. It may have been sent: with the same webhook-id or Message-ID as now.';

CREATE FUNCTION timetrackr.outbound_wait(mails boolean)
RETURNS bigint
LANGUAGE sql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET jit = off
AS $$
    SELECT (extract(epoch FROM least(
        (
            SELECT min(h.due_at)
            FROM timetrackr.at_each_home($statement$
                SELECT least(
                    (
                        SELECT w.due_at
                        FROM timetrackr.webhooks w
                        WHERE w.due_at IS NOT NULL
                            AND w.enabled
                        ORDER BY w.due_at
                        LIMIT 1
                    ),
                    (
                        SELECT now()
                        FROM timetrackr.webhook_deliveries d
                        WHERE d.status = 'new'
                        LIMIT 1
                    ),
                    (
                        SELECT m.run_at
                        FROM timetrackr.mails m
                        WHERE m.status IN ('pending', 'sending')
                            AND NOT m.urgent
                            AND $1::boolean
                        ORDER BY m.run_at
                        LIMIT 1
                    ),
                    (
                        SELECT m.run_at
                        FROM timetrackr.mails m
                        WHERE m.status IN ('pending', 'sending')
                            AND m.urgent
                            AND $1::boolean
                        ORDER BY m.run_at
                        LIMIT 1
                    ))
            $statement$, ARRAY[outbound_wait.mails::text]) AS h (due_at timestamptz)
        ),
        (
            SELECT now()
            FROM timetrackr.password_reset_requests r
            WHERE outbound_wait.mails
            LIMIT 1
        ),
        -- Nobody wakes the sender.
        CASE WHEN current_setting('timetrackr.notify', true) = 'off' THEN clock_timestamp() + interval '1 s' END
    ) - clock_timestamp()) * 1000)::bigint
$$;
COMMENT ON FUNCTION timetrackr.outbound_wait(boolean) IS
'In how many ms something is to be sent, be it to webhooks or, when mails is true, by mail, or is to be looked for as timetrackr.notify is off; negative: it is late; null: nothing waits.';

CREATE FUNCTION timetrackr.tidy_outbound(bite integer DEFAULT 1000)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    more boolean := timetrackr.prune_deliveries(bite);
    pruned bigint;
BEGIN
    SELECT count(*) INTO pruned
    FROM timetrackr.at_each_home($statement$
        DELETE FROM timetrackr.mails m
        WHERE m.ctid = ANY (ARRAY(
            SELECT o.ctid
            FROM timetrackr.mails o
            WHERE o.created_at < now() - interval '14 days'
            ORDER BY o.created_at
            LIMIT $1::bigint
            FOR UPDATE SKIP LOCKED))
        RETURNING true
    $statement$, ARRAY[greatest(bite, 0)::text]) AS r (pruned boolean);
    more := more OR pruned >= bite;
    PERFORM
    FROM timetrackr.at_each_home($statement$
        DELETE FROM timetrackr.password_resets r
        WHERE r.expires_at < now()
    $statement$) AS r (nothing text);
    DELETE FROM timetrackr.password_reset_requests r
    WHERE r.requested_at < now() - interval '1 hour';
    RETURN more;
END
$$;
COMMENT ON FUNCTION timetrackr.tidy_outbound(integer) IS
'Drops deliveries and mails that are older than 14 days, at most bite of each, or of each shard, and what is left of password resets. True when there may be more.';

CREATE FUNCTION timetrackr.outbound_status(mails boolean)
RETURNS TABLE (
    deliveries_waiting bigint,
    deliveries_late_ms bigint,
    webhooks_failing bigint,
    webhooks_disabled bigint,
    mails_waiting bigint,
    mails_late_ms bigint
)
LANGUAGE sql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET jit = off
AS $$
    SELECT
        COALESCE(sum(h.deliveries), 0)::bigint,
        greatest(0, COALESCE((extract(epoch FROM clock_timestamp() - min(h.late_delivery)) * 1000)::bigint, 0)),
        COALESCE(sum(h.failing), 0)::bigint,
        COALESCE(sum(h.disabled), 0)::bigint,
        COALESCE(sum(h.mails), 0)::bigint,
        greatest(0, COALESCE((extract(epoch FROM clock_timestamp() - min(h.late_mail)) * 1000)::bigint, 0))
    FROM timetrackr.at_each_home($statement$
        WITH new AS MATERIALIZED (
            SELECT d.created_at
            FROM timetrackr.webhook_deliveries d
            WHERE d.status = 'new'
            LIMIT 50000
        ), pending AS MATERIALIZED (
            SELECT 1
            FROM timetrackr.webhook_deliveries d
            JOIN timetrackr.webhooks w ON w.user_id = d.user_id AND w.id = d.webhook_id
            WHERE d.status = 'pending'
                AND w.enabled
            LIMIT 50000
        ), mail AS MATERIALIZED (
            SELECT m.run_at
            FROM timetrackr.mails m
            WHERE m.status IN ('pending', 'sending')
                AND $1::boolean
            LIMIT 50000
        )
        SELECT
            (SELECT count(*) FROM new) + (SELECT count(*) FROM pending),
            least(
                (SELECT min(n.created_at) FROM new n),
                (
                    SELECT w.due_at
                    FROM timetrackr.webhooks w
                    WHERE w.due_at IS NOT NULL
                        AND w.enabled
                    ORDER BY w.due_at
                    LIMIT 1
                )),
            (
                SELECT count(*)
                FROM timetrackr.webhooks w
                WHERE (w.failing_since IS NOT NULL OR w.disabled_reason IS NOT NULL)
                    AND w.enabled
            ),
            (
                SELECT count(*)
                FROM timetrackr.webhooks w
                WHERE (w.failing_since IS NOT NULL OR w.disabled_reason IS NOT NULL)
                    AND NOT w.enabled
                    AND w.disabled_reason IS NOT NULL
            ),
            (SELECT count(*) FROM mail),
            (SELECT min(m.run_at) FROM mail m)
    $statement$, ARRAY[outbound_status.mails::text]) AS h (
        deliveries bigint, late_delivery timestamptz, failing bigint, disabled bigint, mails bigint, late_mail timestamptz)
$$;
COMMENT ON FUNCTION timetrackr.outbound_status(boolean) IS
'How sending goes on this node: deliveries and, when mails is true, mails that wait, those that are tried again later included, each counted up to 50000, or so many in each shard (deliveries: as many of those that are new, too); for how many ms the one that is due the longest has been left alone, which is a moment unless nobody sends; webhooks that fail, and those that were disabled for it.';
