-- What reads the rows of everybody, as it is on several nodes: Citus asks all shards
-- and merges what they say. distribute() has the functions of one server, of the
-- same names without _everywhere, call these.
--
-- A node that is asked by another, for one of its users, asks the others in turn.

CREATE FUNCTION timetrackr.board_above_everywhere(
    period timetrackr.period,
    metric timetrackr.metric,
    period_start date,
    score bigint
)
RETURNS TABLE (
    above bigint,
    level bigint
)
LANGUAGE plpgsql
STABLE
ROWS 1
SET citus.allow_nested_distributed_execution = on
AS $$
BEGIN
    IF board_above_everywhere.metric = 'badges' THEN
        RETURN QUERY
        SELECT
            count(*) FILTER (WHERE t.badges > board_above_everywhere.score),
            count(*) FILTER (WHERE t.badges = board_above_everywhere.score)
        FROM timetrackr.user_totals t
        WHERE t.listed
            AND t.badges > 0
            AND t.badges >= board_above_everywhere.score;
        RETURN;
    END IF;
    RETURN QUERY
    SELECT
        count(*) FILTER (WHERE s.seconds > board_above_everywhere.score),
        count(*) FILTER (WHERE s.seconds = board_above_everywhere.score)
    FROM timetrackr.scores s
    WHERE s.period = board_above_everywhere.period::text
        AND s.period_start = board_above_everywhere.period_start
        AND s.listed
        AND s.seconds >= board_above_everywhere.score;
END
$$;
COMMENT ON FUNCTION timetrackr.board_above_everywhere(timetrackr.period, timetrackr.metric, date, bigint) IS
'board_above() on several nodes: each counts on its indexes.';

CREATE FUNCTION timetrackr.profile_everywhere(viewer_id bigint, whose bigint)
RETURNS TABLE (
    user_id bigint,
    username text,
    email text,
    bio text,
    avatar_url text,
    created_at timestamptz,
    badges timetrackr.badge_earned[],
    total_seconds bigint,
    entry_count bigint,
    current_streak_days integer,
    longest_streak_days integer,
    rank bigint,
    contributions timetrackr.contribution[]
)
LANGUAGE plpgsql
STABLE
ROWS 1
-- So that Citus sends a call on from here, too. It writes nothing, so there is no transaction to be one with.
SET citus.function_opens_transaction_block = off
AS $$
#variable_conflict use_column
DECLARE
    card record;
BEGIN
    -- Counted by who was asked, and not at home: connections that a node opens for another one's call are not kept.
    EXECUTE format('SELECT c.* FROM timetrackr.profile_card(%L, %L) c', viewer_id, whose)
    INTO card;
    IF card.user_id IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT
        card.user_id, card.username, card.email, card.bio, card.avatar_url, card.created_at, card.badges, card.total_seconds,
        card.entry_count, card.current_streak_days, card.longest_streak_days,
        CASE WHEN card.board_score IS NOT NULL THEN (
            SELECT b.above + 1
            FROM timetrackr.board_above_everywhere('all', 'time', DATE '1970-01-01', card.board_score) b
        ) END,
        card.contributions;
END
$$;
COMMENT ON FUNCTION timetrackr.profile_everywhere(bigint, bigint) IS
'profile() on several nodes: what is the user''s own from his home, and how many are above him from all.';

CREATE FUNCTION timetrackr.ranked_page(page refcursor, place text)
RETURNS TABLE (
    user_id bigint,
    username text,
    avatar_url text,
    score bigint,
    rank bigint
)
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
    first_score bigint;
    last_score bigint;
    -- How many have a higher score than the row, and its score, as far as is known.
    above bigint;
    level bigint;
