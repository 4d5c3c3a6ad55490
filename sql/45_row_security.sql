-- Row-level security, off until enable_rls(): roles made by grant_end_user()
-- see and change what the user named by timetrackr.user_id may, straight in
-- the tables. Only those roles are bound: the policies restrict them by name,
-- and let everybody else do what he was granted. Policies, views and defaults
-- hold no extension function, so that they outlive the extension.

CREATE FUNCTION timetrackr.rls_viewer()
RETURNS text
LANGUAGE sql
IMMUTABLE
AS $$
    -- Until the module is loaded, any text can be in the setting.
    SELECT $expression$
        CASE
            WHEN current_setting('timetrackr.user_id', true) ~ '^[0-9]{1,18}$'
                THEN current_setting('timetrackr.user_id', true)::bigint
        END
    $expression$
$$;
COMMENT ON FUNCTION timetrackr.rls_viewer() IS
'Part of enable_rls(): the expression for the id of the session''s user, null for a visitor.';

CREATE FUNCTION timetrackr.rls_rules()
RETURNS TABLE (
    relation text,
    may_select text,
    may_insert text,
    may_update text,
    may_delete text
)
LANGUAGE sql
IMMUTABLE
AS $$
    SELECT r.relation, f.may_select, f.may_insert, f.may_update, f.may_delete
    FROM (
        VALUES
            ('users', 'true', 'false', 'id = :me', 'false'),
            ('projects',
                'visibility = ''public'' OR id IN (SELECT v.project_id FROM timetrackr.viewer_projects v)',
                'owner_id = :me', 'owner_id = :me', 'owner_id = :me'),
            -- Whom the policies of projects let see the project, and joining it.
            ('project_members',
                'EXISTS (SELECT FROM timetrackr.projects p WHERE p.id = project_members.project_id)',
                'user_id = :me AND role = ''contributor'' AND EXISTS ('
                    'SELECT FROM timetrackr.projects p WHERE p.id = project_members.project_id'
                    ' AND p.visibility = ''public'' AND p.archived_at IS NULL)',
                'false', 'false'),
            ('time_entries', 'user_id = :me', 'user_id = :me', 'user_id = :me', 'user_id = :me'),
            ('timeline_events', 'user_id = :me', 'false', 'false', 'false'),
            ('notifications', 'user_id = :me', 'false', 'user_id = :me', 'user_id = :me'),
            ('badges',
                'enabled OR EXISTS (SELECT FROM timetrackr.user_badges b WHERE b.badge_id = badges.id)',
                'false', 'false', 'false'),
            ('user_badges', 'user_id = :me', 'false', 'false', 'false'),
            ('user_totals', 'listed OR user_id = :me', 'false', 'false', 'false'),
            -- What project boards show: listed users on projects one may see.
            ('project_totals',
                'user_id = :me OR ('
                    'EXISTS (SELECT FROM timetrackr.projects p WHERE p.id = project_totals.project_id)'
                    ' AND EXISTS (SELECT FROM timetrackr.user_totals t WHERE t.user_id = project_totals.user_id AND t.listed))',
                'false', 'false', 'false'),
            ('day_totals', 'user_id = :me', 'false', 'false', 'false'),
            ('scores', 'listed OR user_id = :me', 'false', 'false', 'false'),
            -- They tell of nobody.
            ('standings', 'true', 'false', 'false', 'false'),
            ('standing_moves', 'true', 'false', 'false', 'false')
    ) r (relation, may_select, may_insert, may_update, may_delete)
    CROSS JOIN LATERAL (
        SELECT
            replace(r.may_select, ':me', me.query) AS may_select,
            replace(r.may_insert, ':me', me.query) AS may_insert,
            replace(r.may_update, ':me', me.query) AS may_update,
            replace(r.may_delete, ':me', me.query) AS may_delete
        -- A query of its own, which is run once a statement.
        FROM (VALUES ('(SELECT v.user_id FROM timetrackr.viewer v)')) me (query)
    ) f
$$;
COMMENT ON FUNCTION timetrackr.rls_rules() IS
'Part of enable_rls(): for each table under row-level security, which rows an end user may select, insert, update and delete. What he may do to a table at all is up to grant_end_user().';

