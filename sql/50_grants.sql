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

CREATE FUNCTION timetrackr.grant_api(role regrole)
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
        'profile', 'activity', 'timeline', 'list_user_badges', 'list_badges',
        'create_project', 'list_projects', 'project', 'set_visibility', 'join_project',
        'update_project', 'delete_project', 'set_member', 'remove_member', 'project_leaderboard',
        'start_entry', 'stop_entry', 'current_entry', 'entry', 'update_entry', 'delete_entry', 'list_entries',
        'leaderboard', 'leaderboard_around',
        'create_badge', 'update_badge', 'delete_badge', 'preview_badge', 'backfill_badge', 'badge_progress',
        'days', 'report_summary', 'events', 'export_entries', 'import_entries',
        'list_notifications', 'unread_notifications', 'read_notifications'
    ]);
    -- What the proxy's statements and the inlined reads call.
    PERFORM timetrackr.grant_functions(role, ARRAY[
        'json', 'csv', 'api_fields', 'once', 'remember', 'user_exists', 'external_user', 'visible_projects',
        'project_visible', 'current_streak',
        'board_start', 'board_above', 'standing_bucket', 'standing_end', 'notification_payload',
        'stream_check', 'stream_position',
        'check_days', 'check_report_groups', 'day_slices'
    ]);

    -- What the relay calls.
    PERFORM timetrackr.grant_functions(role, ARRAY[
        'relay_state', 'relay_status', 'try_to_lead', 'claim_events', 'finish_events', 'fail_events',
        'live_boards', 'board_index', 'board_member', 'board_changes', 'board_page', 'settled_users',
        'stream_state', 'stream_after'
    ]);

    -- What the inlined reads look at, with the caller's rights. Writing is for
    -- the functions alone, and no password hash is ever read outside them.
    EXECUTE format('GRANT SELECT (id, email, username, role, timezone, bio, avatar, listed, created_at)'
        ' ON timetrackr.users TO %s', role);
    EXECUTE format('GRANT SELECT ON timetrackr.projects, timetrackr.project_members,'
        ' timetrackr.time_entries, timetrackr.timeline_events, timetrackr.badges, timetrackr.user_badges,'
        ' timetrackr.notifications,'
        ' timetrackr.user_totals, timetrackr.project_totals, timetrackr.day_totals, timetrackr.scores,'
        ' timetrackr.standings, timetrackr.standing_moves, timetrackr.stream,'
        ' timetrackr.meta TO %s', role);
    -- By this a standby is known to be the primary's.
    EXECUTE format('GRANT SELECT (identity) ON timetrackr.relay TO %s', role);
END
$$;
COMMENT ON FUNCTION timetrackr.grant_api(regrole) IS
'Grants an existing role what the proxy needs, and no more: to call the API''s functions and to read the columns they show, never password_hash. What the role sends is kept out of the server''s log (log_parameter_max_length), if the caller is a superuser. Run it after install(), and again after an upgrade.';

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
'Grants an existing role the analysts'' views, and no more: what is public, without emails, naming listed users only. Run it after install(), and again after an upgrade.';

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
'Grants an existing role, such as pg_monitor, the view health, and no more: nothing of any user. Run it after CREATE EXTENSION, and again after an upgrade.';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA timetrackr FROM PUBLIC;