BEGIN
    LOOP
        FETCH page INTO user_id, username, avatar_url, score;
        EXIT WHEN NOT FOUND;
        IF first_score IS NULL THEN
            first_score := score;
            EXECUTE place INTO above, level USING score;
        ELSIF score < last_score THEN
            above := above + level;
            level := 0;
        END IF;
        -- Of the first row's score there may be some on the page before, all of which place has counted.
        IF score < first_score THEN
            level := level + 1;
        END IF;
        last_score := score;
        rank := above + 1;
        RETURN NEXT;
    END LOOP;
    CLOSE page;
END
$$;
COMMENT ON FUNCTION timetrackr.ranked_page(refcursor, text) IS
'Part of the boards on several nodes: the rows of a page, best first, with their competition ranks. place is a statement that says how many users have a higher score than $1, and how many have it; it is run once, for the first row.';

CREATE FUNCTION timetrackr.leaderboard_everywhere(
    period timetrackr.period,
    metric timetrackr.metric,
    period_start date,
    "limit" integer,
    after_score bigint,
    after_user_id bigint
)
RETURNS TABLE (
    user_id bigint,
    username text,
    avatar_url text,
    score bigint,
    rank bigint
)
LANGUAGE plpgsql
STABLE
SET citus.allow_nested_distributed_execution = on
AS $$
#variable_conflict use_column
DECLARE
    start CONSTANT date := timetrackr.board_start(
        leaderboard_everywhere.period, leaderboard_everywhere.metric, leaderboard_everywhere.period_start);
    page refcursor;
BEGIN
    IF leaderboard_everywhere.metric = 'badges' THEN
        OPEN page FOR
        SELECT t.user_id, u.username, u.avatar, t.badges::bigint AS score
        FROM timetrackr.user_totals t
        JOIN timetrackr.users u ON u.id = t.user_id
        WHERE t.listed
            AND t.badges > 0
            AND (t.badges, t.user_id::text COLLATE "C") < (
                COALESCE(leaderboard_everywhere.after_score, 9223372036854775807),
                COALESCE(leaderboard_everywhere.after_user_id::text, '') COLLATE "C")
        ORDER BY t.badges DESC, t.user_id::text COLLATE "C" DESC
        LIMIT leaderboard_everywhere."limit";
    ELSE
        OPEN page FOR
        SELECT s.user_id, u.username, u.avatar, s.seconds AS score
        FROM timetrackr.scores s
        JOIN timetrackr.users u ON u.id = s.user_id
        WHERE s.period = leaderboard_everywhere.period::text
            AND s.period_start = start
            AND s.listed
            AND s.seconds > 0
            AND (s.seconds, s.user_id::text COLLATE "C") < (
                COALESCE(leaderboard_everywhere.after_score, 9223372036854775807),
                COALESCE(leaderboard_everywhere.after_user_id::text, '') COLLATE "C")
        ORDER BY s.seconds DESC, s.user_id::text COLLATE "C" DESC
        LIMIT leaderboard_everywhere."limit";
    END IF;
    RETURN QUERY
    SELECT r.*
    FROM timetrackr.ranked_page(page, format(
        'SELECT b.above, b.level FROM timetrackr.board_above_everywhere(%L, %L, %L, $1) b',
        leaderboard_everywhere.period, leaderboard_everywhere.metric, start)) r;
END
$$;
COMMENT ON FUNCTION timetrackr.leaderboard_everywhere(timetrackr.period, timetrackr.metric, date, integer, bigint, bigint) IS
'leaderboard() on several nodes: the best of the pages of all shards.';

CREATE FUNCTION timetrackr.leaderboard_around_everywhere(
    whose bigint,
    period timetrackr.period,
    metric timetrackr.metric,
    period_start date,
    "limit" integer
)
RETURNS TABLE (
    user_id bigint,
    username text,
    avatar_url text,
    score bigint,
    rank bigint
)
LANGUAGE plpgsql
STABLE
SET citus.allow_nested_distributed_execution = on
AS $$
#variable_conflict use_column
DECLARE
    start CONSTANT date := timetrackr.board_start(
        leaderboard_around_everywhere.period, leaderboard_around_everywhere.metric,
        leaderboard_around_everywhere.period_start);
    before CONSTANT integer := (leaderboard_around_everywhere."limit" - 1) / 2;
    own bigint;
    users bigint[];
    scores bigint[];
