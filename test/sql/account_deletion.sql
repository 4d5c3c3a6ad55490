-- Deleting an account: all that is the user's goes, others keep their time, and
-- a project in which they have a stake gets a new owner.
SET timezone = 'UTC';
CREATE FUNCTION test.log_hours(owner bigint, project bigint, day date, hours integer)
RETURNS bigint
LANGUAGE sql
AS $$
    SELECT entry_id
    FROM timetrackr.start_entry(owner, project, day::timestamp AT TIME ZONE 'UTC', day::timestamp AT TIME ZONE 'UTC' + make_interval(hours => hours))
$$;
-- Who owns what, and who is in it, of the projects left.
CREATE FUNCTION test.projects_left()
RETURNS TABLE (project text, owner text, archived boolean, members text)
LANGUAGE sql
AS $$
    SELECT p.name, u.username, p.archived_at IS NOT NULL, (
        SELECT string_agg(format('%s %s', n.username, m.role), ', ' ORDER BY n.username)
        FROM timetrackr.project_members m
        JOIN timetrackr.users n ON n.id = m.user_id
        WHERE m.project_id = p.id)
    FROM timetrackr.projects p
    JOIN timetrackr.users u ON u.id = p.owner_id
    WHERE p.name LIKE 'Gone %'
    ORDER BY p.name COLLATE "C"
$$;
-- Rows that still tell of a user, by table.
CREATE FUNCTION test.traces(gone bigint)
RETURNS TABLE (relation text, number bigint)
LANGUAGE plpgsql
AS $$
DECLARE
    part record;
BEGIN
    FOR part IN
        SELECT format('%I.%I', n.nspname, c.relname) AS name, a.attname
        FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'timetrackr'
            AND c.relkind = 'r'
            AND (a.attname IN ('user_id', 'owner_id') OR c.relname = 'users' AND a.attname = 'id')
        ORDER BY c.relname, a.attname
    LOOP
        relation := part.name;
        EXECUTE format('SELECT count(*) FROM %s WHERE %I = $1', part.name, part.attname) INTO number USING gone;
        IF number > 0 THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;

SELECT test.new_user('gone-ann') AS ann, test.new_user('gone-bob') AS bob, test.new_user('gone-cem') AS cem,
    test.new_user('gone-dee') AS dee, test.new_user('gone-eve') AS eve \gset
SELECT test.new_project(:ann, 'Gone own') AS own, test.new_project(:ann, 'Gone joined', 'public') AS joined,
    test.new_project(:ann, 'Gone managed') AS managed, test.new_project(:ann, 'Gone shared') AS shared,
    test.new_project(:ann, 'Gone viewed') AS viewed, test.new_project(:ann, 'Gone left') AS left,
    test.new_project(:ann, 'Gone watched') AS watched, test.new_project(:ann, 'Gone archived') AS archived,
    test.new_project(:bob, 'Gone elsewhere', 'public') AS elsewhere \gset
-- joined: a member without time. managed: a manager without time, and a
-- contributor with. shared: dee has more time on it than cem, and more of it
-- forgotten. viewed: a viewer with time of before. left: former members.
-- watched: a former member with time, a viewer without.
INSERT INTO timetrackr.project_members (project_id, user_id, role) VALUES
    (:joined, :bob, 'contributor'), (:managed, :cem, 'contributor'), (:managed, :dee, 'manager'),
    (:shared, :cem, 'contributor'), (:shared, :dee, 'contributor'), (:shared, :eve, 'contributor'),
    (:viewed, :bob, 'contributor'), (:left, :cem, 'contributor'), (:left, :dee, 'contributor'),
    (:watched, :dee, 'contributor'), (:watched, :eve, 'viewer'), (:archived, :bob, 'contributor'), (:elsewhere, :ann, 'manager');