CREATE FUNCTION timetrackr.rls_roles()
RETURNS regrole[]
LANGUAGE sql
STABLE
AS $$
    SELECT COALESCE(array_agg(DISTINCT m.member::regrole ORDER BY m.member::regrole), '{}')
    FROM pg_catalog.pg_policy p
    JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL unnest(p.polroles) m (member)
    WHERE n.nspname = 'timetrackr'
        AND p.polname LIKE 'timetrackr\_end\_user\_%'
$$;
COMMENT ON FUNCTION timetrackr.rls_roles() IS
'The roles that grant_end_user() made end users of; the policies say so.';

CREATE FUNCTION timetrackr.rls_enabled()
RETURNS boolean
LANGUAGE sql
STABLE
AS $$
    SELECT COALESCE(bool_and(c.relrowsecurity), false)
    FROM timetrackr.rls_rules() r
    LEFT JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass('timetrackr.' || r.relation)
$$;
COMMENT ON FUNCTION timetrackr.rls_enabled() IS
'Whether enable_rls() is in force.';

CREATE FUNCTION timetrackr.create_rls_views()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('CREATE OR REPLACE VIEW timetrackr.viewer WITH (security_barrier) AS SELECT %s AS user_id',
        timetrackr.rls_viewer());
    PERFORM timetrackr.describe_view('viewer',
        'One row: whom row-level security takes the session for.',
        '{"user_id": "The setting timetrackr.user_id; null when it is unset or no number: a visitor."}');

    -- Views read with their owner's rights: what they show needs no policy,
    -- and the policies that look at them don't look at themselves.
    CREATE OR REPLACE VIEW timetrackr.viewer_projects WITH (security_barrier) AS
    SELECT m.project_id, m.role, m.joined_at
    FROM timetrackr.project_members m
    WHERE m.user_id = (SELECT v.user_id FROM timetrackr.viewer v);
    PERFORM timetrackr.describe_view('viewer_projects',
        'The projects that the session''s user is a member of.',
        '{
            "project_id": "The project; unique.",
            "role": "His role in it: owner, manager, contributor or viewer.",
            "joined_at": "When he joined."
        }');

    CREATE OR REPLACE VIEW timetrackr.viewer_account WITH (security_barrier) AS
    SELECT u.id AS user_id, u.username, u.email, u.role, u.timezone, u.bio, u.avatar, u.listed, u.created_at
    FROM timetrackr.users u
    WHERE u.id = (SELECT v.user_id FROM timetrackr.viewer v);
    PERFORM timetrackr.describe_view('viewer_account',
        'The session''s user with what only he may see of himself; no row for a visitor.',
        '{
            "user_id": "His id.",
            "username": "His name.",
            "email": "His email address.",
            "role": "user or admin; an admin may no more than others here.",
            "timezone": "The time zone of his new entries.",
            "bio": "What he says of himself.",
            "avatar": "The address of his picture, or null.",
            "listed": "Whether public boards show him.",
            "created_at": "When he joined."
        }');
END
$$;
COMMENT ON FUNCTION timetrackr.create_rls_views() IS
'Part of enable_rls(): the views of the session''s user.';

