-- Projects: making, showing, publishing and joining them.

-- The one place that says who may know of a project. Inlined wherever a
-- project is mentioned; an id joined to it is looked up by key.
CREATE FUNCTION timetrackr.visible_projects(viewer_id bigint)
RETURNS TABLE (
    project_id bigint,
    name text,
    description text,
    visibility text,
    owner_id bigint,
    archived boolean,
    created_at timestamptz
)
LANGUAGE sql
STABLE
AS $$
    SELECT p.id, p.name, p.description, p.visibility, p.owner_id, p.archived_at IS NOT NULL, p.created_at
    FROM timetrackr.projects p
    WHERE p.visibility = 'public'
        OR EXISTS (
            SELECT
            FROM timetrackr.project_members m
            WHERE m.project_id = p.id
                AND m.user_id = visible_projects.viewer_id
        )
$$;
COMMENT ON FUNCTION timetrackr.visible_projects(bigint) IS
'The projects that the viewer (null: a visitor) may know of: the public ones, and those he is a member of.';

CREATE FUNCTION timetrackr.project_visible(viewer_id bigint, project_id bigint)
RETURNS boolean
LANGUAGE sql
STABLE
AS $$
    SELECT EXISTS (
        SELECT
        FROM timetrackr.visible_projects(project_visible.viewer_id) p
        WHERE p.project_id = project_visible.project_id
    )
$$;
COMMENT ON FUNCTION timetrackr.project_visible(bigint, bigint) IS
'Whether the viewer (null: a visitor) may know of the project.';

CREATE FUNCTION timetrackr.create_project(
    viewer_id bigint,
    name text,
    description text DEFAULT NULL,
    visibility timetrackr.visibility DEFAULT 'private',
    OUT project_id bigint
)
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_create_project';
COMMENT ON FUNCTION timetrackr.create_project(bigint, text, text, timetrackr.visibility) IS
'Creates a project that the viewer owns. name has 1 to 200 characters, without the blanks around it; description at most 5000. Errors: 401 invalid_token; 422 missing_field, too_long.';

CREATE FUNCTION timetrackr.set_visibility(
    viewer_id bigint,
    project_id bigint,
    visibility timetrackr.visibility,
    OUT success boolean
)
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_set_visibility';
COMMENT ON FUNCTION timetrackr.set_visibility(bigint, bigint, timetrackr.visibility) IS
'Makes a project public or private; only its owner may. A private project is invisible to all but its members. success is always true. Errors: 401 invalid_token; 403 not_owner; 404 project_not_found; 422 missing_field.';

CREATE FUNCTION timetrackr.join_project(
    viewer_id bigint,
    project_id bigint,
    OUT project_id bigint,
    OUT role text
)
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_join_project';
COMMENT ON FUNCTION timetrackr.join_project(bigint, bigint) IS
'Makes the viewer a contributor of a public project. Errors: 401 invalid_token; 404 project_not_found; 409 already_member, project_archived; 422 missing_field.';

CREATE FUNCTION timetrackr.set_member(
    viewer_id bigint,
    project_id bigint,
    user_id bigint,
    role timetrackr.member_role,
    OUT project_id bigint,
    OUT user_id bigint,
    OUT username text,
    OUT role text
)
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_set_member';
COMMENT ON FUNCTION timetrackr.set_member(bigint, bigint, bigint, timetrackr.member_role) IS
'Makes the user a member of the project, or gives a member another role. Its owner may give every role; owner hands the project over, and makes the old owner a manager. Managers make others contributors and viewers, but neither make nor change managers; they may lower themselves. Asking for the role that he has changes nothing. Errors: 401 invalid_token; 403 not_manager, not_owner; 404 project_not_found, user_not_found; 409 owner_cannot_leave (the owner takes no other role himself); 422 missing_field.';

CREATE FUNCTION timetrackr.remove_member(viewer_id bigint, project_id bigint, user_id bigint)
RETURNS void
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_remove_member';
COMMENT ON FUNCTION timetrackr.remove_member(bigint, bigint, bigint) IS
'Ends the membership of the user: one''s own, or that of another where the viewer is owner or, for contributors and viewers, a manager. His entries stay and count as before; he may correct and delete them, and stop the timer that he runs there, but begins none. Errors: 401 invalid_token; 403 not_manager, not_owner (a manager or the owner, by another manager); 404 project_not_found, user_not_found, member_not_found; 409 owner_cannot_leave; 422 missing_field.';

CREATE FUNCTION timetrackr.update_project(
    viewer_id bigint,
    project_id bigint,
    name text DEFAULT NULL,
    description text DEFAULT NULL,
    archived boolean DEFAULT NULL,
    given text[] DEFAULT NULL,
    OUT project_id bigint,
    OUT name text,
    OUT description text,
    OUT visibility text,
    OUT owner_id bigint,
    OUT archived boolean,
    OUT created_at timestamptz,
    OUT members timetrackr.member[],
    OUT total_seconds bigint
)
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_update_project';
COMMENT ON FUNCTION timetrackr.update_project(bigint, bigint, text, text, boolean, text[]) IS
'Changes name, description or archived of a project that the viewer owns or manages; returns the project as it is now (see project). Nobody joins or logs time on an archived project. given lists the fields to change, of which a null description clears; without given every argument that is not null is changed. Errors: 401 invalid_token; 403 not_manager; 404 project_not_found; 422 missing_field, too_long.';

