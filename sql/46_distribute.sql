-- Several nodes: distribute() cuts the tables of a database with Citus into shards,
-- by user, and copies small ones to each node. See docs/scaling.md; extension/home.h
-- has how the functions find the rows then.

CREATE FUNCTION timetrackr.citus_tables()
RETURNS TABLE (
    name text,
    kind text
)
LANGUAGE sql
IMMUTABLE
AS $$
    -- In the order in which they refer to each other. The first sharded one is what
    -- the others go along with. Those that are not here each node has for itself.
    SELECT t.name, t.kind
    FROM (VALUES
        (1, 'meta', 'copied'),
        (2, 'users', 'copied'),
        (3, 'projects', 'copied'),
        (4, 'project_members', 'copied'),
        (5, 'badges', 'copied'),
        (6, 'media', 'copied'),
        (7, 'erased_identities', 'copied'),
        (8, 'mail_key', 'copied'),
        (9, 'user_totals', 'sharded'),
        (10, 'time_entries', 'sharded'),
        (11, 'project_totals', 'sharded'),
        (12, 'day_totals', 'sharded'),
        (13, 'scores', 'sharded'),
        (14, 'user_badges', 'sharded'),
        (15, 'timeline_events', 'sharded'),
        (16, 'notifications', 'sharded'),
        (17, 'refresh_tokens', 'sharded'),
        (18, 'password_resets', 'sharded'),
        (19, 'idempotency_keys', 'sharded'),
        (20, 'webhooks', 'sharded'),
        (21, 'webhook_deliveries', 'sharded'),
        (22, 'mails', 'sharded')
    ) t (place, name, kind)
    ORDER BY t.place
$$;
COMMENT ON FUNCTION timetrackr.citus_tables() IS
'Part of distribute(): the tables that it distributes. kind: sharded, by user, or copied, whole on every node.';

CREATE FUNCTION timetrackr.is_home(user_id bigint)
RETURNS boolean
LANGUAGE C
STABLE
STRICT
AS 'MODULE_PATHNAME', 'tt_is_home_here';
COMMENT ON FUNCTION timetrackr.is_home(bigint) IS
'Does this node have the rows of the user? The only one there is does.';

CREATE FUNCTION timetrackr.at_home(user_id bigint, statement text, arguments text[])
RETURNS SETOF record
LANGUAGE C
VOLATILE
STRICT
AS 'MODULE_PATHNAME', 'tt_at_home';
COMMENT ON FUNCTION timetrackr.at_home(bigint, text, text[]) IS
'Runs a statement, with arguments for its $1, $2, …, where the user has his rows, as if there were no other node; on one server just so. For statements that read and write what is his and small tables alone. Each session keeps the plans of up to 1000 statements. Errors: 40001 when that is another node and the call is not by itself; 42804 when the columns are others than those of the call''s AS, where text stands for any type; 42601 for what is not one statement; 22023 for another number of arguments than it has parameters; those of the statement.';

CREATE FUNCTION timetrackr.answer_at_home(user_id bigint, statement text, arguments text[])
RETURNS SETOF record
LANGUAGE C
VOLATILE
STRICT
AS 'MODULE_PATHNAME', 'tt_answer_at_home';
COMMENT ON FUNCTION timetrackr.answer_at_home(bigint, text, text[]) IS
'Runs a statement as at_home() does, in a subtransaction, and tells of a refusal, an error of class TT, by a row: after an error Citus gives up the connection to the other node, which costs more than most calls. The call''s AS has four columns of text at its end, sqlstate, message, detail and hint (code and field), which are null otherwise. Errors: the others of at_home().';

CREATE FUNCTION timetrackr.at_each_home(statement text, arguments text[] DEFAULT '{}')
RETURNS SETOF record
LANGUAGE C
VOLATILE
STRICT
AS 'MODULE_PATHNAME', 'tt_at_each_home';
COMMENT ON FUNCTION timetrackr.at_each_home(text, text[]) IS
'Runs a statement as at_home() does for the users who are at home on this node, a shard after the other, and returns the rows of all; on one server once.';

