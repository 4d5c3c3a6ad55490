-- Members of a project: who may make whom what, who may go, what is told of it.
SET timezone = 'UTC';
SELECT test.new_user('mem-ann') AS ann, test.new_user('mem-bob') AS bob, test.new_user('mem-cem') AS cem,
    test.new_user('mem-dan') AS dan, test.new_user('mem-eve') AS eve, test.new_user('mem-fay') AS fay \gset
SELECT test.new_project(:ann, 'Mem one') AS one, test.new_project(:ann, 'Mem open', 'public') AS open \gset
CREATE FUNCTION test.members(project bigint)
RETURNS text
LANGUAGE sql
AS $$
    SELECT string_agg(substr(u.username, 5) || ' ' || m.role, ', ' ORDER BY u.id)
    FROM timetrackr.project_members m
    JOIN timetrackr.users u ON u.id = m.user_id
    WHERE m.project_id = project
$$;
CREATE FUNCTION test.set_member(viewer bigint, project bigint, member bigint, role text)
RETURNS text
LANGUAGE sql
AS $$
    SELECT test.refusal(format('SELECT timetrackr.set_member(%L, %L, %L, %L)', viewer, project, member, role))
$$;
CREATE FUNCTION test.remove_member(viewer bigint, project bigint, member bigint)
RETURNS text
LANGUAGE sql
AS $$
    SELECT test.refusal(format('SELECT timetrackr.remove_member(%L, %L, %L)', viewer, project, member))
$$;

-- The owner gives every role; asking again changes nothing and tells nobody.
SELECT COALESCE(max(id), 0) AS mark FROM timetrackr.outbox \gset
SELECT project_id = :one AS one, user_id = :bob AS bob, username, role FROM timetrackr.set_member(:ann, :one, :bob, 'manager');
SELECT role FROM timetrackr.set_member(:ann, :one, :cem, 'viewer');
SELECT role FROM timetrackr.set_member(:ann, :one, :cem, 'contributor');
SELECT role FROM timetrackr.set_member(:ann, :one, :cem, 'contributor');
SELECT role FROM timetrackr.set_member(:ann, :one, :ann, 'owner');
SELECT test.members(:one);
SELECT topic, payload - 'project_id' - 'user_id' - 'notification_id' - 'created_at' AS payload FROM timetrackr.outbox
WHERE id > :mark AND (payload @> jsonb_build_object('project_id', :one) OR payload -> 'payload' @> jsonb_build_object('project_id', :one))
    AND topic = 'project_changed' ORDER BY id;
-- Managers look after contributors and viewers.
SELECT role FROM timetrackr.set_member(:bob, :one, :dan, 'contributor');
SELECT role FROM timetrackr.set_member(:bob, :one, :cem, 'viewer');
SELECT role FROM timetrackr.set_member(:bob, :one, :bob, 'manager');
SELECT test.set_member(:bob, :one, :dan, 'manager') AS makes_manager, test.set_member(:bob, :one, :eve, 'manager') AS adds_manager,
    test.set_member(:bob, :one, :dan, 'owner') AS makes_owner, test.set_member(:bob, :one, :bob, 'owner') AS usurps,
    test.set_member(:bob, :one, :ann, 'viewer') AS lowers_owner, test.remove_member(:bob, :one, :ann) AS removes_owner;
SELECT role FROM timetrackr.set_member(:ann, :one, :eve, 'manager');
SELECT test.set_member(:bob, :one, :eve, 'contributor') AS lowers_manager, test.remove_member(:bob, :one, :eve) AS removes_manager;
-- Everybody else changes nobody, himself included; strangers see nothing.
SELECT test.set_member(:dan, :one, :cem, 'contributor') AS contributor, test.set_member(:dan, :one, :dan, 'viewer') AS contributor_himself,
    test.set_member(:cem, :one, :cem, 'contributor') AS viewer, test.remove_member(:dan, :one, :cem) AS removes,
    test.remove_member(:cem, :one, :dan) AS viewer_removes, test.remove_member(:cem, :one, :bob) AS removes_manager;
SELECT test.set_member(:fay, :one, :fay, 'viewer') AS stranger, test.remove_member(:fay, :one, :cem) AS removes,
    test.remove_member(:fay, :one, :fay) AS herself, test.set_member(:fay, 0, :fay, 'viewer') AS absent,
    test.set_member(:fay, :open, :fay, 'contributor') AS on_open, test.remove_member(:fay, :open, :ann) AS removes_on_open,
    test.remove_member(:fay, :open, :fay) AS no_member_of_open;
