-- Editing a project, deleting it with its entries moved, and its board.
SET timezone = 'UTC';
SELECT test.new_user('edit-ann') AS ann, test.new_user('edit-bob') AS bob, test.new_user('edit-cem') AS cem, test.new_user('edit-dan') AS dan \gset
SELECT test.new_project(:ann, 'Edit one', 'public') AS one, test.new_project(:ann, 'Edit two') AS two,
    test.new_project(:bob, 'Edit bobs', 'public') AS bobs \gset
INSERT INTO timetrackr.project_members (project_id, user_id, role)
VALUES (:one, :bob, 'manager'), (:one, :cem, 'contributor'), (:one, :dan, 'viewer');

-- Owner and managers edit; each field alone; null clears a description only.
SELECT name, description, archived, project_id = :one AS one FROM timetrackr.update_project(:ann, :one, name => '  Edited one ');
SELECT name, description, archived, jsonb_array_length(to_jsonb(members)) AS members
FROM timetrackr.update_project(:bob, :one, description => 'About one', archived => true);
SELECT archived_at AS archived_at FROM timetrackr.projects WHERE id = :one \gset
SELECT archived FROM timetrackr.update_project(:bob, :one, archived => true);
SELECT archived_at = :'archived_at' AS kept FROM timetrackr.projects WHERE id = :one;
SELECT name, description, archived FROM timetrackr.update_project(:ann, :one, NULL, NULL, false, '{description,archived}');
SELECT name FROM timetrackr.update_project(:ann, :one, 'ignored', given => '{}');
CREATE FUNCTION test.edit_refusal(call text, VARIADIC arguments bigint[])
RETURNS text
LANGUAGE sql
AS $$
    SELECT test.refusal('SELECT timetrackr.' || format(call, VARIADIC arguments))
$$;
SELECT test.edit_refusal('update_project(%s, %s, ''x'')', :cem, :one) AS contributor,
    test.edit_refusal('update_project(%s, %s, ''x'')', :cem, :bobs) AS visitor,
    test.edit_refusal('update_project(%s, %s, ''x'')', :bob, :two) AS invisible,
    test.edit_refusal('update_project(%s, %s, ''x'')', 0, :one) AS nobody,
    test.edit_refusal('update_project(%s, %s, '' '')', :ann, :one) AS blank,
    test.edit_refusal('update_project(%s, %s, given => ''{name}'')', :ann, :one) AS no_name,
    test.edit_refusal('update_project(%s, %s, given => ''{archived}'')', :ann, :one) AS no_archived,
    test.edit_refusal('update_project(%s, %s, repeat(''x'', 201))', :ann, :one) AS long_name,
    test.edit_refusal('update_project(%s, %s, description => repeat(''x'', 5001))', :ann, :one) AS long_description;

-- The board: most first, equal ones by id as text, who is not listed left out.
INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time, source)
VALUES
    (:ann, :one, '2025-01-01 10:00Z', '2025-01-01 11:00Z', 'manual'),
    (:bob, :one, '2025-01-01 10:00Z', '2025-01-01 11:00Z', 'manual'),
    (:cem, :one, '2025-01-01 23:30Z', '2025-01-02 00:30:01Z', 'manual');
SELECT username, score, rank FROM timetrackr.project_leaderboard(NULL, :one) ORDER BY rank, username;
SELECT count(*) AS of_private_to_visitor FROM timetrackr.project_leaderboard(NULL, :two);
SELECT test.new_project(:ann, 'Edit board', 'public') AS board \gset
INSERT INTO timetrackr.users (email, username, listed)
SELECT 'edit-' || i || '@example.org', 'edit-' || i, i % 5 <> 0 FROM generate_series(1, 40) i;
INSERT INTO timetrackr.project_members (project_id, user_id)
SELECT :board, id FROM timetrackr.users WHERE username ~ '^edit-\d+$';
INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time, source)
SELECT id, :board, '2025-01-01 10:00Z', timestamptz '2025-01-01 10:00Z' + (id % 4 + 1) * interval '1 minute', 'manual'
FROM timetrackr.users WHERE username ~ '^edit-\d+$';
CREATE TEMPORARY TABLE expected AS
SELECT u.id AS user_id, t.seconds AS score, rank() OVER (ORDER BY t.seconds DESC) AS rank,
    row_number() OVER (ORDER BY t.seconds DESC, u.id::text COLLATE "C" DESC) AS place
FROM timetrackr.project_totals t
JOIN timetrackr.users u ON u.id = t.user_id
WHERE t.project_id = :board AND u.listed;
CREATE FUNCTION test.board_pages(project bigint, size integer)
RETURNS TABLE (user_id bigint, score bigint, rank bigint, place bigint)
LANGUAGE plpgsql
AS $$
DECLARE
    rows integer;