BEGIN
    IF leaderboard_around_everywhere.metric = 'badges' THEN
        SELECT t.badges INTO own
        FROM timetrackr.user_totals t
        WHERE t.user_id = whose
            AND t.listed
            AND t.badges > 0;
        SELECT
            array_agg(a.user_id ORDER BY a.score, a.user_id::text COLLATE "C"),
            array_agg(a.score ORDER BY a.score, a.user_id::text COLLATE "C")
        INTO users, scores
        FROM (
            SELECT t.user_id, t.badges::bigint AS score
            FROM timetrackr.user_totals t
            WHERE t.listed
                AND t.badges > 0
                AND (t.badges, t.user_id::text COLLATE "C") > (own, whose::text COLLATE "C")
            ORDER BY t.badges, t.user_id::text COLLATE "C"
            LIMIT before + 1
        ) a;
    ELSE
        SELECT s.seconds INTO own
        FROM timetrackr.scores s
        WHERE s.user_id = whose
            AND s.period = leaderboard_around_everywhere.period::text
            AND s.period_start = start
            AND s.listed
            AND s.seconds > 0;
        SELECT
            array_agg(a.user_id ORDER BY a.score, a.user_id::text COLLATE "C"),
            array_agg(a.score ORDER BY a.score, a.user_id::text COLLATE "C")
        INTO users, scores
        FROM (
            SELECT s.user_id, s.seconds AS score
            FROM timetrackr.scores s
            WHERE s.period = leaderboard_around_everywhere.period::text
                AND s.period_start = start
                AND s.listed
                AND (s.seconds, s.user_id::text COLLATE "C") > (own, whose::text COLLATE "C")
            ORDER BY s.seconds, s.user_id::text COLLATE "C"
            LIMIT before + 1
        ) a;
    END IF;
    IF own IS NULL THEN
        RETURN;
    END IF;
    -- The row before the first one is the cursor.
    RETURN QUERY
    SELECT l.*
    FROM timetrackr.leaderboard_everywhere(
        leaderboard_around_everywhere.period,
        leaderboard_around_everywhere.metric,
        start,
        LEAST(COALESCE(cardinality(users), 0), before) + 1 + leaderboard_around_everywhere."limit" / 2,
        scores[before + 1],
        users[before + 1]) l;
END
$$;
COMMENT ON FUNCTION timetrackr.leaderboard_around_everywhere(bigint, timetrackr.period, timetrackr.metric, date, integer) IS
'leaderboard_around() on several nodes.';

CREATE FUNCTION timetrackr.project_leaderboard_everywhere(
    viewer_id bigint,
    project_id bigint,
    "limit" integer,
    after_score bigint,
    after_user_id bigint
)
RETURNS TABLE (
    user_id bigint,
    username text,
    avatar_url text,
    score bigint,
    rank bigint
)
LANGUAGE plpgsql
STABLE
SET citus.allow_nested_distributed_execution = on
AS $$
#variable_conflict use_column
DECLARE
    page refcursor;
