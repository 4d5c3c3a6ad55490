-- Who may do what. Nobody but the owner, until grant_api(), grant_analyst() or
-- grant_monitor() says so: a function of the extension is no door that opens by itself.

CREATE FUNCTION timetrackr.grant_functions(role regrole, names text[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    function_name text;
    function regprocedure;
BEGIN
    FOREACH function_name IN ARRAY names LOOP
        SELECT p.oid INTO STRICT function
        FROM pg_proc p
        WHERE p.pronamespace = 'timetrackr'::regnamespace
            AND p.proname = function_name;
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', function, role);
    END LOOP;
END
$$;
COMMENT ON FUNCTION timetrackr.grant_functions(regrole, text[]) IS
'Part of grant_api(): lets role call the functions of these names.';

CREATE FUNCTION timetrackr.keep_parameters_unlogged(role regrole)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    setting text;
BEGIN
    FOREACH setting IN ARRAY ARRAY['log_parameter_max_length', 'log_parameter_max_length_on_error']
        || CASE WHEN current_setting('server_version_num')::integer >= 160000
            THEN ARRAY['auto_explain.log_parameter_max_length'] END
    LOOP
        -- Who may not do it again need not when it is done.
        CONTINUE WHEN EXISTS (
            SELECT
            FROM pg_db_role_setting s
            JOIN pg_database d ON d.oid = s.setdatabase
            WHERE d.datname = current_database()
                AND s.setrole = role
                AND setting || '=0' = ANY (s.setconfig)
        );
        EXECUTE format('ALTER ROLE %s IN DATABASE %I SET %s = 0', role, current_database(), setting);
    END LOOP;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'the server may log passwords and tokens that role % sends', role
        USING HINT = format('A superuser should run: ALTER ROLE %s IN DATABASE %I SET log_parameter_max_length = 0;',
            role, current_database());
END
$$;
COMMENT ON FUNCTION timetrackr.keep_parameters_unlogged(regrole) IS
'Part of grant_api(): parameters of the role''s statements, passwords and tokens among them, get into no log of the server, whatever it logs. A warning when the caller may not see to it.';

CREATE FUNCTION timetrackr.give_calls(role regrole)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA timetrackr TO %s', role);
    PERFORM timetrackr.keep_parameters_unlogged(role);

    -- The endpoints.
    PERFORM timetrackr.grant_functions(role, ARRAY[
        'signup', 'login', 'refresh', 'logout', 'me', 'update_me',
        'change_password', 'delete_me', 'list_sessions', 'end_session', 'export_account',
        'profile', 'find_users', 'activity', 'timeline', 'list_user_badges', 'list_badges', 'list_all_badges',
        'create_project', 'list_projects', 'project', 'set_visibility', 'join_project',
        'update_project', 'delete_project', 'set_member', 'remove_member', 'project_leaderboard',
        'start_entry', 'stop_entry', 'current_entry', 'entry', 'update_entry', 'delete_entry', 'list_entries',
        'leaderboard', 'leaderboard_around',
        'create_badge', 'update_badge', 'delete_badge', 'preview_badge', 'backfill_badge', 'badge_progress',
        'days', 'report_summary', 'events', 'export_entries', 'import_entries',
        'list_notifications', 'unread_notifications', 'read_notifications',
        'list_webhooks', 'webhook', 'create_webhook', 'update_webhook', 'delete_webhook', 'rotate_webhook_secret',
        'test_webhook', 'list_webhook_deliveries', 'retry_webhook_delivery',
        'forgot_password', 'reset_password', 'unsubscribe', 'unsubscribe_page',
        'picture', 'set_avatar', 'remove_avatar', 'set_badge_image', 'sign_upload', 'note_upload'
    ]);
    -- What the proxy's statements and the inlined reads call.
    PERFORM timetrackr.grant_functions(role, ARRAY[
        'json', 'csv', 'api_fields', 'called_at_home', 'home_functions', 'is_distributed', 'at_home', 'answer_at_home', 'once', 'remember', 'user_exists', 'external_user', 'visible_projects',
        'project_visible', 'current_streak',
        'profile_card', 'board_start', 'board_above', 'project_seconds', 'standing_bucket', 'standing_end', 'notification_payload',
        'stream_check', 'stream_position',
        'check_days', 'check_report_groups', 'day_slices', 'check_admin', 'badge_holders'
    ]);

    -- What the relay calls.
    PERFORM timetrackr.grant_functions(role, ARRAY[
        'relay_state', 'relay_status', 'outbound_status', 'try_to_lead', 'claim_events', 'finish_events', 'fail_events',
        'live_boards', 'board_index', 'board_member', 'board_changes', 'board_page', 'settled_users',
        'stream_state', 'stream_after',
        'node_number', 'carried_until', 'events_for', 'take_events', 'skip_events'
    ]);

    -- What the sender calls.
    PERFORM timetrackr.grant_functions(role, ARRAY[
        'begin_outbound', 'outbound_wait', 'tidy_outbound',
        'claim_deliveries', 'finish_delivery', 'claim_mails', 'finish_mail'
    ]);

    -- Tables that each node has for itself. By the identity a standby is known to be the primary's.
    EXECUTE format('GRANT SELECT ON timetrackr.standings, timetrackr.standing_moves, timetrackr.stream TO %s', role);
    EXECUTE format('GRANT SELECT (identity) ON timetrackr.relay TO %s', role);
END
$$;
COMMENT ON FUNCTION timetrackr.give_calls(regrole) IS
'Part of grant_api(): lets role call functions of this node, and read the tables that only it has.';

CREATE FUNCTION timetrackr.give_reads(role regrole)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- What the inlined reads look at, with the caller's rights. Writing is for
    -- the functions alone, and no password hash is ever read outside them.
    EXECUTE format('GRANT SELECT (id, email, username, role, timezone, bio, avatar, listed, email_notifications,'
        ' email_also, email_never, created_at)'
        ' ON timetrackr.users TO %s', role);
    -- The secrets that sign are read by claim_deliveries() alone.
    EXECUTE format('GRANT SELECT (user_id, id, url, description, topics, project_ids, enabled, disabled_reason,'
        ' failing_since, created_at, updated_at) ON timetrackr.webhooks TO %s', role);
    EXECUTE format('GRANT SELECT ON timetrackr.projects, timetrackr.project_members,'
        ' timetrackr.time_entries, timetrackr.timeline_events, timetrackr.badges, timetrackr.user_badges,'
        ' timetrackr.notifications, timetrackr.media,'
        ' timetrackr.user_totals, timetrackr.project_totals, timetrackr.day_totals, timetrackr.scores,'
        ' timetrackr.webhook_deliveries, timetrackr.meta TO %s', role);
END
$$;
COMMENT ON FUNCTION timetrackr.give_reads(regrole) IS
'Part of grant_api(): lets role read what the API shows. On several nodes Citus hands it on.';

CREATE FUNCTION timetrackr.give_calls_here(name text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET citus.enable_ddl_propagation = off
-- The caller's transaction may have made the role, and then waits for this one.
SET lock_timeout = '10 s'
AS $$
DECLARE
    setting text;
BEGIN
    IF pg_catalog.to_regrole(pg_catalog.quote_ident(name)) IS NULL THEN
        EXECUTE format('CREATE ROLE %I LOGIN', name);
    END IF;
    PERFORM timetrackr.give_calls(quote_ident(name)::regrole);
    -- Citus writes parameters into the statements that it sends.
    FOREACH setting IN ARRAY ARRAY['log_min_error_statement=panic', 'log_statement=none', 'log_min_duration_statement=-1'] LOOP
        EXECUTE format('ALTER ROLE %I IN DATABASE %I SET %s', name, current_database(),
            replace(setting, '=', ' = '));
    END LOOP;
END
$$;
COMMENT ON FUNCTION timetrackr.give_calls_here(text) IS
'Part of grant_api() on several nodes: give_calls() on another node than the first, where the role is created if need be. Its statements get into no log there, since passwords are in them. Errors: 55P03 when the role was made in the transaction that calls grant_api().';

CREATE FUNCTION timetrackr.give_calls_elsewhere(role regrole)
RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT timetrackr.on_other_nodes(format('SELECT timetrackr.give_calls_here(%L)', r.rolname))
    FROM pg_roles r
    WHERE r.oid = give_calls_elsewhere.role
$$;
COMMENT ON FUNCTION timetrackr.give_calls_elsewhere(regrole) IS
'Part of grant_api() and distribute(): give_calls_here() on every node but this one.';

CREATE FUNCTION timetrackr.grant_api(role regrole)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- First, in a transaction of each node's: what is given here next Citus gives there, too.
    IF timetrackr.is_distributed() THEN
        PERFORM timetrackr.give_calls_elsewhere(role);
    END IF;
    PERFORM timetrackr.give_calls(role);
    PERFORM timetrackr.give_reads(role);
END
$$;
COMMENT ON FUNCTION timetrackr.grant_api(regrole) IS
'Grants an existing role what the proxy needs, and no more: to call the API''s functions and to read the columns they show, never password_hash. What the role sends is kept out of the server''s log (log_parameter_max_length), if the caller is a superuser. Run it after install(), which renews it after an upgrade. On several nodes, on the first one, it does so on all.';

CREATE FUNCTION timetrackr.grant_analyst(role regrole)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA timetrackr TO %s', role);
    EXECUTE format('GRANT SELECT ON timetrackr.report_entries, timetrackr.report_days,'
        ' timetrackr.report_projects, timetrackr.report_project_weeks, timetrackr.report_leaderboard,'
        ' timetrackr.report_badges, timetrackr.report_streaks, timetrackr.report_cohorts TO %s', role);
END
$$;
COMMENT ON FUNCTION timetrackr.grant_analyst(regrole) IS
'Grants an existing role the analysts'' views, and no more: what is public, without emails, naming listed users only. Run it after install(), which renews it after an upgrade.';

CREATE FUNCTION timetrackr.grant_monitor(role regrole)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA timetrackr TO %s', role);
    EXECUTE format('GRANT SELECT ON timetrackr.health TO %s', role);
    PERFORM timetrackr.grant_functions(role, ARRAY['health_checks']);
END
$$;
COMMENT ON FUNCTION timetrackr.grant_monitor(regrole) IS
'Grants an existing role, such as pg_monitor, the view health, and no more: nothing of any user. Run it after CREATE EXTENSION; install() renews it after an upgrade.';

-- Whom install() renews grants for: who has rights that nobody gives by hand.
CREATE FUNCTION timetrackr.callers_of(names text[])
RETURNS SETOF regrole
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT DISTINCT a.grantee::regrole
    FROM pg_proc p
    CROSS JOIN LATERAL aclexplode(p.proacl) a
    WHERE p.pronamespace = 'timetrackr'::regnamespace
        AND p.proname = ANY (callers_of.names)
        AND a.grantee NOT IN (0, p.proowner)
$$;
COMMENT ON FUNCTION timetrackr.callers_of(text[]) IS
'Part of renew_grants(): the roles that were granted EXECUTE on any function of these names.';

CREATE FUNCTION timetrackr.api_roles()
RETURNS SETOF regrole
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r
    FROM timetrackr.callers_of('{try_to_lead,claim_events,fail_events}') r
$$;
COMMENT ON FUNCTION timetrackr.api_roles() IS
'Part of renew_grants() and distribute(): the roles that grant_api() was called for.';

CREATE FUNCTION timetrackr.readers_of(relations text[])
RETURNS SETOF regrole
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.grantee::regrole
    FROM pg_class c
    CROSS JOIN LATERAL aclexplode(c.relacl) a
    WHERE c.relnamespace = 'timetrackr'::regnamespace
        AND c.relname = ANY (readers_of.relations)
        AND a.privilege_type = 'SELECT'
        AND a.grantee NOT IN (0, c.relowner)
    GROUP BY a.grantee
    HAVING count(DISTINCT c.oid) = cardinality(readers_of.relations)
$$;
COMMENT ON FUNCTION timetrackr.readers_of(text[]) IS
'Part of renew_grants(): the roles that were granted SELECT on each of these.';

CREATE FUNCTION timetrackr.renew_grants()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM timetrackr.grant_api(r)
    FROM timetrackr.api_roles() r;
    PERFORM timetrackr.grant_analyst(r)
    FROM timetrackr.readers_of('{report_entries,report_days,report_projects}') r;
    PERFORM timetrackr.grant_monitor(r)
    FROM timetrackr.callers_of('{health_checks}') r;
END
$$;
COMMENT ON FUNCTION timetrackr.renew_grants() IS
'Part of install(): what this version of grant_api(), grant_analyst() and grant_monitor() gives, for the roles that an earlier one gave something. A role whose rights were revoked is none of them.';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA timetrackr FROM PUBLIC;