SELECT test.set_member(NULL, :one, :fay, 'viewer') AS no_viewer, test.set_member(0, :one, :fay, 'viewer') AS unknown_viewer,
    test.remove_member(NULL, :one, :cem) AS no_viewer, test.remove_member(0, :one, :cem) AS unknown_viewer,
    test.set_member(:ann, NULL, :fay, 'viewer') AS no_project, test.set_member(:ann, :one, NULL, 'viewer') AS no_user,
    test.set_member(:ann, :one, :fay, NULL) AS no_role, test.set_member(:ann, :one, :fay, 'king') AS no_such_role,
    test.set_member(:ann, :one, 0, 'viewer') AS unknown_user, test.remove_member(:ann, :one, 0) AS removes_unknown,
    test.remove_member(:ann, :one, :fay) AS removes_no_member, test.remove_member(:ann, :one, NULL) AS removes_nobody;
SELECT test.members(:one) AS one, test.members(:open) AS open;

-- A viewer logs nothing; who is removed begins nothing, but ends and keeps what he has.
SELECT test.refusal(format('SELECT timetrackr.start_entry(%s, %s)', :cem, :one)) AS viewer_logs;
SELECT duration_seconds FROM timetrackr.start_entry(:dan, :one, '2025-05-05 10:00Z', '2025-05-05 11:00Z');
SELECT entry_id AS running FROM timetrackr.start_entry(:dan, :one) \gset
SELECT timetrackr.remove_member(:bob, :one, :dan);
SELECT test.refusal(format('SELECT timetrackr.start_entry(%s, %s)', :dan, :one)) AS begins,
    test.refusal(format('SELECT timetrackr.update_entry(%s, %s, note => ''mine'')', :dan, :running)) AS notes,
    (SELECT count(*) FROM timetrackr.project(:dan, :one)) AS sees;
SELECT flagged FROM timetrackr.stop_entry(:dan, :running);
SELECT total_seconds >= 3600 AS counts FROM timetrackr.project(:ann, :one);
SELECT count(*) AS entries FROM timetrackr.list_entries(:dan);
SELECT contributions, total_seconds >= 3600 AS counts FROM timetrackr.profile(NULL, :dan);

-- One goes by oneself, whatever one is; the owner does not. A manager steps down.
SELECT timetrackr.remove_member(:cem, :one, :cem), timetrackr.remove_member(:eve, :one, :eve);
SELECT test.remove_member(:cem, :one, :cem) AS again, test.remove_member(:ann, :one, :ann) AS owner,
    test.set_member(:ann, :one, :ann, 'manager') AS owner_steps_down;
SELECT role FROM timetrackr.set_member(:bob, :one, :bob, 'contributor');
SELECT test.set_member(:bob, :one, :cem, 'viewer') AS then_no_manager;
-- Handed over to a member, and to somebody who was none; the old owner manages on.
SELECT role FROM timetrackr.set_member(:ann, :one, :bob, 'owner');
SELECT test.members(:one), owner_id = :bob AS bobs FROM timetrackr.projects WHERE id = :one;
SELECT test.set_member(:ann, :one, :ann, 'owner') AS takes_back;
SELECT role FROM timetrackr.set_member(:bob, :one, :fay, 'owner');
SELECT test.members(:one), owner_id = :fay AS fays FROM timetrackr.projects WHERE id = :one;
SELECT u.username, t.projects_created FROM timetrackr.user_totals t JOIN timetrackr.users u ON u.id = t.user_id
WHERE u.username LIKE 'mem-%' ORDER BY 1;
-- An archived project keeps its doors for those who run it.
SELECT archived FROM timetrackr.update_project(:fay, :one, archived => true);
SELECT role FROM timetrackr.set_member(:fay, :one, :cem, 'viewer');
SELECT timetrackr.remove_member(:cem, :one, :cem);

-- Each was told what others did to him, and the owner of who went by himself.
SELECT u.username, n.kind, n.payload - 'project_id' - 'user_id' AS payload, n.payload -> 'project_id' = to_jsonb(:one) AS one
FROM timetrackr.notifications n
JOIN timetrackr.users u ON u.id = n.user_id
WHERE u.username LIKE 'mem-%' AND n.kind NOT LIKE 'badge%' ORDER BY u.username, n.id;
SELECT * FROM timetrackr.verify();
