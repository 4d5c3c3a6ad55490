-- Delivering to webhooks: the relay writes a row for each event and webhook, in the
-- transaction that moves the event into the stream; the sender (a proxy, the one whose
-- relay leads) claims them, one request a webhook at a time, and says what became of each.
--
-- Nobody waits here for a row that somebody else has locked: it is looked at again soon.

CREATE FUNCTION timetrackr.enqueue_deliveries(after_id bigint)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET jit = off
AS $$
BEGIN
    -- A webhook that cannot be shared is being deleted: nobody else locks its key. The locks keep the lookups what
    -- they are: one for each event, in an index.
    PERFORM
    FROM timetrackr.at_each_home($statement$
        INSERT INTO timetrackr.webhook_deliveries (user_id, webhook_id, message_id, topic, project_id, payload)
        SELECT h.user_id, h.webhook_id, 'evt_' || h.event_id, h.topic, h.project_id, h.payload
        FROM (
            SELECT w.user_id, w.id AS webhook_id, w.topics, s.id AS event_id, s.topic, NULL::bigint AS project_id, s.payload
            FROM timetrackr.stream s
            CROSS JOIN LATERAL (
                SELECT o.user_id, o.id, o.topics
                FROM timetrackr.webhooks o
                WHERE o.user_id = s.user_id
                    AND o.enabled
                    AND o.created_at <= s.happened_at
                FOR KEY SHARE SKIP LOCKED
            ) w
            WHERE s.id > $1::bigint
                AND NOT s.for_all
                AND s.origin IS NULL
            UNION ALL
            SELECT w.user_id, w.id, w.topics, s.id, s.topic, s.project_id, s.payload
            FROM timetrackr.stream s
            CROSS JOIN LATERAL (
                SELECT o.user_id, o.id, o.topics
                FROM timetrackr.webhooks o
                WHERE o.project_ids @> ARRAY[s.project_id]
                    AND o.enabled
                    AND o.project_ids <> '{}'
                    AND o.created_at <= s.happened_at
                FOR KEY SHARE SKIP LOCKED
            ) w
            WHERE s.id > $1::bigint
                AND NOT s.for_all
                AND s.project_id IS NOT NULL
                AND s.user_id IS DISTINCT FROM w.user_id
        ) h
        WHERE h.topic = ANY (COALESCE(h.topics, enum_range(NULL::timetrackr.webhook_topic)::text[]))
            AND (h.project_id IS NULL OR timetrackr.project_visible(h.user_id, h.project_id))
            AND EXISTS (SELECT FROM timetrackr.webhooks w WHERE w.enabled)
        ORDER BY h.event_id
        RETURNING true
    $statement$, ARRAY[after_id::text]) AS r (is_new boolean);
    IF FOUND THEN
        PERFORM pg_notify('timetrackr_outbound', '');
    END IF;
END
$$;
COMMENT ON FUNCTION timetrackr.enqueue_deliveries(bigint) IS
'Part of finish_events(): a delivery for each webhook that hears of an event of the stream after after_id: its owner''s own, and those of a project that it names and its owner may see, but nothing that happened before it was made. Events of other nodes are told of by those to their users. Wakes the sender.';

CREATE FUNCTION timetrackr.schedule_webhook(user_id bigint, webhook_id bigint)
RETURNS void
LANGUAGE sql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
    FROM timetrackr.at_home(schedule_webhook.user_id, $statement$
        UPDATE timetrackr.webhooks w
        SET due_at = CASE
            WHEN w.sending THEN w.due_at
            WHEN w.enabled THEN (
                SELECT greatest(d.run_at, w.paused_until)
                FROM timetrackr.webhook_deliveries d
                WHERE d.user_id = w.user_id
                    AND d.webhook_id = w.id
                    AND d.status = 'pending'
                ORDER BY d.run_at
                LIMIT 1
            )
        END
        WHERE w.user_id = $1::bigint
            AND w.id = $2::bigint
    $statement$, ARRAY[schedule_webhook.user_id::text, schedule_webhook.webhook_id::text]) AS r (nothing text)
$$;
COMMENT ON FUNCTION timetrackr.schedule_webhook(bigint, bigint) IS
'Sets when the sender looks at a webhook next: when its next delivery is due, after its pause; never while it is disabled.';