BEGIN
    IF NOT timetrackr.project_visible(project_leaderboard_everywhere.viewer_id, project_leaderboard_everywhere.project_id) THEN
        RETURN;
    END IF;
    OPEN page FOR
    SELECT t.user_id, u.username, u.avatar, t.seconds AS score
    FROM timetrackr.project_totals t
    JOIN timetrackr.user_totals l ON l.user_id = t.user_id
    JOIN timetrackr.users u ON u.id = t.user_id
    WHERE t.project_id = project_leaderboard_everywhere.project_id
        AND l.listed
        AND t.seconds > 0
        AND (t.seconds, t.user_id::text COLLATE "C") < (
            COALESCE(project_leaderboard_everywhere.after_score, 9223372036854775807),
            COALESCE(project_leaderboard_everywhere.after_user_id::text, '') COLLATE "C")
    ORDER BY t.seconds DESC, t.user_id::text COLLATE "C" DESC
    LIMIT project_leaderboard_everywhere."limit";
    RETURN QUERY
    SELECT r.*
    FROM timetrackr.ranked_page(page, format(
        'SELECT count(*) FILTER (WHERE t.seconds > $1), count(*) FILTER (WHERE t.seconds = $1)
        FROM timetrackr.project_totals t
        JOIN timetrackr.user_totals l ON l.user_id = t.user_id
        WHERE t.project_id = %s AND l.listed AND t.seconds >= $1',
        project_leaderboard_everywhere.project_id)) r;
END
$$;
COMMENT ON FUNCTION timetrackr.project_leaderboard_everywhere(bigint, bigint, integer, bigint, bigint) IS
'project_leaderboard() on several nodes.';

CREATE FUNCTION timetrackr.project_seconds_everywhere(project_id bigint)
RETURNS TABLE (seconds bigint)
LANGUAGE plpgsql
STABLE
ROWS 1
SET citus.allow_nested_distributed_execution = on
AS $$
BEGIN
    RETURN QUERY
    SELECT COALESCE(sum(t.seconds), 0)::bigint
    FROM timetrackr.project_totals t
    WHERE t.project_id = project_seconds_everywhere.project_id;
END
$$;
COMMENT ON FUNCTION timetrackr.project_seconds_everywhere(bigint) IS
'project_seconds() on several nodes.';

CREATE FUNCTION timetrackr.badge_holders_everywhere()
RETURNS TABLE (
    badge_id bigint,
    users bigint
)
LANGUAGE plpgsql
STABLE
SET citus.allow_nested_distributed_execution = on
AS $$
BEGIN
    RETURN QUERY
    SELECT b.badge_id, count(*)
    FROM timetrackr.user_badges b
    GROUP BY b.badge_id;
END
$$;
COMMENT ON FUNCTION timetrackr.badge_holders_everywhere() IS
'badge_holders() on several nodes.';

CREATE FUNCTION timetrackr.inheritances_everywhere(whose bigint)
RETURNS TABLE (
    project_id bigint,
    heir_id bigint
)
LANGUAGE plpgsql
STABLE
AS $$
#variable_conflict use_column
DECLARE
    own CONSTANT bigint[] := ARRAY(
        SELECT p.id
        FROM timetrackr.projects p
        WHERE p.owner_id = whose);
BEGIN
    RETURN QUERY
    WITH worked AS MATERIALIZED (
        SELECT e.project_id, e.user_id, COALESCE(sum(e.duration) FILTER (WHERE NOT e.flagged), 0) AS seconds
        FROM timetrackr.time_entries e
        WHERE e.project_id = ANY (own)
            AND e.user_id <> whose
        GROUP BY e.project_id, e.user_id
    ), candidates AS MATERIALIZED (
        SELECT w.project_id, w.user_id, w.seconds, m.role, m.joined_at
        FROM worked w
        JOIN timetrackr.users u ON u.id = w.user_id
        LEFT JOIN timetrackr.project_members m ON m.project_id = w.project_id AND m.user_id = w.user_id
        UNION
        SELECT m.project_id, m.user_id, COALESCE(w.seconds, 0), m.role, m.joined_at
        FROM timetrackr.project_members m
        LEFT JOIN worked w ON w.project_id = m.project_id AND w.user_id = m.user_id
        WHERE m.project_id = ANY (own)
            AND m.user_id <> whose
    )
    SELECT DISTINCT ON (c.project_id) c.project_id, c.user_id
    FROM candidates c
    WHERE c.project_id IN (
        SELECT k.project_id
        FROM candidates k
        WHERE k.role = 'manager'
        UNION
        SELECT w.project_id
        FROM worked w
    )
    ORDER BY c.project_id, c.role IS NULL, c.role = 'manager' DESC, c.seconds DESC, c.joined_at, c.user_id;