CREATE FUNCTION timetrackr.home_functions()
RETURNS TABLE (
    name text,
    user_argument text
)
LANGUAGE sql
IMMUTABLE
AS $$
    SELECT f.name, f.user_argument
    FROM (VALUES
        ('at_home', 'user_id'),
        ('answer_at_home', 'user_id'),
        ('start_entry', 'viewer_id'),
        ('stop_entry', 'viewer_id'),
        ('update_entry', 'viewer_id'),
        ('delete_entry', 'viewer_id'),
        ('import_entries', 'viewer_id'),
        ('entry', 'viewer_id'),
        ('current_entry', 'viewer_id'),
        ('list_entries', 'viewer_id'),
        ('export_entries', 'viewer_id'),
        ('report_summary', 'viewer_id'),
        ('create_project', 'viewer_id'),
        ('join_project', 'viewer_id'),
        ('profile_card', 'user_id'),
        ('activity', 'user_id'),
        ('days', 'user_id'),
        ('timeline', 'user_id'),
        ('list_user_badges', 'user_id'),
        ('badge_progress', 'user_id'),
        ('list_notifications', 'viewer_id'),
        ('unread_notifications', 'viewer_id'),
        ('read_notifications', 'viewer_id'),
        ('list_sessions', 'viewer_id'),
        ('end_session', 'viewer_id'),
        ('logout', 'viewer_id'),
        ('once', 'viewer_id'),
        ('remember', 'viewer_id'),
        ('create_webhook', 'viewer_id'),
        ('update_webhook', 'viewer_id'),
        ('delete_webhook', 'viewer_id'),
        ('rotate_webhook_secret', 'viewer_id'),
        ('test_webhook', 'viewer_id'),
        ('retry_webhook_delivery', 'viewer_id'),
        ('list_webhooks', 'viewer_id'),
        ('webhook', 'viewer_id'),
        ('list_webhook_deliveries', 'viewer_id'),
        ('verify_user', 'user_id'),
        ('rebuild', 'user_id')
    ) f (name, user_argument)
$$;
COMMENT ON FUNCTION timetrackr.home_functions() IS
'Part of distribute(): functions that read what is one user''s and small tables alone, and write what is his, and the argument that is the user. Citus calls them on the node that has his rows. Those that change small tables are not among them, but for two whose calls may have a key of once(), which is the user''s: all nodes take part, and the one that a client is connected to keeps its connections to the others.';

CREATE FUNCTION timetrackr.is_distributed()
RETURNS boolean
LANGUAGE C
STABLE
AS 'MODULE_PATHNAME', 'tt_is_distributed_here';
COMMENT ON FUNCTION timetrackr.is_distributed() IS
'Has distribute() cut this database into those of several nodes?';

CREATE FUNCTION timetrackr.called_at_home()
RETURNS TABLE (
    name text,
    user_argument text
)
LANGUAGE sql
STABLE
AS $$
    SELECT f.name, f.user_argument
    FROM timetrackr.home_functions() f
    WHERE timetrackr.is_distributed()
$$;
COMMENT ON FUNCTION timetrackr.called_at_home() IS
'home_functions(); on one server none. A statement that calls one of them and does more is to be given to at_home() or answer_at_home().';

CREATE FUNCTION timetrackr.act_as(user_id bigint)
RETURNS void
LANGUAGE plpgsql
VOLATILE
AS $$
BEGIN
    -- As a statement, which Citus hands on, unlike a call of set_config().
    EXECUTE pg_catalog.format('SET LOCAL timetrackr.user_id = %L',
        CASE WHEN act_as.user_id = 0 THEN '' ELSE act_as.user_id::text END);
END
$$;
COMMENT ON FUNCTION timetrackr.act_as(bigint) IS
'On several nodes: whose doing is what this transaction does next, on each node; 0: nobody''s.';

CREATE FUNCTION timetrackr.on_other_nodes(command text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    failed record;
BEGIN
    FOR failed IN EXECUTE 'SELECT * FROM pg_catalog.run_command_on_workers($1) r WHERE NOT r.success'
        USING command
    LOOP
        RAISE EXCEPTION 'node %:%: %', failed.nodename, failed.nodeport, failed.result
            USING ERRCODE = 'connection_exception';
    END LOOP;
END
$$;
COMMENT ON FUNCTION timetrackr.on_other_nodes(text) IS
'Part of distribute(): runs a command on every node but this one. Errors: 08000 with what the first node said where it failed.';

CREATE FUNCTION timetrackr.distribute_table(name text, kind text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    relation CONSTANT regclass := format('timetrackr.%I', name)::regclass;
    column_name name;
    trigger_name name;
BEGIN
    -- Its shards would have columns of other numbers.
    IF kind = 'sharded' AND EXISTS (
        SELECT
        FROM pg_attribute a
        WHERE a.attrelid = relation
            AND a.attisdropped
    ) THEN
        RAISE EXCEPTION 'table % has had columns that were dropped', relation
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Dump the database, restore it, and distribute that one.';
    END IF;
    -- Those of an identity column are one node's.
    FOR column_name IN
        SELECT a.attname
        FROM pg_attribute a
        WHERE a.attrelid = relation
            AND a.attidentity <> ''
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %2$I DROP IDENTITY, ALTER COLUMN %2$I SET DEFAULT timetrackr.next_id()',
            relation, column_name);
    END LOOP;
    -- They would take each copied row for a new one.
    FOR trigger_name IN
        SELECT t.tgname
        FROM pg_trigger t
        WHERE t.tgrelid = relation
            AND NOT t.tgisinternal
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', trigger_name, relation);
    END LOOP;
    IF kind = 'copied' THEN
        EXECUTE 'SELECT pg_catalog.create_reference_table($1)' USING relation;
    ELSE
        EXECUTE 'SELECT pg_catalog.create_distributed_table($1, ''user_id'', colocate_with => $2)'
            USING relation, CASE WHEN name = 'user_totals' THEN 'none' ELSE 'timetrackr.user_totals' END;
    END IF;
END
$$;
COMMENT ON FUNCTION timetrackr.distribute_table(text, text) IS
'Part of distribute(): distributes one table with its rows, without its triggers. Errors: 55000 when columns of a sharded table were dropped.';

CREATE FUNCTION timetrackr.require_citus()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    nodes integer;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'citus') THEN
        RAISE EXCEPTION 'this database has no Citus'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Put citus into shared_preload_libraries, CREATE EXTENSION citus on every node, and make them known to each other by citus_set_coordinator_host() and citus_add_node().';
    END IF;
    EXECUTE 'SELECT count(*) FROM pg_catalog.pg_dist_node WHERE groupid = 0 AND isactive' INTO nodes;
    IF nodes = 0 THEN
        RAISE EXCEPTION 'the coordinator is not known to Citus'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'SELECT citus_set_coordinator_host(…) on it, so that it has copies of small tables, too.';
    END IF;
    IF (SELECT schema_version FROM timetrackr.meta) <> timetrackr.schema_version() THEN
        RAISE EXCEPTION 'the tables are those of another version'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Run SELECT timetrackr.install() first.';
    END IF;