CREATE FUNCTION timetrackr.absorb_deliveries()
RETURNS void
LANGUAGE sql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
    SELECT
    FROM timetrackr.at_each_home($statement$
        WITH hooks AS MATERIALIZED (
            SELECT w.user_id, w.id
            FROM timetrackr.webhooks w
            WHERE (w.user_id, w.id) IN (
                SELECT d.user_id, d.webhook_id
                FROM timetrackr.webhook_deliveries d
                WHERE d.status = 'new'
            )
            FOR NO KEY UPDATE SKIP LOCKED
        ), seen AS (
            UPDATE timetrackr.webhook_deliveries d
            SET status = 'pending'
            FROM hooks h
            WHERE d.user_id = h.user_id
                AND d.webhook_id = h.id
                AND d.status = 'new'
            RETURNING d.user_id, d.webhook_id, d.run_at
        ), next AS (
            SELECT s.user_id, s.webhook_id, min(s.run_at) AS run_at
            FROM seen s
            GROUP BY s.user_id, s.webhook_id
        )
        UPDATE timetrackr.webhooks w
        SET due_at = least(w.due_at, greatest(n.run_at, w.paused_until))
        FROM next n
        WHERE w.user_id = n.user_id
            AND w.id = n.webhook_id
            AND w.enabled
            AND NOT w.sending
    $statement$) AS r (nothing text)
$$;
COMMENT ON FUNCTION timetrackr.absorb_deliveries() IS
'Part of claim_deliveries(): takes new deliveries into the plans of their webhooks.';

CREATE FUNCTION timetrackr.next_delivery(user_id bigint, webhook_id bigint)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    waiting record;
BEGIN
    LOOP
        SELECT d.id, d.project_id INTO waiting
        FROM timetrackr.webhook_deliveries d
        WHERE d.user_id = next_delivery.user_id
            AND d.webhook_id = next_delivery.webhook_id
            AND d.status = 'pending'
            AND d.run_at <= now()
        ORDER BY d.run_at, d.id
        LIMIT 1
        FOR UPDATE;
        IF NOT FOUND OR waiting.project_id IS NULL
            OR timetrackr.project_visible(next_delivery.user_id, waiting.project_id)
        THEN
            RETURN waiting.id;
        END IF;
        UPDATE timetrackr.webhook_deliveries d
        SET status = 'failed',
            last_status = NULL,
            last_error = 'the project may not be seen any more'
        WHERE d.user_id = next_delivery.user_id
            AND d.id = waiting.id;
    END LOOP;
END
$$;
COMMENT ON FUNCTION timetrackr.next_delivery(bigint, bigint) IS
'Part of claim_deliveries(): the id of the delivery of a webhook that is due, the one that waits longest; null when there is none. What its owner may not be told any more fails.';

CREATE FUNCTION timetrackr.claim_deliveries(max_deliveries integer)
RETURNS TABLE (
    user_id bigint,
    delivery_id bigint,
    url text,
    message_id text,
    sent_at bigint,
    signature text,
    body text
)
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
    hook record;
    delivery timetrackr.webhook_deliveries;
    next_id bigint;
BEGIN
    PERFORM timetrackr.absorb_deliveries();
    FOR hook IN
        SELECT w.*
        FROM timetrackr.at_each_home($statement$
            SELECT w.user_id, w.id, w.url, w.secret, w.previous_secret, w.previous_until, w.due_at
            FROM timetrackr.webhooks w
            WHERE w.due_at <= now()
                AND w.enabled
            ORDER BY w.due_at
            LIMIT $1::bigint
            FOR NO KEY UPDATE SKIP LOCKED
        $statement$, ARRAY[greatest(max_deliveries, 0)::text]) AS w (
            user_id bigint, id bigint, url text, secret bytea, previous_secret bytea, previous_until timestamptz,
            due_at timestamptz)
        ORDER BY w.due_at
        LIMIT greatest(max_deliveries, 0)
    LOOP
        next_id := timetrackr.next_delivery(hook.user_id, hook.id);
        UPDATE timetrackr.webhooks w
        SET sending = next_id IS NOT NULL,
            due_at = now() + interval '60 s'
        WHERE w.user_id = hook.user_id
            AND w.id = hook.id;
        IF next_id IS NULL THEN
            PERFORM timetrackr.schedule_webhook(hook.user_id, hook.id);
            CONTINUE;
        END IF;
        UPDATE timetrackr.webhook_deliveries d
        SET attempts = d.attempts + 1
        WHERE d.user_id = hook.user_id
            AND d.id = next_id
        RETURNING d.* INTO delivery;
        user_id := delivery.user_id;
        delivery_id := delivery.id;
        url := hook.url;
        message_id := delivery.message_id;
        sent_at := extract(epoch FROM clock_timestamp())::bigint;
        body := timetrackr.webhook_body(delivery.topic, delivery.created_at, delivery.payload);
        signature := timetrackr.webhook_signature(
            hook.secret,
            CASE WHEN hook.previous_until > now() THEN hook.previous_secret END,
            format('%s.%s.%s', message_id, sent_at, body));
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION timetrackr.claim_deliveries(integer) IS
'What is to be sent now to at most max_deliveries webhooks, one each: body to url, with the headers webhook-id (message_id), webhook-timestamp (sent_at) and webhook-signature (signature). finish_delivery() is to follow within 60 seconds; after that it is claimed again.';