CREATE FUNCTION timetrackr.delete_project(
    viewer_id bigint,
    project_id bigint,
    move_entries_to bigint DEFAULT NULL
)
RETURNS void
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_delete_project';
COMMENT ON FUNCTION timetrackr.delete_project(bigint, bigint, bigint) IS
'Deletes a project with its memberships and timeline events; only its owner may. Its entries, those of all members, first move to the project move_entries_to, which the viewer owns or manages, whether or not those who have them are members there: nobody becomes one by this, so add first who shall go on. Everything derived from the entries follows them. Errors: 401 invalid_token; 403 not_owner, and of move_entries_to not_manager; 404 project_not_found; 409 project_has_entries without move_entries_to, project_archived; 422 missing_field, same_project.';

CREATE FUNCTION timetrackr.project_seconds(project_id bigint)
RETURNS TABLE (seconds bigint)
LANGUAGE sql
STABLE
ROWS 1
AS $$
    SELECT COALESCE(sum(t.seconds), 0)::bigint
    FROM timetrackr.project_totals t
    WHERE t.project_id = project_seconds.project_id
$$;
COMMENT ON FUNCTION timetrackr.project_seconds(bigint) IS
'Seconds of everybody''s finished entries on a project that are not flagged.';

CREATE FUNCTION timetrackr.project(viewer_id bigint, project_id bigint)
RETURNS TABLE (
    project_id bigint,
    name text,
    description text,
    visibility text,
    owner_id bigint,
    archived boolean,
    created_at timestamptz,
    members timetrackr.member[],
    total_seconds bigint
)
LANGUAGE sql
STABLE
ROWS 1
AS $$
    SELECT
        p.project_id, p.name, p.description, p.visibility, p.owner_id, p.archived, p.created_at,
        ARRAY(
            SELECT ROW(u.id, u.username, m.role)::timetrackr.member
            FROM timetrackr.project_members m
            JOIN timetrackr.users u ON u.id = m.user_id
            WHERE m.project_id = p.project_id
            ORDER BY m.role <> 'owner', m.joined_at, m.user_id
        ),
        s.seconds
    FROM timetrackr.visible_projects(project.viewer_id) p
    CROSS JOIN LATERAL timetrackr.project_seconds(p.project_id) s
    WHERE p.project_id = project.project_id
$$;
COMMENT ON FUNCTION timetrackr.project(bigint, bigint) IS
'A project with its members, the owner first, then in the order they joined. total_seconds counts finished entries of all members that are not flagged. No row when the viewer (null: a visitor) may not know of it.';

CREATE FUNCTION timetrackr.list_projects(
    viewer_id bigint,
    scope timetrackr.scope DEFAULT NULL,
    q text DEFAULT NULL,
    "limit" integer DEFAULT 50,
    after_project_id bigint DEFAULT NULL
)
RETURNS TABLE (
    project_id bigint,
    name text,
    description text,
    visibility text,
    owner_id bigint,
    archived boolean,
    created_at timestamptz,
    role text
)
LANGUAGE sql
STABLE
AS $$
    -- One branch for each way to a project, each in the order of an index: the
    -- viewer's memberships, and the public projects he is no member of.
    SELECT
        p.id, p.name, p.description, p.visibility, p.owner_id, p.archived_at IS NOT NULL, p.created_at, p.role
    FROM (
        (
            SELECT p.*, m.role
            FROM timetrackr.project_members m
            JOIN timetrackr.projects p ON p.id = m.project_id
            WHERE m.user_id = list_projects.viewer_id
                AND m.project_id < COALESCE(list_projects.after_project_id, 9223372036854775807)
                AND (list_projects.scope IS DISTINCT FROM 'public' OR p.visibility = 'public')
                AND (list_projects.q IS NULL OR strpos(lower(p.name), lower(list_projects.q)) > 0)
            ORDER BY m.project_id DESC
            LIMIT list_projects."limit"
        )
        UNION ALL
        (
            SELECT p.*, NULL
            FROM timetrackr.projects p
            WHERE list_projects.scope IS DISTINCT FROM 'mine'
                AND p.visibility = 'public'
                AND p.id < COALESCE(list_projects.after_project_id, 9223372036854775807)
                AND (list_projects.q IS NULL OR strpos(lower(p.name), lower(list_projects.q)) > 0)
                AND NOT EXISTS (
                    SELECT
                    FROM timetrackr.project_members m
                    WHERE m.project_id = p.id
                        AND m.user_id = list_projects.viewer_id
                )
            ORDER BY p.id DESC
            LIMIT list_projects."limit"
        )
    ) p
    ORDER BY p.id DESC
    LIMIT list_projects."limit"
$$;
COMMENT ON FUNCTION timetrackr.list_projects(bigint, timetrackr.scope, text, integer, bigint) IS
'Projects, newest first. scope mine: those the viewer is a member of; public: the public ones; null: both. q keeps those whose name contains it, regardless of case. role is the viewer''s in the project, null when he is no member. after_project_id is the last row of the page before.';