CREATE FUNCTION timetrackr.create_policies(roles regrole[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    rule record;
    policy record;
    names text := (SELECT string_agg(r::text, ', ') FROM unnest(roles) r);
BEGIN
    FOR rule IN
        SELECT *
        FROM timetrackr.rls_rules()
    LOOP
        -- Restrictive policies only take away: this is what they take from.
        EXECUTE format('DROP POLICY IF EXISTS timetrackr_others ON timetrackr.%I', rule.relation);
        EXECUTE format('CREATE POLICY timetrackr_others ON timetrackr.%I USING (true) WITH CHECK (true)', rule.relation);
        FOR policy IN
            SELECT p.command, p.clause
            FROM (
                VALUES
                    ('select', format('USING (%s)', rule.may_select)),
                    ('insert', format('WITH CHECK (%s)', rule.may_insert)),
                    ('update', format('USING (%s)', rule.may_update)),
                    ('delete', format('USING (%s)', rule.may_delete))
            ) p (command, clause)
        LOOP
            EXECUTE format('DROP POLICY IF EXISTS timetrackr_end_user_%s ON timetrackr.%I', policy.command, rule.relation);
            CONTINUE WHEN names IS NULL;
            EXECUTE format('CREATE POLICY timetrackr_end_user_%s ON timetrackr.%I AS RESTRICTIVE FOR %s TO %s %s',
                policy.command, rule.relation, upper(policy.command), names, policy.clause);
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION timetrackr.create_policies(regrole[]) IS
'Part of enable_rls() and grant_end_user(): makes the policies anew, binding these roles.';

CREATE FUNCTION timetrackr.enable_rls()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning
AS $$
DECLARE
    relation text;
BEGIN
    IF timetrackr.is_distributed() THEN
        RAISE EXCEPTION 'row-level security is of one server: on several nodes settings of a session are not known to the others'
            USING ERRCODE = 'feature_not_supported';
    END IF;
    -- One at a time, and not while install() runs.
    PERFORM pg_advisory_xact_lock(8391171951110545261);
    PERFORM timetrackr.create_rls_views();
    PERFORM timetrackr.create_policies(timetrackr.rls_roles());
    FOR relation IN
        SELECT r.relation
        FROM timetrackr.rls_rules() r
    LOOP
        EXECUTE format('ALTER TABLE timetrackr.%I ENABLE ROW LEVEL SECURITY', relation);
    END LOOP;
    -- An end user's rows are his without saying so; he has no right to say
    -- whose they are, lest a trigger's answer tell him about others.
    EXECUTE format('ALTER TABLE timetrackr.time_entries ALTER user_id SET DEFAULT %s', timetrackr.rls_viewer());
    EXECUTE format('ALTER TABLE timetrackr.projects ALTER owner_id SET DEFAULT %s', timetrackr.rls_viewer());
    EXECUTE format('ALTER TABLE timetrackr.project_members ALTER user_id SET DEFAULT %s', timetrackr.rls_viewer());
END
$$;
COMMENT ON FUNCTION timetrackr.enable_rls() IS
'Turns row-level security on, for the roles that grant_end_user() names and nobody else; the tables'' owner runs it, again after an upgrade. It locks the tables for a moment. Errors: 0A000 on several nodes.';

CREATE FUNCTION timetrackr.disable_rls()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning
AS $$
DECLARE
    end_user regrole;
    relation text;
    command text;
BEGIN
    PERFORM pg_advisory_xact_lock(8391171951110545261);
    -- Without policies their rights would open every row to them.
    FOREACH end_user IN ARRAY timetrackr.rls_roles() LOOP
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA timetrackr FROM %s', end_user);
        EXECUTE format('REVOKE ALL ON ALL FUNCTIONS IN SCHEMA timetrackr FROM %s', end_user);
        EXECUTE format('REVOKE ALL ON SCHEMA timetrackr FROM %s', end_user);
    END LOOP;
    FOR relation IN
        SELECT r.relation
        FROM timetrackr.rls_rules() r
    LOOP
        EXECUTE format('ALTER TABLE timetrackr.%I DISABLE ROW LEVEL SECURITY', relation);
        FOREACH command IN ARRAY ARRAY['others', 'end_user_select', 'end_user_insert', 'end_user_update', 'end_user_delete'] LOOP
            EXECUTE format('DROP POLICY IF EXISTS timetrackr_%s ON timetrackr.%I', command, relation);
        END LOOP;
    END LOOP;
    ALTER TABLE timetrackr.time_entries ALTER user_id DROP DEFAULT;
    ALTER TABLE timetrackr.projects ALTER owner_id DROP DEFAULT;
    ALTER TABLE timetrackr.project_members ALTER user_id DROP DEFAULT;
    DROP VIEW IF EXISTS timetrackr.viewer_account, timetrackr.viewer_projects, timetrackr.viewer;
END
$$;
COMMENT ON FUNCTION timetrackr.disable_rls() IS
'Turns row-level security off, and takes every right in schema timetrackr from the roles that grant_end_user() named: without policies they would see every row.';

CREATE FUNCTION timetrackr.require_bindable(role regrole)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT timetrackr.rls_enabled() THEN
        RAISE EXCEPTION 'row-level security is off'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Run SELECT timetrackr.enable_rls() first.';
    END IF;
    IF EXISTS (
        SELECT
        FROM pg_roles r
        WHERE r.oid = role
            AND (r.rolsuper OR r.rolbypassrls)
    ) OR EXISTS (
        SELECT
        FROM timetrackr.rls_rules() t
        JOIN pg_class c ON c.oid = to_regclass('timetrackr.' || t.relation)
        WHERE pg_has_role(role, c.relowner, 'USAGE')
    ) THEN
        RAISE EXCEPTION 'row-level security does not bind role %', role
            USING ERRCODE = 'invalid_grant_operation',
                  HINT = 'An end user is no superuser, has no BYPASSRLS and is no member of the tables'' owner.';
    END IF;
    IF EXISTS (
        SELECT
        FROM pg_proc p
        WHERE p.pronamespace = 'timetrackr'::regnamespace
            AND p.prosecdef
            AND has_function_privilege(role, p.oid, 'EXECUTE')
    ) THEN
        RAISE EXCEPTION 'role % may act for any user: it may call the functions of the API', role
            USING ERRCODE = 'invalid_grant_operation',
                  HINT = 'Use a role of its own for end users.';
    END IF;
END
$$;
COMMENT ON FUNCTION timetrackr.require_bindable(regrole) IS
'Part of grant_end_user(): an error when row-level security is off or would not hold role back.';

CREATE FUNCTION timetrackr.grant_end_user(role regrole)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(8391171951110545261);
    PERFORM timetrackr.require_bindable(role);
    -- First the bounds, then the rights.
    PERFORM timetrackr.create_policies(ARRAY(
        SELECT unnest(timetrackr.rls_roles())
        UNION
        SELECT role));
    EXECUTE format('GRANT USAGE ON SCHEMA timetrackr TO %s', role);
    EXECUTE format('GRANT SELECT ON timetrackr.viewer, timetrackr.viewer_projects, timetrackr.viewer_account,'
        ' timetrackr.projects, timetrackr.project_members, timetrackr.time_entries, timetrackr.timeline_events,'
        ' timetrackr.notifications, timetrackr.badges, timetrackr.user_badges, timetrackr.user_totals,'
        ' timetrackr.project_totals, timetrackr.day_totals, timetrackr.scores,'
        ' timetrackr.standings, timetrackr.standing_moves TO %s', role);
    EXECUTE format('GRANT SELECT (id, username, bio, avatar, created_at),'
        ' UPDATE (username, timezone, bio, listed) ON timetrackr.users TO %s', role);
    EXECUTE format('GRANT INSERT (name, description, visibility),'
        ' UPDATE (name, description, visibility, archived_at), DELETE ON timetrackr.projects TO %s', role);
    EXECUTE format('GRANT INSERT (project_id) ON timetrackr.project_members TO %s', role);
    EXECUTE format('GRANT INSERT (project_id, start_time, end_time, note, tags, source),'
        ' UPDATE (project_id, start_time, end_time, note, tags), DELETE ON timetrackr.time_entries TO %s', role);
    EXECUTE format('GRANT UPDATE (read_at), DELETE ON timetrackr.notifications TO %s', role);
    -- Boards show nobody who is not listed, whoever asks.
    PERFORM timetrackr.grant_functions(role, ARRAY[
        'leaderboard', 'leaderboard_around', 'project_leaderboard',
        'board_start', 'board_above', 'project_seconds', 'standing_bucket', 'standing_end', 'project_visible', 'visible_projects',
        'current_streak', 'day_slices'
    ]);
END
$$;
COMMENT ON FUNCTION timetrackr.grant_end_user(regrole) IS
'Grants an existing role what the user named by the setting timetrackr.user_id may see and change in the tables, and binds it by row-level security: own entries, notifications, badges and timeline; visible projects, and changing own ones; joining a public project; the public columns of users, and changing own ones; leaderboards. Whoever may run any SQL as this role can be any user. Errors: 55000 before enable_rls(); 0LP01 when policies would not bind the role, or it may call the functions of the API. Run it again after an upgrade.';