END
$$;
COMMENT ON FUNCTION timetrackr.inheritances_everywhere(bigint) IS
'Part of the deletion of an account on several nodes: which of the user''s projects somebody goes on with, and who: a manager, else another member, else a former one with entries; among several the one with most time on it.';

CREATE FUNCTION timetrackr.ask_nodes(question text)
RETURNS SETOF jsonb
LANGUAGE plpgsql
VOLATILE
AS $$
DECLARE
    node record;
BEGIN
    FOR node IN EXECUTE 'SELECT * FROM pg_catalog.run_command_on_all_nodes($1)' USING question LOOP
        IF NOT node.success THEN
            RAISE EXCEPTION 'node %: %', node.nodeid, node.result
                USING ERRCODE = 'connection_exception';
        END IF;
        RETURN NEXT NULLIF(node.result, '')::jsonb;
    END LOOP;
END
$$;
COMMENT ON FUNCTION timetrackr.ask_nodes(text) IS
'Runs a statement, whose result is one JSON value, on every node, each in a transaction of its own; returns what they say. Errors: 08000 with what a node said where it failed.';

CREATE FUNCTION timetrackr.preview_here(
    criteria jsonb,
    OUT users bigint,
    OUT sample bigint[]
)
LANGUAGE C
STABLE
STRICT
AS 'MODULE_PATHNAME', 'tt_preview_here';
COMMENT ON FUNCTION timetrackr.preview_here(jsonb) IS
'Part of preview_badge() on several nodes: how many users who are at home on this one meet criteria, and the ids of up to ten.';

CREATE FUNCTION timetrackr.preview_everywhere(criteria jsonb)
RETURNS TABLE (
    users bigint,
    sample bigint[]
)
LANGUAGE sql
VOLATILE
ROWS 1
AS $$
    WITH answers AS MATERIALIZED (
        SELECT a.answer
        FROM timetrackr.ask_nodes(
            format('SELECT to_jsonb(p) FROM timetrackr.preview_here(%L) p', preview_everywhere.criteria)) a (answer)
    )
    SELECT
        (SELECT sum((a.answer ->> 'users')::bigint)::bigint FROM answers a),
        ARRAY(
            SELECT u.id::bigint
            FROM answers a
            CROSS JOIN LATERAL jsonb_array_elements_text(a.answer -> 'sample') u (id)
            ORDER BY 1
            LIMIT 10
        )
$$;
COMMENT ON FUNCTION timetrackr.preview_everywhere(jsonb) IS
'Part of preview_badge() on several nodes: how many users meet criteria, and the ids of the first ten.';

CREATE FUNCTION timetrackr.backfill_here(badge_id bigint)
RETURNS bigint
LANGUAGE C
VOLATILE
STRICT
AS 'MODULE_PATHNAME', 'tt_backfill_here';
COMMENT ON FUNCTION timetrackr.backfill_here(bigint) IS
'Part of backfill_badge() on several nodes: awards the badge to users who are at home on this one, and returns to how many.';

CREATE FUNCTION timetrackr.backfill_everywhere(badge_id bigint)
RETURNS bigint
LANGUAGE sql
VOLATILE
AS $$
    SELECT sum(a.answer::bigint)::bigint
    FROM timetrackr.ask_nodes(
        format('SELECT to_jsonb(timetrackr.backfill_here(%s))', backfill_everywhere.badge_id)) a (answer)
$$;
COMMENT ON FUNCTION timetrackr.backfill_everywhere(bigint) IS
'Part of backfill_badge() on several nodes: each awards in a transaction of its own, so what one has awarded stays when another fails.';

