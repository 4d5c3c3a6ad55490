-- Several nodes: each has an outbox, a relay and a stream of its own, and tells the
-- webhooks and mails of the users who are at home there. A proxy carries events between
-- them (carrier.c): all to the first node, whose stream is the one that clients hear, and
-- from there those of projects to the other nodes, for webhooks that follow the project.
--
-- What is carried enters the other node's outbox once: in the same transaction that node
-- notes how far it has read.

CREATE FUNCTION timetrackr.create_carry_table()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    CREATE TABLE IF NOT EXISTS timetrackr.carried (
        origin integer PRIMARY KEY,
        position bigint NOT NULL
    );
END
$$;
COMMENT ON FUNCTION timetrackr.create_carry_table() IS
'Part of install(): how far the stream of each other node has been carried here.';

CREATE FUNCTION timetrackr.node_number()
RETURNS integer
LANGUAGE C
STABLE
AS 'MODULE_PATHNAME', 'tt_node_number';
COMMENT ON FUNCTION timetrackr.node_number() IS
'Which of several nodes this is, a number that it keeps when a standby takes over; 0: the first, or the only one.';

CREATE FUNCTION timetrackr.carried_until(origin integer)
RETURNS bigint
LANGUAGE sql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT COALESCE((
        SELECT c.position
        FROM timetrackr.carried c
        WHERE c.origin = carried_until.origin), 0)
$$;
COMMENT ON FUNCTION timetrackr.carried_until(integer) IS
'The id in the stream of node origin up to which its events have been carried here; 0: none has.';

CREATE FUNCTION timetrackr.kept_check(after_id bigint)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- An id that this stream has not come to is one of before a restore. What happens after that has higher ones.
    IF after_id <> 0 AND after_id < (SELECT r.kept_after FROM timetrackr.relay r) THEN
        RAISE EXCEPTION 'the events after % are not kept', after_id
            USING ERRCODE = 'TT410',
                  CONSTRAINT = 'events_gone';
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION timetrackr.kept_check(bigint) IS
'Part of events_for(): true when no event after after_id was pruned; for 0 always. Errors: 410 events_gone.';

CREATE FUNCTION timetrackr.events_for(reader integer, after_id bigint, max_events integer DEFAULT 500)
RETURNS TABLE (
    last_id bigint,
    event_count bigint,
    events text
)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET jit = off
AS $$
    WITH next AS MATERIALIZED (
        SELECT
            s.id, s.topic, s.payload, s.happened_at,
            CASE
                WHEN timetrackr.node_number() = 0
                    THEN s.project_id IS NOT NULL AND s.origin IS DISTINCT FROM events_for.reader
                ELSE s.origin IS NULL AND s.topic <> 'leaderboard_changed'
            END AS is_news
        FROM timetrackr.stream s
        WHERE timetrackr.kept_check(events_for.after_id)
            AND s.id > events_for.after_id
        ORDER BY s.id
        LIMIT events_for.max_events
    )
    SELECT
        max(n.id),
        count(*),
        jsonb_agg(jsonb_build_array(n.topic, n.payload, n.happened_at) ORDER BY n.id) FILTER (WHERE n.is_news)::text
    FROM next n
$$;
COMMENT ON FUNCTION timetrackr.events_for(integer, bigint, integer) IS
'What node reader is to be told of the next max_events events of the stream after after_id (0: from the oldest that is kept on): events is a JSON array of [topic, payload, when it happened], null when none of them is for it; last_id is the last one looked at, null when there is none, and event_count how many were. The first node is told of all that began elsewhere, the others of what it knows of projects and they do not. Errors: 410 events_gone when some of them are kept no more.';

CREATE FUNCTION timetrackr.take_events(origin integer, after_id bigint, last_id bigint, events text)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO timetrackr.carried (origin, position)
    VALUES (take_events.origin, 0)
    ON CONFLICT DO NOTHING;
    UPDATE timetrackr.carried c
    SET position = last_id
    WHERE c.origin = take_events.origin
        AND c.position = after_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'events of node % after % were carried by somebody else', origin, after_id
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    INSERT INTO timetrackr.outbox (topic, payload, created_at, origin)
    SELECT e.event ->> 0, e.event -> 1, (e.event ->> 2)::timestamptz, take_events.origin
    FROM jsonb_array_elements(take_events.events::jsonb) WITH ORDINALITY e (event, place)
    ORDER BY e.place;
    IF FOUND THEN
        PERFORM pg_notify('timetrackr_wake', '');
    END IF;
END
$$;
COMMENT ON FUNCTION timetrackr.take_events(integer, bigint, bigint, text) IS
'Puts events of node origin, as events_for() told them of those after after_id up to last_id, into the outbox, and notes last_id. Errors: 55000 when carried_until() is no longer after_id.';

CREATE FUNCTION timetrackr.skip_events(origin integer, after_id bigint)
RETURNS void
LANGUAGE sql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE timetrackr.carried c
    SET position = 0
    WHERE c.origin = skip_events.origin
        AND c.position = skip_events.after_id
$$;
COMMENT ON FUNCTION timetrackr.skip_events(integer, bigint) IS
'Goes on with the oldest event that node origin keeps, since those after after_id are there no more.';
