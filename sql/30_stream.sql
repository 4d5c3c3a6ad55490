-- The stream: events that the relay has finished, for as long as clients may
-- still ask for them. Only finish_events() writes it.
--
-- Ids are taken under the lock of the one row of timetrackr.relay, so events become
-- visible in the order of their ids, and a reader needs to know no more than the last
-- one it has seen. They are microseconds since 1970 where the last id allows it: after a
-- restore from a backup no id comes a second time with another meaning.

CREATE FUNCTION timetrackr.create_stream_table()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    CREATE TABLE IF NOT EXISTS timetrackr.stream (
        id bigint PRIMARY KEY,
        topic text NOT NULL,
        user_id bigint,
        project_id bigint,
        for_all boolean NOT NULL,
        payload jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp()
    );
    CREATE INDEX IF NOT EXISTS outbox_audience ON timetrackr.outbox (id) WHERE topic = 'project_changed';
    CREATE INDEX IF NOT EXISTS stream_user ON timetrackr.stream (user_id, id) WHERE user_id IS NOT NULL;
    ALTER TABLE timetrackr.stream
        ADD COLUMN IF NOT EXISTS happened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        ADD COLUMN IF NOT EXISTS origin integer;
    ALTER TABLE timetrackr.relay
        ADD COLUMN IF NOT EXISTS stream_id bigint NOT NULL DEFAULT extract(epoch FROM now()) * 1000000,
        ADD COLUMN IF NOT EXISTS kept_after bigint NOT NULL DEFAULT 0,
        ADD COLUMN IF NOT EXISTS outbox_id bigint NOT NULL DEFAULT 0,
        ADD COLUMN IF NOT EXISTS boards_told_at timestamptz NOT NULL DEFAULT '-infinity',
        ADD COLUMN IF NOT EXISTS boards_changed text[] NOT NULL DEFAULT '{}';
END
$$;
COMMENT ON FUNCTION timetrackr.create_stream_table() IS
'Part of install(): the stream of events (happened_at is when the transaction began that wrote the event, created_at when it was relayed, origin the node that it was carried from, null: this one), an index for claim_events(), and in timetrackr.relay how far it goes: stream_id is its newest id; all events after kept_after are there still; outbox_id is the newest id of the outbox that was finished; boards_changed names the boards whose change (boards_told_at: when told last) is still to be told.';

CREATE FUNCTION timetrackr.payload_id(payload jsonb, key text)
RETURNS bigint
LANGUAGE sql
IMMUTABLE
AS $$
    SELECT CASE
        WHEN jsonb_typeof(payload_id.payload -> payload_id.key) = 'number'
            AND payload_id.payload ->> payload_id.key ~ '^[1-9][0-9]{0,17}$'
        THEN (payload_id.payload ->> payload_id.key)::bigint
    END
$$;
COMMENT ON FUNCTION timetrackr.payload_id(jsonb, text) IS
'The member of this name of an event''s payload when it could be an id: a whole positive number; else null.';

CREATE FUNCTION timetrackr.boards_of(topic text)
RETURNS text[]
LANGUAGE sql
IMMUTABLE
AS $$
    SELECT CASE
        WHEN boards_of.topic IN ('time_entry_completed', 'entries_imported')
            THEN '{all,day,week,month}'::text[]
        WHEN boards_of.topic = 'badge_awarded'
            THEN '{badges}'::text[]
        WHEN boards_of.topic IN ('score_changed', 'profile_changed')
            THEN '{all,day,week,month,badges}'::text[]
        ELSE '{}'::text[]
    END
$$;
COMMENT ON FUNCTION timetrackr.boards_of(text) IS
'The boards that an event of this topic may change: periods of the metric time, and badges.';

