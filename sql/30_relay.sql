-- The relay's side of the outbox, and the boards as Redis holds them. The
-- relay (a proxy) claims a batch of events, applies it to Redis, and finishes
-- it in the same transaction. Writing events is event.c's business.

CREATE FUNCTION timetrackr.create_relay_tables()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- position names the last batch finished; Redis remembers the same name. An
    -- older backup of either is known by it. identity is what relay_state() noted last: a
    -- standby that has the present one has come to the primary's timeline.
    CREATE TABLE IF NOT EXISTS timetrackr.relay (
        only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
        position text NOT NULL
    );
    INSERT INTO timetrackr.relay (position)
    VALUES ('start')
    ON CONFLICT DO NOTHING;
    ALTER TABLE timetrackr.relay
        ADD COLUMN IF NOT EXISTS identity bigint;
END
$$;
COMMENT ON FUNCTION timetrackr.create_relay_tables() IS
'Part of install(): how far the relay has come.';

CREATE FUNCTION timetrackr.database_identity()
RETURNS bigint
LANGUAGE sql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT hashtextextended(concat_ws(
        '/',
        (SELECT c.system_identifier FROM pg_control_system() c),
        left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
        (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())), 0)
$$;
COMMENT ON FUNCTION timetrackr.database_identity() IS
'A hash of cluster, timeline and database: it changes with a promotion or a restore. Errors: 55000 on a standby.';

CREATE FUNCTION timetrackr.relay_state()
RETURNS TABLE (
    identity bigint,
    last_position text,
    wakes boolean
)
LANGUAGE sql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH present AS MATERIALIZED (
        SELECT timetrackr.database_identity() AS identity
    ), noted AS (
        UPDATE timetrackr.relay r
        SET identity = p.identity
        FROM present p
        WHERE r.identity IS DISTINCT FROM p.identity
    )
    SELECT p.identity, r.position, current_setting('timetrackr.notify', true) IS DISTINCT FROM 'off'
    FROM timetrackr.relay r
    CROSS JOIN present p
$$;
COMMENT ON FUNCTION timetrackr.relay_state() IS
'What the boards in Redis must come from to be this database''s: identity is database_identity(), and is noted in timetrackr.relay when it is another one than before, for standbys to be known by; last_position names the last batch of events that the relay finished; wakes: writers wake a relay that sleeps (timetrackr.notify is not off). Errors: 55000 on a standby.';

CREATE FUNCTION timetrackr.try_to_lead(inspect boolean)
RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    leader_lock CONSTANT bigint := 8391171951110545260;
    follower_lock CONSTANT bigint := 8391171951110545263;
    leader integer;
    follows CONSTANT boolean := EXISTS (
        SELECT
        FROM pg_locks l
        WHERE l.pid = pg_backend_pid()
            AND l.locktype = 'advisory'
            AND l.classid::bigint = follower_lock >> 32
            AND l.objid::bigint = follower_lock & 4294967295
            AND l.objsubid = 1
    );
BEGIN
    IF pg_try_advisory_lock(leader_lock) THEN
        IF follows THEN
            PERFORM pg_advisory_unlock(follower_lock);
        END IF;
        RETURN true;
    END IF;
    -- One of those who follow has the lock that tells of them (stream_state()).
    IF NOT follows THEN
        PERFORM pg_try_advisory_lock(follower_lock);
    END IF;
    IF NOT inspect THEN
        RETURN false;
    END IF;
    -- A leader at work says something every second, and waits for Redis for less
    -- than ten. One that is stopped, or out of reach, would lead for ever.
    SELECT a.pid INTO leader
    FROM pg_locks l
    JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory'
        AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
        AND l.classid::bigint = leader_lock >> 32
        AND l.objid::bigint = leader_lock & 4294967295
        AND l.objsubid = 1
        AND l.granted
        AND a.state LIKE 'idle%'
        AND a.state_change < clock_timestamp() - interval '10 s';
    IF FOUND THEN
        RAISE LOG 'timetrackr: the relay''s leader (process %) has been silent for too long and is replaced', leader;
        PERFORM pg_terminate_backend(leader);
    END IF;
    RETURN false;
END
$$;
COMMENT ON FUNCTION timetrackr.try_to_lead(boolean) IS
'Makes this session the relay''s leader, until it ends: true. False: another one leads, and this one follows. With inspect a leader whose session has been idle for ten seconds is terminated, so that the next try may succeed.';

