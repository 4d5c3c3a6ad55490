-- Projects: making, publishing, joining and showing them.
SET timezone = 'UTC';
SELECT test.new_user('proj-ann') AS ann, test.new_user('proj-bob') AS bob, test.new_user('proj-cem') AS cem \gset
SELECT COALESCE(max(id), 0) AS mark FROM timetrackr.outbox \gset

-- The owner is a member, counted, told of, and may earn a badge.
SELECT timetrackr.create_project(:ann, '  Zorp secret ') AS secret,
    timetrackr.create_project(:ann, 'Zorp 100% open', 'for all', 'public') AS open \gset
SELECT project_id = :secret AS secret, name, description, visibility, owner_id = :ann AS anns, archived,
    (SELECT array_agg((m.username, m.role)) FROM unnest(members) m) AS members, total_seconds
FROM timetrackr.project(:ann, :secret);
SELECT projects_created FROM timetrackr.user_totals WHERE user_id = :ann;
SELECT event_type, project_id = :secret AS secret FROM timetrackr.timeline_events
WHERE user_id = :ann AND event_type = 'project_created' ORDER BY id;
SELECT topic, payload ->> 'user_id' = :'ann' AS of_ann FROM timetrackr.outbox
WHERE id > :mark AND payload @> jsonb_build_object('project_id', :secret) ORDER BY id;
SELECT b.name FROM timetrackr.user_badges u JOIN timetrackr.badges b ON b.id = u.badge_id WHERE u.user_id = :ann;

-- Each rule, broken once.
CREATE FUNCTION test.project_refusal(viewer bigint, call text)
RETURNS text
LANGUAGE sql
AS $$
    SELECT test.refusal(format('SELECT timetrackr.' || call, viewer))
$$;
SELECT test.project_refusal(:ann, 'create_project(%s, NULL)') AS no_name,
    test.project_refusal(:ann, 'create_project(%s, ''  '')') AS blank_name,
    test.project_refusal(:ann, 'create_project(%s, repeat(''x'', 201))') AS long_name,
    test.project_refusal(:ann, 'create_project(%s, ''x'', repeat(''x'', 5001))') AS long_description,
    test.project_refusal(:ann, 'create_project(%s, ''x'', ''x'', NULL)') AS no_visibility,
    test.project_refusal(0, 'create_project(%s, ''x'')') AS unknown_viewer,
    test.project_refusal(NULL, 'create_project(NULL, ''x'')') AS no_viewer;
SELECT test.project_refusal(:bob, 'join_project(%s, ' || :secret || ')') AS private,
    test.project_refusal(:bob, 'join_project(%s, 0)') AS absent,
    test.project_refusal(:bob, 'join_project(%s, NULL)') AS no_project,
    test.project_refusal(:ann, 'join_project(%s, ' || :open || ')') AS owner,
    test.project_refusal(0, 'join_project(%s, ' || :open || ')') AS unknown_viewer;
SELECT project_id = :open AS open, role FROM timetrackr.join_project(:bob, :open);
SELECT test.project_refusal(:bob, 'join_project(%s, ' || :open || ')') AS twice;
SELECT test.project_refusal(:bob, 'set_visibility(%s, ' || :secret || ', ''public'')') AS invisible,
    test.project_refusal(:bob, 'set_visibility(%s, ' || :open || ', ''private'')') AS member,
    test.project_refusal(:cem, 'set_visibility(%s, ' || :open || ', ''private'')') AS visitor,
    test.project_refusal(:ann, 'set_visibility(%s, 0, ''private'')') AS absent,
    test.project_refusal(:ann, 'set_visibility(%s, ' || :open || ', NULL)') AS no_visibility,
    test.project_refusal(0, 'set_visibility(%s, ' || :open || ', ''private'')') AS unknown_viewer;
UPDATE timetrackr.projects SET archived_at = now() WHERE id = :open;
SELECT test.project_refusal(:cem, 'join_project(%s, ' || :open || ')') AS archived,
    test.project_refusal(:bob, 'join_project(%s, ' || :open || ')') AS archived_member;
UPDATE timetrackr.projects SET archived_at = NULL WHERE id = :open;
SELECT event_type, event_data, project_id = :open AS open FROM timetrackr.timeline_events
WHERE user_id = :bob AND event_type <> 'user_joined';