BEGIN
    place := 0;
    LOOP
        rows := 0;
        FOR user_id, score, rank IN
            SELECT l.user_id, l.score, l.rank
            FROM timetrackr.project_leaderboard(NULL, project, size, score, user_id) l
        LOOP
            place := place + 1;
            rows := rows + 1;
            RETURN NEXT;
        END LOOP;
        EXIT WHEN rows < size;
    END LOOP;
END
$$;
SELECT size, count(p.place) AS rows, count(*) FILTER (WHERE (e.user_id, e.score, e.rank) IS DISTINCT FROM (p.user_id, p.score, p.rank)) AS wrong
FROM unnest(ARRAY[1, 2, 3, 7, 50]) size
CROSS JOIN expected e
LEFT JOIN LATERAL (SELECT * FROM test.board_pages(:board, size) b WHERE b.place = e.place) p ON true
GROUP BY size ORDER BY size;
SELECT count(*) AS board, count(DISTINCT rank) AS ranks FROM timetrackr.project_leaderboard(NULL, :board);

-- Deleting: the owner only; entries must go somewhere he manages.
SELECT test.edit_refusal('delete_project(%s, %s)', :bob, :one) AS manager,
    test.edit_refusal('delete_project(%s, %s)', :bob, :two) AS invisible,
    test.edit_refusal('delete_project(%s, %s)', :ann, 0) AS absent,
    test.edit_refusal('delete_project(%s, %s)', 0, :one) AS nobody,
    test.edit_refusal('delete_project(%s, %s)', :ann, :one) AS has_entries,
    test.edit_refusal('delete_project(%s, %s, %s)', :ann, :one, :one) AS same,
    test.edit_refusal('delete_project(%s, %s, %s)', :ann, :one, :bobs) AS of_another,
    test.edit_refusal('delete_project(%s, %s, %s)', :ann, :one, 0) AS no_target;
INSERT INTO timetrackr.project_members (project_id, user_id, role) VALUES (:two, :cem, 'viewer');
UPDATE timetrackr.projects SET archived_at = now() WHERE id = :two;
SELECT test.edit_refusal('delete_project(%s, %s, %s)', :ann, :one, :two) AS to_archived;
UPDATE timetrackr.projects SET archived_at = NULL WHERE id = :two;
SELECT count(*) AS untouched FROM timetrackr.time_entries WHERE project_id = :one;
SELECT entry_id AS running FROM timetrackr.start_entry(:bob, :one) \gset
-- Entries move also of those who may only view it or are no members, and make none of them one.
SELECT timetrackr.delete_project(:ann, :one, :two);
SELECT u.username, m.role, count(*) AS entries, t.seconds
FROM timetrackr.time_entries e
JOIN timetrackr.users u ON u.id = e.user_id
LEFT JOIN timetrackr.project_members m ON m.project_id = e.project_id AND m.user_id = e.user_id
LEFT JOIN timetrackr.project_totals t ON t.user_id = e.user_id AND t.project_id = e.project_id
WHERE e.project_id = :two GROUP BY 1, 2, 4 ORDER BY 1;
-- What was waived for the move is asked again afterwards.
BEGIN;
SELECT test.new_project(:ann, 'Edit three', 'public') AS three \gset
INSERT INTO timetrackr.project_members (project_id, user_id) VALUES (:three, :dan);
SELECT duration_seconds FROM timetrackr.start_entry(:dan, :three, '2025-01-01 10:00Z', '2025-01-01 11:00Z');
SELECT timetrackr.delete_project(:ann, :three, :two);
SELECT test.edit_refusal('start_entry(%s, %s)', :dan, :two) AS dan, test.edit_refusal('start_entry(%s, %s)', :cem, :two) AS cem;
ROLLBACK;
SELECT (SELECT count(*) FROM timetrackr.projects WHERE id = :one) AS projects,
    (SELECT count(*) FROM timetrackr.project_members WHERE project_id = :one) AS members,
    (SELECT count(*) FROM timetrackr.day_totals WHERE project_id = :one) AS days,
    (SELECT count(*) FROM timetrackr.timeline_events WHERE project_id = :one) AS events;
-- One without entries goes at once, with a target or without.
SELECT test.new_project(:ann, 'Edit empty') AS empty, test.new_project(:ann, 'Edit void') AS void \gset
SELECT timetrackr.delete_project(:ann, :empty), timetrackr.delete_project(:ann, :void, :two);
SELECT count(*) AS left_over FROM timetrackr.projects WHERE id IN (:empty, :void);
SELECT projects_created FROM timetrackr.user_totals WHERE user_id = :ann;
SELECT timetrackr.delete_entry(:bob, :running);
DELETE FROM timetrackr.time_entries WHERE project_id = :board;
DELETE FROM timetrackr.users WHERE username ~ '^edit-\d+$';
SELECT * FROM timetrackr.verify();