CREATE FUNCTION timetrackr.relay_status()
RETURNS TABLE (
    outbox_depth bigint,
    outbox_age_ms bigint,
    retrying bigint,
    dead bigint,
    leader_pid integer,
    newest_event_id bigint,
    kept_after_id bigint
)
LANGUAGE sql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
        o.depth,
        COALESCE((extract(epoch FROM clock_timestamp() - o.oldest) * 1000)::bigint, 0),
        o.retrying,
        (SELECT count(*) FROM timetrackr.dead_events),
        (
            SELECT l.pid
            FROM pg_locks l
            WHERE l.locktype = 'advisory'
                AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
                AND l.classid::bigint = 8391171951110545260 >> 32
                AND l.objid::bigint = 8391171951110545260 & 4294967295
                AND l.objsubid = 1
                AND l.granted
        ),
        r.stream_id,
        r.kept_after
    FROM timetrackr.relay r
    CROSS JOIN (
        SELECT
            count(*) AS depth,
            min(b.created_at) FILTER (WHERE b.run_at <= now()) AS oldest,
            count(*) FILTER (WHERE b.attempts > 0) AS retrying
        FROM timetrackr.outbox b
    ) o
$$;
COMMENT ON FUNCTION timetrackr.relay_status() IS
'How the relay does: events in the outbox, the age in ms of the oldest one that is due (0: none is), how many have failed and wait for another try, how many are in dead_events; leader_pid is the server process of the relay that leads (null: none does); newest_event_id ends the stream, and kept_after_id is the id after which no event of it was pruned.';

CREATE FUNCTION timetrackr.claim_events(max_events integer, after_id bigint)
RETURNS TABLE (
    event_id bigint,
    topic text,
    user_id bigint,
    age_ms bigint,
    in_order boolean
)
LANGUAGE sql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- The outbox is small or huge when its statistics say the opposite.
SET enable_seqscan = off
SET jit = off
SET enable_bitmapscan = off
AS $$
    -- Who may see a project has to be told before what happened there since then,
    -- also when that transaction has an older id, so after_id is not for it.
    WITH audience AS MATERIALIZED (
        SELECT o.id, o.topic, o.payload, o.created_at
        FROM timetrackr.outbox o
        WHERE o.topic = 'project_changed'
            AND o.run_at <= now()
        ORDER BY o.id
        LIMIT claim_events.max_events
        FOR UPDATE SKIP LOCKED
    ), others AS MATERIALIZED (
        SELECT o.id, o.topic, o.payload, o.created_at
        FROM timetrackr.outbox o
        WHERE o.topic <> 'project_changed'
            AND o.id > claim_events.after_id
            AND o.run_at <= now()
        ORDER BY o.id
        LIMIT claim_events.max_events - (SELECT count(*) FROM audience)
        FOR UPDATE SKIP LOCKED
    )
    SELECT
        c.id,
        c.topic,
        timetrackr.payload_id(c.payload, 'user_id'),
        (extract(epoch FROM clock_timestamp() - c.created_at) * 1000)::bigint,
        c.in_order
    FROM (
        SELECT a.*, false AS in_order
        FROM audience a
        UNION ALL
        SELECT o.*, true
        FROM others o
    ) c
    ORDER BY c.in_order, c.id
$$;
COMMENT ON FUNCTION timetrackr.claim_events(integer, bigint) IS
'Locks the next max_events due events until the end of the transaction: first all that tell who may see a project (in_order is false), then those with an id over after_id, each oldest first; events that somebody else has locked are left out. user_id is that of the payload, null when it has none that could be a user''s id. age_ms is how many milliseconds ago the transaction began that wrote the event.';

CREATE FUNCTION timetrackr.finish_events(
    event_ids bigint[],
    old_position text,
    new_position text,
    keep_seconds integer DEFAULT 3600
)
RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET jit = off
AS $$
DECLARE
    state timetrackr.relay;
    boards text[];
    told boolean;
    next_id bigint;
    more_to_prune boolean;