CREATE FUNCTION timetrackr.rebuild_here()
RETURNS boolean
LANGUAGE C
VOLATILE
AS 'MODULE_PATHNAME', 'tt_rebuild_here';
COMMENT ON FUNCTION timetrackr.rebuild_here() IS
'Part of rebuild() on several nodes: recomputes what is derived of the users who are at home on this one. True.';

CREATE FUNCTION timetrackr.rebuild_nodes()
RETURNS void
LANGUAGE sql
VOLATILE
AS $$
    SELECT count(a.answer)
    FROM timetrackr.ask_nodes('SELECT to_jsonb(timetrackr.rebuild_here())') a (answer)
$$;
COMMENT ON FUNCTION timetrackr.rebuild_nodes() IS
'Part of rebuild() on several nodes: each in a transaction of its own.';

CREATE FUNCTION timetrackr.verify_here(whose bigint)
RETURNS TABLE (
    user_id bigint,
    relation text,
    key text,
    expected text,
    actual text
)
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
    checked_id bigint;
BEGIN
    FOR checked_id IN
        SELECT u.id
        FROM timetrackr.users u
        WHERE timetrackr.is_home(u.id)
            AND (whose IS NULL OR u.id = whose)
        ORDER BY u.id
    LOOP
        RETURN QUERY EXECUTE format('SELECT v.* FROM timetrackr.verify_user(%s) v', checked_id);
    END LOOP;
END
$$;
COMMENT ON FUNCTION timetrackr.verify_here(bigint) IS
'Part of verify() on several nodes: what differs of the users who are at home on this one.';

CREATE FUNCTION timetrackr.verify_everywhere(whose bigint)
RETURNS TABLE (
    user_id bigint,
    relation text,
    key text,
    expected text,
    actual text
)
LANGUAGE sql
VOLATILE
AS $$
    SELECT r.user_id, r.relation, r.key, r.expected, r.actual
    FROM timetrackr.ask_nodes(
        format('SELECT jsonb_agg(to_jsonb(v)) FROM timetrackr.verify_here(%L) v', verify_everywhere.whose)) a (answer)
    CROSS JOIN LATERAL jsonb_to_recordset(a.answer)
        r (user_id bigint, relation text, key text, expected text, actual text)
$$;
COMMENT ON FUNCTION timetrackr.verify_everywhere(bigint) IS
'verify() on several nodes. There are no standings to check: boards are counted.';

CREATE FUNCTION timetrackr.board_changes_everywhere(user_ids bigint[])
RETURNS text
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
    seconds jsonb;
    badges jsonb;
BEGIN
    SELECT jsonb_object_agg(format('%s %s %s', s.user_id, s.period, s.period_start), s.seconds) INTO seconds
    FROM timetrackr.scores s
    WHERE s.user_id = ANY (user_ids)
        AND s.period_start = ANY (ARRAY(SELECT l.period_start FROM timetrackr.live_boards() l))
        AND s.listed;
    SELECT jsonb_object_agg(t.user_id::text, t.badges) INTO badges
    FROM timetrackr.user_totals t
    WHERE t.user_id = ANY (user_ids)
        AND t.listed;
    RETURN (
        WITH live AS MATERIALIZED (
            SELECT l.board, l.period, l.period_start, l.expires_at, l.place
            FROM timetrackr.live_boards() WITH ORDINALITY l (board, period, period_start, expires_at, place)
        ), changed AS (
            SELECT DISTINCT i.user_id
            FROM unnest(user_ids) i (user_id)
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
                            CASE l.period
                                WHEN 'badges' THEN COALESCE(badges -> c.user_id::text, '0')
                                ELSE COALESCE(seconds -> format('%s %s %s', c.user_id, l.period, l.period_start), '0')
                            END
                            ORDER BY l.place)
                        FROM live l
                    ))), '[]')
                FROM changed c
                LEFT JOIN timetrackr.users u ON u.id = c.user_id)
        )::text
    );