SELECT count(test.log_hours(v.u, v.p, v.day, v.hours))
FROM (VALUES
    (:ann, :own, DATE '2025-02-01', 3), (:ann, :shared, '2025-02-02', 9), (:ann, :elsewhere, '2025-02-03', 1), (:ann, :left, '2025-02-04', 1),
    (:cem, :managed, '2025-02-01', 5), (:cem, :shared, '2025-02-02', 2), (:dee, :shared, '2025-02-02', 3), (:eve, :shared, '2025-02-02', 40),
    (:bob, :viewed, '2025-02-01', 1), (:cem, :left, '2025-02-05', 2), (:dee, :left, '2025-02-05', 1), (:dee, :watched, '2025-02-07', 1),
    (:bob, :archived, '2025-02-08', 1)
) v (u, p, day, hours);
SELECT start_time IS NOT NULL AS running FROM timetrackr.start_entry(:eve, :shared);
UPDATE timetrackr.projects SET archived_at = now() WHERE id = :archived;
UPDATE timetrackr.project_members SET role = 'viewer' WHERE project_id = :viewed;
UPDATE timetrackr.project_members SET role = 'owner' WHERE project_id = :viewed AND user_id = :ann;
DELETE FROM timetrackr.project_members WHERE project_id IN (:left, :watched) AND user_id IN (:cem, :dee);
INSERT INTO timetrackr.refresh_tokens (user_id, token_sha256, family, expires_at) VALUES (:ann, 'x', '00000000-0000-0000-0000-000000000000', now());
SELECT count(*) > 10 AS many_traces FROM test.traces(:ann);
CREATE TABLE test.before AS
SELECT t.user_id, t.seconds, t.entries, t.projects_created FROM timetrackr.user_totals t WHERE t.user_id IN (:bob, :cem, :dee, :eve);
SELECT * FROM timetrackr.verify();
TRUNCATE timetrackr.outbox;
DELETE FROM timetrackr.notifications;

DELETE FROM timetrackr.users WHERE id = :ann;
SELECT * FROM test.projects_left();
SELECT * FROM test.traces(:ann);
SELECT * FROM timetrackr.verify();
-- Others lost nothing, and count the projects that are theirs now.
SELECT u.username, t.seconds - b.seconds AS seconds, t.entries - b.entries AS entries, t.projects_created - b.projects_created AS projects
FROM test.before b
JOIN timetrackr.user_totals t USING (user_id)
JOIN timetrackr.users u ON u.id = b.user_id
ORDER BY 1;
-- Each new owner is told; Redis and caches are.
SELECT u.username, n.kind, n.payload ->> 'project_name' AS project, n.payload ->> 'project_id' = p.id::text AS its_id
FROM timetrackr.notifications n
JOIN timetrackr.users u ON u.id = n.user_id
JOIN timetrackr.projects p ON p.name = n.payload ->> 'project_name'
WHERE n.kind = 'ownership_received'
ORDER BY 3;
SELECT o.topic, count(*), bool_and(o.payload ->> 'user_id' = :'ann') AS hers
FROM timetrackr.outbox o
WHERE o.topic IN ('score_changed', 'profile_changed')
GROUP BY o.topic
ORDER BY o.topic;
SELECT array_agg(DISTINCT o.payload ->> 'project_id' ORDER BY o.payload ->> 'project_id')
    = (SELECT array_agg(DISTINCT p ORDER BY p) FROM unnest(ARRAY[:'own', :'joined', :'managed', :'shared', :'viewed', :'left', :'watched', :'archived', :'elsewhere']) p) AS projects_changed
FROM timetrackr.outbox o
WHERE o.topic = 'project_changed';
SELECT json_array_length(b.changes -> 'users' -> 0 -> 2) > 3 AS boards, (SELECT sum(s::bigint) FROM json_array_elements_text(b.changes -> 'users' -> 0 -> 2) s) AS score
FROM (SELECT timetrackr.board_changes(ARRAY[:ann])::json AS changes) b;

-- Several at once, heirs among them: the last one left gets it, or none.
BEGIN;
DELETE FROM timetrackr.users WHERE id IN (:dee, :cem);
SELECT * FROM test.projects_left();
SELECT * FROM timetrackr.verify();
ROLLBACK;
BEGIN;
DELETE FROM timetrackr.users WHERE id IN (:bob, :cem, :dee, :eve);
SELECT count(*) AS projects FROM test.projects_left();
SELECT count(*) AS traces FROM unnest(ARRAY[:bob, :cem, :dee, :eve]::bigint[]) u (id) CROSS JOIN LATERAL test.traces(u.id);
SELECT * FROM timetrackr.verify();
ROLLBACK;
-- In one transaction with what was written before.
BEGIN;
SELECT count(test.log_hours(:bob, :elsewhere, '2025-03-01', 1)) AS logged;
DELETE FROM timetrackr.users WHERE id = :bob;
SELECT count(*) FROM test.traces(:bob);
SELECT test.refusal(format('SELECT timetrackr.start_entry(%s, %s)', :bob, :elsewhere));
SELECT * FROM timetrackr.verify();
ROLLBACK;
-- And all there are, by TRUNCATE.
BEGIN;
SET LOCAL client_min_messages = warning;
TRUNCATE timetrackr.users CASCADE;
SELECT count(*) FROM timetrackr.scores;
SELECT * FROM timetrackr.verify();
ROLLBACK;
DELETE FROM timetrackr.users WHERE username LIKE 'gone-%';
SELECT * FROM timetrackr.verify();