BEGIN
    SELECT * INTO state
    FROM timetrackr.relay r
    FOR UPDATE;
    IF state.position IS DISTINCT FROM old_position THEN
        RAISE EXCEPTION 'another relay has gone on from position %', old_position
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;

    next_id := greatest(state.stream_id + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
    WITH finished AS (
        DELETE FROM timetrackr.outbox o
        WHERE o.id = ANY (event_ids)
        RETURNING o.id, o.topic, o.payload, o.created_at, o.origin
    ), moved AS (
        INSERT INTO timetrackr.stream (id, topic, user_id, project_id, for_all, payload, happened_at, origin)
        SELECT
            next_id - 1 + row_number() OVER (ORDER BY e.place),
            f.topic,
            timetrackr.payload_id(f.payload, 'user_id'),
            timetrackr.payload_id(f.payload, 'project_id'),
            f.topic = 'badges_changed',
            f.payload,
            f.created_at,
            f.origin
        FROM unnest(event_ids) WITH ORDINALITY e (id, place)
        JOIN finished f ON f.id = e.id
        RETURNING id, topic
    ), changed AS (
        SELECT unnest(timetrackr.boards_of(m.topic)) AS board
        FROM moved m
        UNION
        SELECT unnest(state.boards_changed)
    )
    SELECT
        COALESCE((SELECT max(m.id) + 1 FROM moved m), next_id),
        ARRAY(SELECT c.board FROM changed c ORDER BY c.board)
    INTO next_id, boards;

    -- Boards change with nearly every event; that they did is told once a second.
    told := boards <> '{}'
        AND clock_timestamp() NOT BETWEEN state.boards_told_at AND state.boards_told_at + interval '1 s';
    IF told THEN
        INSERT INTO timetrackr.stream (id, topic, for_all, payload)
        VALUES (next_id, 'leaderboard_changed', true, jsonb_build_object('boards', boards));
        next_id := next_id + 1;
    END IF;

    UPDATE timetrackr.relay r
    SET position = new_position,
        stream_id = CASE WHEN told OR cardinality(event_ids) > 0 THEN next_id - 1 ELSE r.stream_id END,
        outbox_id = COALESCE(event_ids[cardinality(event_ids)], r.outbox_id),
        boards_told_at = CASE WHEN told THEN clock_timestamp() ELSE r.boards_told_at END,
        boards_changed = CASE WHEN told THEN '{}' ELSE boards END;
    PERFORM timetrackr.announce_stream(state.stream_id);
    -- In the order in which TRUNCATE of users locks tables.
    more_to_prune := timetrackr.prune_idempotency_keys(greatest(1000, 2 * cardinality(event_ids)));
    PERFORM timetrackr.enqueue_deliveries(state.stream_id);
    PERFORM timetrackr.enqueue_mails(state.stream_id);
    more_to_prune := timetrackr.prune_stream(keep_seconds, greatest(1000, 2 * cardinality(event_ids))) OR more_to_prune;
    RETURN more_to_prune OR (boards <> '{}' AND NOT told);
END
$$;
COMMENT ON FUNCTION timetrackr.finish_events(bigint[], text, text, integer) IS
'Moves events that the relay has applied from the outbox to the stream, in the order given, tells all listeners (NOTIFY timetrackr_events), and moves the relay''s position on, in the transaction that claimed them. At most once a second an event leaderboard_changed {boards} follows them. What is to be sent of them to webhooks and by mail is written down. Events of the stream that are older than keep_seconds go, and answers of once() that are kept no more, in small bites. True when there is more to tell or to prune, so that it should be called again in a second, be it without events. Errors: 55000 when the position is no longer old_position.';

CREATE FUNCTION timetrackr.fail_events(event_ids bigint[], reason text)
RETURNS bigint
LANGUAGE sql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET jit = off
AS $$
    WITH buried AS (
        DELETE FROM timetrackr.outbox o
        WHERE o.id = ANY (fail_events.event_ids)
            AND o.attempts >= 11
        RETURNING o.id, o.topic, o.payload, o.created_at, o.attempts, o.origin
    ), dead AS (
        INSERT INTO timetrackr.dead_events (id, topic, payload, created_at, attempts, last_error, origin)
        SELECT b.id, b.topic, b.payload, b.created_at, b.attempts + 1, left(fail_events.reason, 1000), b.origin
        FROM buried b
        ON CONFLICT (id) DO UPDATE
        SET attempts = excluded.attempts,
            died_at = now(),
            last_error = excluded.last_error
        RETURNING id
    ), delayed AS (
        UPDATE timetrackr.outbox o
        SET attempts = o.attempts + 1,
            run_at = now() + make_interval(secs => power(2, o.attempts + 1) * (0.5 + random() / 2)),
            last_error = left(fail_events.reason, 1000)
        WHERE o.id = ANY (fail_events.event_ids)
            AND o.attempts < 11
    )
    SELECT count(*)
    FROM dead
$$;
COMMENT ON FUNCTION timetrackr.fail_events(bigint[], text) IS
'Notes that events could not be applied, and why. Each is due again after 2, 4, 8 … seconds (half to all of that, at random); at the twelfth failure, after an hour or so, it is moved to dead_events. Returns how many were moved.';

CREATE FUNCTION timetrackr.retry_dead(id bigint)
RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    WITH raised AS (
        DELETE FROM timetrackr.dead_events d
        WHERE d.id = retry_dead.id
        RETURNING d.id, d.topic, d.payload, d.created_at, d.last_error, d.origin
    )
    INSERT INTO timetrackr.outbox (id, topic, payload, created_at, last_error, origin)
    SELECT r.id, r.topic, r.payload, r.created_at, r.last_error, r.origin
    FROM raised r;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM pg_notify('timetrackr_wake', '');
    RETURN true;
END
$$;
COMMENT ON FUNCTION timetrackr.retry_dead(bigint) IS
'Puts a dead event back into the outbox, to be tried again from the beginning. False when there is no dead event of this id.';

CREATE FUNCTION timetrackr.live_boards()
RETURNS TABLE (
    board text,
    period text,
    period_start date,
    expires_at timestamptz
)
LANGUAGE sql
STABLE
AS $$
    -- Every date that is today somewhere on Earth (UTC-12 to UTC+14), the one
    -- before, and the next one an hour early: a score may lie a minute ahead.
    WITH bounds AS (
        SELECT
            (now() AT TIME ZONE 'UTC' - interval '12 hours')::date - 1 AS first,
            (now() AT TIME ZONE 'UTC' + interval '15 hours')::date AS last
    ), days AS (
        SELECT b.first + n AS day
        FROM bounds b
        CROSS JOIN LATERAL generate_series(0, b.last - b.first) n
    )
    SELECT 'leaderboard:global', 'all', DATE '1970-01-01', NULL::timestamptz
    UNION ALL
    SELECT 'leaderboard:badges', 'badges', DATE '1970-01-01', NULL
    UNION ALL
    SELECT
        'leaderboard:day:' || to_char(d.day, 'YYYY-MM-DD'),
        'day',
        d.day,
        (d.day + 5)::timestamp AT TIME ZONE 'UTC'
    FROM days d
    UNION ALL
    SELECT DISTINCT
        'leaderboard:week:' || to_char(date_trunc('week', d.day::timestamp), 'YYYY-MM-DD'),
        'week',
        date_trunc('week', d.day::timestamp)::date,
        (date_trunc('week', d.day::timestamp) + interval '11 days') AT TIME ZONE 'UTC'
    FROM days d
    UNION ALL
    SELECT DISTINCT
        'leaderboard:month:' || to_char(d.day, 'YYYY-MM'),
        'month',
        date_trunc('month', d.day::timestamp)::date,
        (date_trunc('month', d.day::timestamp) + interval '1 month 4 days') AT TIME ZONE 'UTC'
    FROM days d
$$;
COMMENT ON FUNCTION timetrackr.live_boards() IS
'The boards that Redis holds now, under the name of their key: all time, badges, and each day, ISO week (named by its Monday) and month that holds a date which is today or was yesterday anywhere on Earth. period is that of scores, or badges. A key expires some days after its period; null: never.';

CREATE FUNCTION timetrackr.board_index()
RETURNS text
LANGUAGE sql
STABLE
AS $$
    SELECT json_build_object(
        'boards', (
            SELECT json_agg(l.board)
            FROM timetrackr.live_boards() l),
        'current', json_build_object(
            'all', 'leaderboard:global',
            'badges', 'leaderboard:badges',
            'day', 'leaderboard:day:' || to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD'),
            'week', 'leaderboard:week:' || to_char(date_trunc('week', now() AT TIME ZONE 'UTC'), 'YYYY-MM-DD'),
            'month', 'leaderboard:month:' || to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM'))
    )::text
$$;
COMMENT ON FUNCTION timetrackr.board_index() IS
'For Redis, as JSON: boards, the keys of all live boards; current, the key of the board that a period means by itself (now, in UTC).';

CREATE FUNCTION timetrackr.board_member(user_id bigint, username text, avatar text)
RETURNS text
LANGUAGE sql
STABLE
AS $$
    SELECT timetrackr.json(r)
    FROM (
        SELECT
            board_member.user_id AS user_id,
            board_member.username AS username,
            board_member.avatar AS avatar_url
    ) r
$$;
COMMENT ON FUNCTION timetrackr.board_member(bigint, text, text) IS
'The beginning of a user''s row of leaderboard() as JSON, all but score and rank: what Redis keeps for each user.';

CREATE FUNCTION timetrackr.board_changes(user_ids bigint[])
RETURNS text
LANGUAGE sql
STABLE
AS $$
    WITH live AS MATERIALIZED (
        SELECT l.board, l.period, l.period_start, l.expires_at, l.place
        FROM timetrackr.live_boards() WITH ORDINALITY l (board, period, period_start, expires_at, place)
    ), changed AS (
        SELECT DISTINCT i.user_id
        FROM unnest(board_changes.user_ids) i (user_id)
    )
    SELECT json_build_object(
        'boards', (
            SELECT json_agg(
                json_build_array(l.board, COALESCE(extract(epoch FROM l.expires_at)::bigint, 0))
                ORDER BY l.place)
            FROM live l),
        'users', (
            SELECT COALESCE(json_agg(json_build_array(
                c.user_id::text,
                timetrackr.board_member(u.id, u.username, u.avatar),
                (
                    SELECT json_agg(
                        CASE
                            WHEN l.period = 'badges' THEN CASE WHEN t.listed THEN t.badges ELSE 0 END
                            -- listed in the WHERE would let the board's index be walked.
                            ELSE COALESCE((
                                SELECT CASE WHEN s.listed THEN s.seconds END
                                FROM timetrackr.scores s
                                WHERE s.user_id = c.user_id
                                    AND s.period = l.period
                                    AND s.period_start = l.period_start), 0)
                        END
                        ORDER BY l.place)
                    FROM live l
                ))), '[]')
            FROM changed c
            LEFT JOIN timetrackr.user_totals t ON t.user_id = c.user_id
            LEFT JOIN timetrackr.users u ON u.id = c.user_id)
    )::text
$$;
COMMENT ON FUNCTION timetrackr.board_changes(bigint[]) IS
'How users stand on all live boards now, as JSON for Redis: boards is an array of [key, expiry as seconds since 1970, or 0], users one of [user id as text, board_member(), [score for each board in that order, or 0 when the user is not on it]].';

CREATE FUNCTION timetrackr.board_page(board text, after_score bigint, after_user_id bigint, max_rows integer)
RETURNS TABLE (
    page text,
    row_count bigint,
    last_score bigint,
    last_user_id bigint
)
LANGUAGE sql
STABLE
AS $$
    WITH live AS MATERIALIZED (
        SELECT l.board, l.period, l.period_start, l.expires_at
        FROM timetrackr.live_boards() l
        WHERE l.board = board_page.board
    ), standing AS MATERIALIZED (
        (
            SELECT s.user_id, s.seconds AS score
            FROM timetrackr.scores s
            WHERE s.period = (SELECT l.period FROM live l)
                AND s.period_start = (SELECT l.period_start FROM live l)
                AND s.listed
                AND s.seconds > 0
                AND (s.seconds, s.user_id::text COLLATE "C")
                    < (board_page.after_score, board_page.after_user_id::text COLLATE "C")
            ORDER BY s.seconds DESC, s.user_id::text COLLATE "C" DESC
            LIMIT board_page.max_rows
        )
        UNION ALL
        (
            SELECT t.user_id, t.badges
            FROM timetrackr.user_totals t
            WHERE (SELECT l.period FROM live l) = 'badges'
                AND t.listed
                AND t.badges > 0
                AND (t.badges, t.user_id::text COLLATE "C")
                    < (board_page.after_score, board_page.after_user_id::text COLLATE "C")
            ORDER BY t.badges DESC, t.user_id::text COLLATE "C" DESC
            LIMIT board_page.max_rows
        )
    ), last AS (
        SELECT s.user_id, s.score
        FROM standing s
        ORDER BY s.score, s.user_id::text COLLATE "C"
        LIMIT 1
    )
    SELECT
        json_build_object(
            'board', l.board,
            'expires', COALESCE(extract(epoch FROM l.expires_at)::bigint, 0),
            'rows', (
                SELECT COALESCE(json_agg(json_build_array(
                    s.user_id::text,
                    timetrackr.board_member(u.id, u.username, u.avatar),
                    s.score)), '[]')
                FROM standing s
                JOIN timetrackr.users u ON u.id = s.user_id)
        )::text,
        (SELECT count(*) FROM standing),
        (SELECT f.score FROM last f),
        (SELECT f.user_id FROM last f)
    FROM live l
$$;
COMMENT ON FUNCTION timetrackr.board_page(text, bigint, bigint, integer) IS
'The next max_rows users of a live board after (after_score, after_user_id), best first, as JSON for Redis: board, expires (seconds since 1970, or 0), rows of [user id as text, board_member(), score]. Then how many there are, and the last one, from which to go on. Begin after (9223372036854775807, 0). No row when the board is not live.';