END
$$;
COMMENT ON FUNCTION timetrackr.board_changes_everywhere(bigint[]) IS
'board_changes() on several nodes.';

CREATE FUNCTION timetrackr.board_page_everywhere(board text, after_score bigint, after_user_id bigint, max_rows integer)
RETURNS TABLE (
    page text,
    row_count bigint,
    last_score bigint,
    last_user_id bigint
)
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
    live record;
    users bigint[];
    scores bigint[];
BEGIN
    SELECT l.period, l.period_start, l.expires_at INTO live
    FROM timetrackr.live_boards() l
    WHERE l.board = board_page_everywhere.board;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF live.period = 'badges' THEN
        SELECT
            array_agg(b.user_id ORDER BY b.score DESC, b.user_id::text COLLATE "C" DESC),
            array_agg(b.score ORDER BY b.score DESC, b.user_id::text COLLATE "C" DESC)
        INTO users, scores
        FROM (
            SELECT t.user_id, t.badges::bigint AS score
            FROM timetrackr.user_totals t
            WHERE t.listed
                AND t.badges > 0
                AND (t.badges, t.user_id::text COLLATE "C") < (after_score, after_user_id::text COLLATE "C")
            ORDER BY t.badges DESC, t.user_id::text COLLATE "C" DESC
            LIMIT max_rows
        ) b;
    ELSE
        SELECT
            array_agg(b.user_id ORDER BY b.score DESC, b.user_id::text COLLATE "C" DESC),
            array_agg(b.score ORDER BY b.score DESC, b.user_id::text COLLATE "C" DESC)
        INTO users, scores
        FROM (
            SELECT s.user_id, s.seconds AS score
            FROM timetrackr.scores s
            WHERE s.period = live.period
                AND s.period_start = live.period_start
                AND s.listed
                AND s.seconds > 0
                AND (s.seconds, s.user_id::text COLLATE "C") < (after_score, after_user_id::text COLLATE "C")
            ORDER BY s.seconds DESC, s.user_id::text COLLATE "C" DESC
            LIMIT max_rows
        ) b;
    END IF;
    page := json_build_object(
        'board', board_page_everywhere.board,
        'expires', COALESCE(extract(epoch FROM live.expires_at)::bigint, 0),
        'rows', (
            SELECT COALESCE(json_agg(json_build_array(
                s.user_id::text,
                timetrackr.board_member(u.id, u.username, u.avatar),
                s.score)), '[]')
            FROM unnest(users, scores) s (user_id, score)
            JOIN timetrackr.users u ON u.id = s.user_id));
    row_count := COALESCE(cardinality(users), 0);
    last_score := scores[row_count];
    last_user_id := users[row_count];
    RETURN NEXT;
EXCEPTION WHEN connection_exception OR internal_error THEN
    -- A node is down, for which Citus has no code at times: the relay goes on with the events of the others.
    RAISE LOG 'timetrackr: no page of board % can be had: %', board_page_everywhere.board, SQLERRM;
END
$$;
COMMENT ON FUNCTION timetrackr.board_page_everywhere(text, bigint, bigint, integer) IS
'board_page() on several nodes; no row while one of them is down.';

CREATE FUNCTION timetrackr.settled_users_everywhere(user_ids bigint[])
RETURNS bigint[]
LANGUAGE plpgsql
VOLATILE
AS $$
DECLARE
    -- What is carried meanwhile is in the outbox here, which is looked at last.
    positions CONSTANT jsonb := COALESCE((SELECT jsonb_object_agg(c.origin, c.position) FROM timetrackr.carried c), '{}');
    waiting text[];