CREATE FUNCTION timetrackr.announce_stream(from_id bigint)
RETURNS void
LANGUAGE sql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
    -- A message is at most 6000 bytes of lines and one more line, of less than
    -- 1500 bytes: below the 8000 that NOTIFY takes.
    WITH lines AS (
        SELECT
            s.id,
            lag(s.id, 1, announce_stream.from_id) OVER (ORDER BY s.id) AS previous_id,
            CASE
                WHEN octet_length(s.payload::text) > 1200 THEN format('{"id": %s}', s.id)
                ELSE format(
                    '{"id": %s, "topic": %s, "user_id": %s, "project_id": %s, "for_all": %s, "data": %s}',
                    s.id,
                    to_json(left(s.topic, 60)),
                    COALESCE(s.user_id::text, 'null'),
                    COALESCE(s.project_id::text, 'null'),
                    CASE WHEN s.for_all THEN 'true' ELSE 'false' END,
                    s.payload)
            END AS line
        FROM timetrackr.stream s
        WHERE s.id > announce_stream.from_id
    ), cut AS (
        SELECT
            l.id,
            l.previous_id,
            l.line,
            (sum(octet_length(l.line) + 2) OVER (ORDER BY l.id) - octet_length(l.line) - 2) / 6000 AS message
        FROM lines l
    ), messages AS (
        SELECT
            min(c.id) AS first_id,
            format(E'{"after": %s, "events": [\n%s]}', min(c.previous_id), string_agg(c.line, E',\n' ORDER BY c.id)) AS body
        FROM cut c
        GROUP BY c.message
        ORDER BY first_id
    )
    SELECT pg_notify('timetrackr_events', m.body)
    FROM messages m
$$;
COMMENT ON FUNCTION timetrackr.announce_stream(bigint) IS
'Part of finish_events(): sends NOTIFY timetrackr_events for the events after from_id, as JSON with after, the id of the event before the first one, and events, one on each line: id, topic, user_id, project_id, for_all and data; of a large one only the id.';

CREATE FUNCTION timetrackr.prune_stream(keep_seconds integer, bite integer)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET jit = off
AS $$
DECLARE
    -- A clock that was set back must not keep old events for ever.
    since CONSTANT timestamptz := clock_timestamp() - make_interval(secs => keep_seconds);
    until CONSTANT timestamptz := clock_timestamp() + make_interval(secs => keep_seconds);
    kept_from bigint;
    looked_at bigint;
BEGIN
    IF (
        SELECT s.created_at BETWEEN since AND until
        FROM timetrackr.stream s
        WHERE s.id > (SELECT r.kept_after FROM timetrackr.relay r)
        ORDER BY s.id
        LIMIT 1
    ) IS NOT FALSE THEN
        RETURN false;
    END IF;
    SELECT min(o.id) FILTER (WHERE o.created_at BETWEEN since AND until), max(o.id)
    INTO kept_from, looked_at
    FROM (
        SELECT s.id, s.created_at
        FROM timetrackr.stream s
        WHERE s.id > (SELECT r.kept_after FROM timetrackr.relay r)
        ORDER BY s.id
        LIMIT bite
    ) o;
    WITH dropped AS (
        DELETE FROM timetrackr.stream s
        WHERE s.id > (SELECT r.kept_after FROM timetrackr.relay r)
            AND s.id < COALESCE(kept_from, looked_at + 1)
        RETURNING s.id
    )
    UPDATE timetrackr.relay r
    SET kept_after = (SELECT max(d.id) FROM dropped d);
    RETURN kept_from IS NULL;
END
$$;
COMMENT ON FUNCTION timetrackr.prune_stream(integer, integer) IS
'Part of finish_events(): drops events of the stream that are older than keep_seconds, at most bite of them. True when there may be more.';

CREATE FUNCTION timetrackr.stream_check(after_id bigint, wait integer DEFAULT NULL)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF wait NOT BETWEEN 0 AND 30 THEN
        RAISE EXCEPTION 'wait is from 0 to 30 seconds'
            USING ERRCODE = 'TT422',
                  CONSTRAINT = 'out_of_range',
                  COLUMN = 'wait';
    END IF;
    IF after_id <> 0 AND NOT EXISTS (
        SELECT
        FROM timetrackr.relay r
        WHERE after_id BETWEEN r.kept_after AND r.stream_id
            -- An id of a time that a restore has undone lies between those of before and of after it.
            -- Whoever begins with a certain event asks from the id before it on.
            AND (after_id = r.kept_after
                OR EXISTS (SELECT FROM timetrackr.stream s WHERE s.id BETWEEN after_id AND after_id + 1)
                OR r.kept_after = 0 AND NOT EXISTS (SELECT FROM timetrackr.stream s WHERE s.id < after_id))
    ) THEN
        RAISE EXCEPTION 'the events after % are not kept', after_id
            USING ERRCODE = 'TT410',
                  CONSTRAINT = 'events_gone',
                  COLUMN = 'after';
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION timetrackr.stream_check(bigint, integer) IS
'True when every event after after_id is still in the stream, and after_id is one that this stream has had; for 0 and null always. Errors: 410 events_gone; 422 out_of_range when wait is not from 0 to 30.';