END
$$;
COMMENT ON FUNCTION timetrackr.require_citus() IS
'Part of distribute(): raises unless this is the coordinator of Citus nodes, with tables that are up to date. Errors: 55000.';

CREATE FUNCTION timetrackr.register_home_functions()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    registered record;
BEGIN
    FOR registered IN
        SELECT p.oid::regprocedure AS function, f.user_argument
        FROM timetrackr.home_functions() f
        JOIN pg_proc p ON p.proname = f.name
            AND p.pronamespace = 'timetrackr'::regnamespace
    LOOP
        EXECUTE 'SELECT pg_catalog.create_distributed_function($1, $2, colocate_with => ''timetrackr.user_totals'')'
            USING registered.function, registered.user_argument;
    END LOOP;
END
$$;
COMMENT ON FUNCTION timetrackr.register_home_functions() IS
'Part of distribute(): tells Citus at which user''s home functions are to be called.';

CREATE FUNCTION timetrackr.distribute()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning
SET citus.enable_unsafe_triggers = on
SET citus.enable_local_reference_table_foreign_keys = off
AS $$
DECLARE
    missing record;
    distributed regclass[] := '{}';
BEGIN
    PERFORM timetrackr.require_citus();
    PERFORM pg_advisory_xact_lock(8391171951110545261);
    -- In transactions of the other nodes' own, so before this one changes anything there.
    PERFORM timetrackr.on_other_nodes(format('SELECT timetrackr.%I()', f.name))
    FROM unnest(ARRAY[
        'create_throttle_table',
        'create_standing_tables',
        'create_event_tables',
        'create_relay_tables',
        'create_stream_table',
        'create_carry_table',
        'create_id_sequence',
        'create_reset_request_table'
    ]) f (name);
    PERFORM timetrackr.give_calls_elsewhere(r)
    FROM timetrackr.api_roles() r;
    -- Statements of this transaction that go to all nodes take one connection to each.
    SET LOCAL citus.multi_shard_modify_mode = 'sequential';
    FOR missing IN EXECUTE
        'SELECT t.name, t.kind
        FROM timetrackr.citus_tables() t
        WHERE NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_dist_partition p
            WHERE p.logicalrelid = format(''timetrackr.%I'', t.name)::regclass
        )'
    LOOP
        PERFORM timetrackr.distribute_table(missing.name, missing.kind);
        distributed := distributed || format('timetrackr.%I', missing.name)::regclass;
    END LOOP;
    IF distributed <> '{}' THEN
        -- What is in the shards now is here, too, where nobody sees it.
        EXECUTE 'SELECT pg_catalog.truncate_local_data_after_distributing_table(t) FROM unnest($1) t'
            USING distributed;
        PERFORM timetrackr.create_triggers();
    END IF;
    PERFORM timetrackr.register_home_functions();
    PERFORM timetrackr.look_everywhere();
    PERFORM timetrackr.on_other_nodes('SELECT timetrackr.look_everywhere()');
    -- Whoever connects plans with what he finds (home_plan.c); and no node may PREPARE a
    -- transaction that has sent a NOTIFY, so the relay looks by itself.
    EXECUTE format('ALTER DATABASE %I SET session_preload_libraries = timetrackr', current_database());
    EXECUTE format('ALTER DATABASE %I SET timetrackr.notify = off', current_database());
    EXECUTE format('ALTER DATABASE %I SET citus.multi_shard_modify_mode = sequential', current_database());
    EXECUTE format('ALTER DATABASE %I SET citus.propagate_set_commands = local', current_database());
END
$$;
COMMENT ON FUNCTION timetrackr.distribute() IS
'On the coordinator of Citus nodes: distributes the tables, which may have rows, among them by user, for good; a second call distributes what install() has added since. Errors: 55000 without Citus, when install() is to be run first, or when columns of a table were dropped, so that its shards would have other ones; 08000 when a node fails.';