CREATE FUNCTION timetrackr.webhook_body(topic text, created_at timestamptz, payload jsonb)
RETURNS text
LANGUAGE sql
STABLE
AS $$
    SELECT format(
        '{"type": %s, "timestamp": "%s", "data": %s}',
        to_json(webhook_body.topic),
        to_char(webhook_body.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        webhook_body.payload)
$$;
COMMENT ON FUNCTION timetrackr.webhook_body(text, timestamptz, jsonb) IS
'What is posted to a webhook: type, timestamp and data as JSON, the same bytes for every attempt.';

CREATE FUNCTION timetrackr.webhook_signature(secret bytea, previous_secret bytea, content text)
RETURNS text
LANGUAGE C
IMMUTABLE
AS 'MODULE_PATHNAME', 'tt_webhook_signature';
COMMENT ON FUNCTION timetrackr.webhook_signature(bytea, bytea, text) IS
'The header webhook-signature of Standard Webhooks for content (id.timestamp.body): v1, and HMAC-SHA256 in base64, for the secret and, behind a space, for the previous one if it is not null.';

CREATE FUNCTION timetrackr.disable_webhook(user_id bigint, webhook_id bigint, reason text)
RETURNS void
LANGUAGE sql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
    FROM timetrackr.at_home(disable_webhook.user_id, $statement$
        WITH disabled AS (
            UPDATE timetrackr.webhooks w
            SET enabled = false,
                disabled_reason = $3::text,
                updated_at = now()
            WHERE w.user_id = $1::bigint
                AND w.id = $2::bigint
                AND w.enabled
            RETURNING w.user_id, w.id, w.url
        )
        INSERT INTO timetrackr.notifications (user_id, kind, payload)
        SELECT d.user_id, 'webhook_disabled',
            jsonb_build_object('webhook_id', d.id, 'url', d.url, 'reason', $3::text)
        FROM disabled d
    $statement$, ARRAY[disable_webhook.user_id::text, disable_webhook.webhook_id::text, disable_webhook.reason])
        AS r (nothing text)
$$;
COMMENT ON FUNCTION timetrackr.disable_webhook(bigint, bigint, text) IS
'Part of finish_delivery(): disables a webhook for a reason (see webhook()), and tells its owner.';

CREATE FUNCTION timetrackr.webhook_retry_delay(attempts integer)
RETURNS interval
LANGUAGE sql
VOLATILE
AS $$
    SELECT make_interval(secs =>
        ('{5,300,1800,7200,18000,36000,50400,72000,86400}'::integer[])[webhook_retry_delay.attempts]
        * (0.9 + random() * 0.2))
$$;
COMMENT ON FUNCTION timetrackr.webhook_retry_delay(integer) IS
'How long after so many failed attempts a delivery is tried again: 5 s, 5 and 30 minutes, 2, 5, 10, 14, 20 and 24 hours, give or take a tenth; null: not any more.';

CREATE FUNCTION timetrackr.finish_delivery(
    user_id bigint,
    delivery_id bigint,
    status integer,
    reason text,
    retry_after integer
)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    good CONSTANT boolean := COALESCE(finish_delivery.status BETWEEN 200 AND 299, false);
    asked CONSTANT interval := make_interval(secs => least(COALESCE(finish_delivery.retry_after, 0), 86400));
    failing_since timestamptz;
    delivery timetrackr.webhook_deliveries;
    why text;
BEGIN
    -- The user first, as when an account is deleted: a notification refers to him.
    PERFORM
    FROM timetrackr.at_home(finish_delivery.user_id, $statement$
        SELECT NULL
        FROM timetrackr.users u
        WHERE u.id = $1::bigint
        FOR KEY SHARE
    $statement$, ARRAY[finish_delivery.user_id::text]) AS r (nothing text);
    SELECT d.* INTO delivery
    FROM timetrackr.webhook_deliveries d
    WHERE d.user_id = finish_delivery.user_id
        AND d.id = finish_delivery.delivery_id;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT h.failing_since INTO failing_since
    FROM timetrackr.at_home(delivery.user_id, $statement$
        UPDATE timetrackr.webhooks w
        SET sending = false,
            failures = CASE WHEN $3::boolean THEN 0 ELSE w.failures + 1 END,
            failing_since = CASE WHEN NOT $3::boolean THEN COALESCE(w.failing_since, now()) END,
            paused_until = CASE WHEN NOT $3::boolean THEN
                now() + greatest($4::interval, least(interval '5 minutes',
                    interval '5 s' * power(2, least(w.failures, 10))) * (0.9 + random() * 0.2)) END
        WHERE w.user_id = $1::bigint
            AND w.id = $2::bigint
        RETURNING w.failing_since
    $statement$, ARRAY[delivery.user_id::text, delivery.webhook_id::text, good::text, asked::text])
        AS h (failing_since timestamptz);
    PERFORM
    FROM timetrackr.at_home(delivery.user_id, $statement$
        UPDATE timetrackr.webhook_deliveries d
        SET status = CASE
                WHEN $3::boolean THEN 'delivered'
                WHEN d.attempts > 9 THEN 'failed'
                ELSE 'pending'
            END,
            run_at = CASE WHEN $3::boolean OR d.attempts > 9 THEN d.run_at
                ELSE now() + greatest($4::interval, timetrackr.webhook_retry_delay(d.attempts)) END,
            last_status = nullif($5::integer, 0),
            last_error = CASE WHEN NOT $3::boolean THEN left($6::text, 300) END,
            delivered_at = CASE WHEN $3::boolean THEN now() END
        WHERE d.user_id = $1::bigint
            AND d.id = $2::bigint
    $statement$, ARRAY[delivery.user_id::text, delivery.id::text, good::text, asked::text, finish_delivery.status::text,
        COALESCE(finish_delivery.reason, format('the answer was %s', finish_delivery.status))]) AS r (nothing text);
    why := CASE
        WHEN finish_delivery.status = 410 THEN 'gone'
        WHEN failing_since < now() - interval '5 days' THEN 'failing'
        WHEN (
            SELECT count(*)
            FROM (
                SELECT
                FROM timetrackr.webhook_deliveries d
                WHERE d.user_id = delivery.user_id
                    AND d.webhook_id = delivery.webhook_id
                    AND d.status = 'pending'
                LIMIT 10000
            ) p
        ) = 10000 THEN 'overflowing'
    END;
    IF why IS NOT NULL THEN
        PERFORM timetrackr.disable_webhook(delivery.user_id, delivery.webhook_id, why);
    END IF;
    PERFORM timetrackr.schedule_webhook(delivery.user_id, delivery.webhook_id);
    RETURN why;
END
$$;
COMMENT ON FUNCTION timetrackr.finish_delivery(bigint, bigint, integer, text, integer) IS
'Notes what became of a delivery that was claimed: status is the HTTP status of the answer, 0 when none came, for the reason given; retry_after is how many seconds the answer asked to wait (0: none). 2xx is delivered. Else it is tried again after webhook_retry_delay(), up to ten times, and the address is given a pause of 5 seconds that doubles with each failure up to 5 minutes. 410, failures for five days and 10000 that wait disable the webhook; the reason is returned then.';

CREATE FUNCTION timetrackr.prune_deliveries(bite integer)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    pruned bigint;
BEGIN
    SELECT count(*) INTO pruned
    FROM timetrackr.at_each_home($statement$
        DELETE FROM timetrackr.webhook_deliveries d
        WHERE d.ctid = ANY (ARRAY(
            SELECT o.ctid
            FROM timetrackr.webhook_deliveries o
            WHERE o.created_at < now() - interval '14 days'
            ORDER BY o.created_at
            LIMIT $1::bigint
            FOR UPDATE SKIP LOCKED))
        RETURNING true
    $statement$, ARRAY[greatest(bite, 0)::text]) AS r (pruned boolean);
    RETURN pruned >= bite;
END
$$;
COMMENT ON FUNCTION timetrackr.prune_deliveries(integer) IS
'Part of tidy_outbound(): drops deliveries that are older than 14 days, at most bite of them, or of each shard. True when there may be more.';