CREATE FUNCTION timetrackr.stream_position()
RETURNS bigint
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.stream_id
    FROM timetrackr.relay r
$$;
COMMENT ON FUNCTION timetrackr.stream_position() IS
'The id of the newest event of the stream: who sees nothing after it has seen everything.';

CREATE FUNCTION timetrackr.events(
    viewer_id bigint,
    after bigint DEFAULT NULL,
    wait integer DEFAULT NULL,
    "limit" integer DEFAULT 50
)
RETURNS TABLE (
    id bigint,
    topic text,
    data jsonb
)
LANGUAGE sql
STABLE
AS $$
    SELECT s.id, s.topic, s.payload
    FROM timetrackr.stream s
    WHERE timetrackr.stream_check(events.after, events.wait)
        AND s.user_id = events.viewer_id
        -- no constant, or the check above would be left out as well
        AND s.id > COALESCE(events.after, 9223372036854775807)
    ORDER BY s.id
    LIMIT events."limit"
$$;
COMMENT ON FUNCTION timetrackr.events(bigint, bigint, integer, integer) IS
'The viewer''s own events after the one with id after, oldest first: what happened to his entries, badges, notifications, projects. after absent: from now on; 0: from the oldest that is kept on. The Link of an answer, rel next, goes on where it ends without a gap. wait: for how many seconds, at most 30, an empty answer is held back until there is an event; absent: 20, or 0 when after is absent, too. SQL itself never waits. Errors: 410 events_gone when events after that id are kept no more (an hour): read what you show anew, and begin without after; 422 out_of_range.';

CREATE FUNCTION timetrackr.stream_after(after_id bigint, max_events integer DEFAULT 500)
RETURNS TABLE (
    id bigint,
    topic text,
    user_id bigint,
    project_id bigint,
    for_all boolean,
    payload jsonb,
    created_at timestamptz
)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET jit = off
SET enable_bitmapscan = off
AS $$
    SELECT s.id, s.topic, s.user_id, s.project_id, s.for_all, s.payload, s.created_at
    FROM timetrackr.stream s
    WHERE timetrackr.stream_check(stream_after.after_id)
        AND s.id > stream_after.after_id
    ORDER BY s.id
    LIMIT stream_after.max_events
$$;
COMMENT ON FUNCTION timetrackr.stream_after(bigint, integer) IS
'The next max_events events of everybody after after_id (0: from the oldest that is kept on), oldest first. Errors: 410 events_gone when some of them are kept no more, or after_id is none that this stream has come to.';

CREATE FUNCTION timetrackr.stream_state()
RETURNS TABLE (
    identity bigint,
    newest_id bigint,
    behind_ms bigint,
    followed boolean
)
LANGUAGE sql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET jit = off
SET enable_bitmapscan = off
AS $$
    SELECT
        timetrackr.database_identity(),
        r.stream_id,
        COALESCE((
            SELECT (extract(epoch FROM clock_timestamp() - o.created_at) * 1000)::bigint
            FROM timetrackr.outbox o
            WHERE o.id > r.outbox_id
                AND o.run_at <= now()
            ORDER BY o.id
            LIMIT 1), 0),
        -- try_to_lead() has the other side of this lock
        NOT pg_try_advisory_xact_lock_shared(8391171951110545263)
    FROM timetrackr.relay r
$$;
COMMENT ON FUNCTION timetrackr.stream_state() IS
'Where the stream ends: identity of the database (see relay_state()), the id of the newest event, for how many ms the next event of the outbox has been waiting for the relay, 0 when none has, and whether there is a proxy whose relay follows: else the leader''s is the only one.';