-- Private is private: to all but members there is no such project.
SELECT count(*) AS to_owner FROM timetrackr.project(:ann, :secret);
SELECT count(*) AS to_other FROM timetrackr.project(:bob, :secret);
SELECT count(*) AS to_visitor FROM timetrackr.project(NULL, :secret);
SELECT count(*) AS open_to_visitor FROM timetrackr.project(NULL, :open);
SELECT success FROM timetrackr.set_visibility(:ann, :secret, 'public') AS r (success);
SELECT count(*) AS to_visitor FROM timetrackr.project(NULL, :secret);
-- Told once: setting it again changes nothing.
SELECT success FROM timetrackr.set_visibility(:ann, :secret, 'public') AS r (success);
SELECT success FROM timetrackr.set_visibility(:ann, :secret, 'private') AS r (success);
SELECT event_data FROM timetrackr.timeline_events
WHERE user_id = :ann AND event_type = 'visibility_changed' ORDER BY id;

-- Members come owner first, then as they joined; time of all adds up.
INSERT INTO timetrackr.project_members (project_id, user_id, role, joined_at) VALUES (:open, :cem, 'viewer', now() + interval '1 second');
SELECT count(*) FROM timetrackr.start_entry(:ann, :open, '2025-05-05 10:00Z', '2025-05-05 11:00Z');
SELECT count(*) FROM timetrackr.start_entry(:bob, :open, '2025-05-05 10:00Z', '2025-05-05 10:30Z');
SELECT (SELECT array_agg((m.username, m.role)) FROM unnest(members) m) AS members, total_seconds
FROM timetrackr.project(NULL, :open);

-- Lists: one's own and the public ones, newest first, each once.
SELECT timetrackr.create_project(:cem, 'Zorp of Cem') AS cems,
    timetrackr.create_project(:cem, 'ZORP fair', visibility => 'public') AS fair \gset
CREATE FUNCTION test.projects(viewer bigint, which timetrackr.scope DEFAULT NULL, search text DEFAULT 'zorp', size integer DEFAULT 50, after bigint DEFAULT NULL)
RETURNS text
LANGUAGE sql
AS $$
    SELECT string_agg(p.name || COALESCE(' (' || p.role || ')', ''), ', ')
    FROM timetrackr.list_projects(viewer, which, search, size, after) p
$$;
SELECT test.projects(:bob) AS of_bob, test.projects(:bob, 'mine') AS mine, test.projects(:bob, 'public') AS public;
SELECT test.projects(:ann) AS of_ann, test.projects(:ann, 'mine') AS mine, test.projects(:ann, 'public') AS public;
SELECT test.projects(NULL) AS of_visitor, test.projects(NULL, 'mine') AS mine, test.projects(NULL, 'public') AS public;
SELECT test.projects(:ann, search => '% OPEN') AS open, test.projects(:ann, search => '0%') AS percent,
    test.projects(:ann, search => 'z_rp') AS underscore, test.projects(:ann, search => 'no such') AS nothing;
SELECT test.projects(:ann, size => 2) AS page, test.projects(:ann, size => 2, after => :open) AS next,
    test.projects(:ann, size => 2, after => :secret) AS last;
SELECT test.project_refusal(:ann, 'list_projects(%s, "limit" => -1)') AS negative_limit;

-- A new owner takes over membership and count; the old one stays on.
UPDATE timetrackr.projects SET owner_id = :bob WHERE id = :open;
SELECT (SELECT array_agg((m.username, m.role)) FROM unnest(members) m) AS members FROM timetrackr.project(NULL, :open);
SELECT u.username, t.projects_created FROM timetrackr.user_totals t JOIN timetrackr.users u ON u.id = t.user_id
WHERE t.user_id IN (:ann, :bob) ORDER BY 1;
SELECT test.project_refusal(:ann, 'set_visibility(%s, ' || :open || ', ''private'')') AS old_owner;

-- Deleting one takes its count, events and memberships.
SELECT COALESCE(max(id), 0) AS mark FROM timetrackr.outbox \gset
DELETE FROM timetrackr.projects WHERE id = :secret;
SELECT projects_created FROM timetrackr.user_totals WHERE user_id = :ann;
SELECT count(*) AS events FROM timetrackr.timeline_events WHERE project_id = :secret;
SELECT DISTINCT topic FROM timetrackr.outbox WHERE id > :mark AND payload @> jsonb_build_object('project_id', :secret);
SELECT test.refusal('DELETE FROM timetrackr.projects WHERE id = ' || :open) AS with_entries;
-- An owner who goes takes his projects along.
DELETE FROM timetrackr.users WHERE id = :cem;
SELECT count(*) AS left_behind FROM timetrackr.projects WHERE id IN (:cems, :fair);
SELECT * FROM timetrackr.verify();