BEGIN
    SELECT array_agg(w.user_id) INTO waiting
    FROM timetrackr.ask_nodes(format($question$
        SELECT jsonb_agg(e.user_id)
        FROM (
            SELECT o.payload ->> 'user_id' AS user_id
            FROM timetrackr.outbox o
            UNION
            SELECT s.user_id::text
            FROM timetrackr.stream s
            WHERE s.id > COALESCE((%L::jsonb ->> timetrackr.node_number()::text)::bigint, 0)
                AND s.origin IS NULL
                AND timetrackr.node_number() > 0
            LIMIT 10001
        ) e
    $question$, positions)) a (answer)
    CROSS JOIN LATERAL jsonb_array_elements_text(a.answer) w (user_id);
    IF cardinality(waiting) > 10000 THEN
        RETURN '{}';
    END IF;
    RETURN ARRAY(
        SELECT i.user_id
        FROM unnest(user_ids) i (user_id)
        WHERE i.user_id::text <> ALL (COALESCE(waiting, '{}'))
            AND NOT EXISTS (
                SELECT
                FROM timetrackr.outbox o
                WHERE o.payload ->> 'user_id' = i.user_id::text)
    );
EXCEPTION WHEN connection_exception OR internal_error THEN
    RETURN '{}';
END
$$;
COMMENT ON FUNCTION timetrackr.settled_users_everywhere(bigint[]) IS
'settled_users() on several nodes: those for whom no event waits on any, or on its way here; none while a node is down.';

CREATE FUNCTION timetrackr.enqueue_password_resets_everywhere()
RETURNS void
LANGUAGE plpgsql
VOLATILE
AS $$
DECLARE
    asked text;
    account bigint;
BEGIN
    FOR asked IN
        SELECT r.email
        FROM timetrackr.password_reset_requests r
        ORDER BY r.email
        LIMIT 100
        FOR UPDATE SKIP LOCKED
    LOOP
        DELETE FROM timetrackr.password_reset_requests r
        WHERE r.email = asked;
        FOR account IN
            SELECT u.id
            FROM timetrackr.users u
            WHERE lower(u.email) = asked
                AND u.password_hash IS NOT NULL
        LOOP
            IF (
                SELECT count(*)
                FROM timetrackr.mails m
                WHERE m.user_id = account
                    AND m.kind = 'password_reset'
                    AND m.created_at > now() - interval '1 hour'
            ) < 3 THEN
                INSERT INTO timetrackr.mails (user_id, kind)
                VALUES (account, 'password_reset');
            END IF;
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION timetrackr.enqueue_password_resets_everywhere() IS
'enqueue_password_resets() on several nodes.';

CREATE FUNCTION timetrackr.look_everywhere()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
-- Each node has functions of its own.
SET citus.enable_ddl_propagation = off
AS $$
DECLARE
    function record;
BEGIN
    FOR function IN
        SELECT p.proname AS name, p.proargnames[1:p.pronargs] AS arguments,
            pg_get_function_arguments(p.oid) AS signature, pg_get_function_result(p.oid) AS result,
            CASE p.provolatile WHEN 'v' THEN 'VOLATILE' ELSE 'STABLE' END AS volatility
        FROM pg_proc p
        WHERE p.pronamespace = 'timetrackr'::regnamespace
            AND EXISTS (
                SELECT
                FROM pg_proc e
                WHERE e.pronamespace = p.pronamespace
                    AND e.proname = p.proname || '_everywhere'
            )
    LOOP
        EXECUTE format(
            'CREATE OR REPLACE FUNCTION timetrackr.%I(%s) RETURNS %s LANGUAGE sql %s
                SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS %L',
            function.name, function.signature, function.result, function.volatility,
            format('SELECT r.* FROM timetrackr.%I(%s) r', function.name || '_everywhere', (
                SELECT string_agg(format('%I.%I', function.name, a.name), ', ' ORDER BY a.place)
                FROM unnest(function.arguments) WITH ORDINALITY a (name, place)
            )));
    END LOOP;
END
$$;
COMMENT ON FUNCTION timetrackr.look_everywhere() IS
'Part of distribute(), on each node: functions that have a variant for several nodes call it from now on, until ALTER EXTENSION UPDATE.';
