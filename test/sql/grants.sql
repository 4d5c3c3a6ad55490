-- Who may do what: the proxy's role, an analyst's, and nobody else.
SET timezone = 'UTC';
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_tt_api, regress_tt_analyst, regress_tt_nobody;
RESET client_min_messages;
CREATE ROLE regress_tt_api;
CREATE ROLE regress_tt_analyst;
CREATE ROLE regress_tt_nobody;
GRANT USAGE ON SCHEMA test TO regress_tt_api, regress_tt_analyst, regress_tt_nobody;
GRANT EXECUTE ON FUNCTION test.refusal(text) TO regress_tt_api, regress_tt_analyst, regress_tt_nobody;
SELECT timetrackr.grant_api('regress_tt_api'), timetrackr.grant_analyst('regress_tt_analyst');
-- Again is no harm.
SELECT timetrackr.grant_api('regress_tt_api'), timetrackr.grant_analyst('regress_tt_analyst');

SELECT test.new_user('grant-ann') AS ann, test.new_user('grant-bob') AS bob \gset
UPDATE timetrackr.users SET listed = false WHERE id = :bob;
SELECT test.new_project(:ann, 'Grant open', 'public') AS open, test.new_project(:ann, 'Grant secret') AS secret,
    test.new_project(:bob, 'Grant bobs', 'public') AS bobs \gset
SELECT count(*) FROM timetrackr.start_entry(:ann, :open, '2025-05-05 08:00Z', '2025-05-05 09:00Z', 'a note');
SELECT count(*) FROM timetrackr.start_entry(:ann, :open, '2025-05-05 23:30Z', '2025-05-06 00:30Z');
SELECT count(*) FROM timetrackr.start_entry(:ann, :open, '2025-05-10 08:00Z', '2025-05-12 08:00Z');
SELECT count(*) FROM timetrackr.start_entry(:ann, :secret, '2025-05-06 08:00Z', '2025-05-06 10:00Z');
SELECT count(*) FROM timetrackr.start_entry(:bob, :bobs, '2025-05-06 08:00Z', '2025-05-06 10:00Z');

-- The proxy's role calls every endpoint, from signing up to signing out.
SET timetrackr.bcrypt_cost = 4;
SET ROLE regress_tt_api;
SELECT user_id AS me, username FROM timetrackr.signup('grant-cem@example.org', 'correct horse', 'grant-cem') \gset
SELECT username, refresh_token AS token FROM timetrackr.login('grant-cem@example.org', 'correct horse') \gset
SELECT username, refresh_token AS token FROM timetrackr.refresh(:'token') \gset
SELECT username FROM timetrackr.update_me(:me, bio => 'I knit.');
SELECT username, bio FROM timetrackr.me(:me);
SELECT username, email FROM timetrackr.profile(:me, :ann);
SELECT total_seconds FROM timetrackr.activity(:me, :ann);
SELECT count(*) AS events FROM timetrackr.timeline(:me, :ann);
SELECT count(*) AS badges FROM timetrackr.list_user_badges(:me, :ann);
SELECT count(*) > 0 AS badges FROM timetrackr.list_badges();
SELECT timetrackr.create_project(:me, 'Grant cems') AS project \gset
SELECT name FROM timetrackr.project(:me, :project);
SELECT string_agg(name, ', ') FROM timetrackr.list_projects(:me, q => 'grant ');
SELECT timetrackr.set_visibility(:me, :project, 'public');
SELECT role FROM timetrackr.join_project(:me, :open);
SELECT name FROM timetrackr.update_project(:me, :project, 'Grant renamed');
SELECT count(*) > 0 AS board FROM timetrackr.project_leaderboard(:me, :open);
SELECT timetrackr.delete_project(:me, (SELECT p.project_id FROM timetrackr.create_project(:me, 'Grant gone') p));
SELECT entry_id AS entry FROM timetrackr.start_entry(:me, :project, now() - interval '1 hour') \gset
SELECT entry_id = :entry AS current FROM timetrackr.current_entry(:me);
SELECT flagged FROM timetrackr.stop_entry(:me, :entry);
SELECT note FROM timetrackr.update_entry(:me, :entry, note => 'done');
SELECT note FROM timetrackr.entry(:me, :entry);
SELECT count(*) AS entries FROM timetrackr.list_entries(:me);
SELECT count(*) AS days FROM timetrackr.days(:me, :ann, '2025-05-01', '2025-05-31');
SELECT count(*) AS rows FROM timetrackr.report_summary(:me, '{project,tag}');
SELECT count(*) AS rows FROM timetrackr.export_entries(:me);
SELECT imported, failed FROM timetrackr.import_entries(:me, E'project,start_time,end_time\nGrant import,2025-01-01T10:00:00Z,2025-01-01T11:00:00Z');
SELECT count(*) > 0 AS board FROM timetrackr.leaderboard();
SELECT count(*) > 0 AS board FROM timetrackr.leaderboard('all', 'badges');
SELECT count(*) > 0 AS board FROM timetrackr.leaderboard_around(:me);
SELECT timetrackr.delete_entry(:me, :entry), timetrackr.logout(:me), timetrackr.user_exists(:me);
SELECT timetrackr.json(p), timetrackr.csv(p) FROM (SELECT username FROM timetrackr.profile(NULL, :me)) p;

-- It reads no password hash, writes no table, and runs nothing else.
SELECT test.refusal('SELECT password_hash FROM timetrackr.users') AS hash,
    test.refusal('SELECT u FROM timetrackr.users u') AS whole_row,
    test.refusal('SELECT * FROM timetrackr.refresh_tokens') AS tokens,
    test.refusal('UPDATE timetrackr.user_totals SET seconds = 1') AS totals,
    test.refusal('INSERT INTO timetrackr.time_entries (user_id, project_id, start_time) VALUES (1, 1, now())') AS entries,
    test.refusal('SELECT timetrackr.rebuild()') AS rebuild,
    test.refusal('SELECT timetrackr.grant_api(''regress_tt_nobody'')') AS grant_api,
    test.refusal('SELECT timetrackr.install()') AS install;
RESET ROLE;
SELECT table_name, privilege_type
FROM information_schema.role_table_grants
WHERE grantee = 'regress_tt_api' AND table_schema = 'timetrackr' AND privilege_type <> 'SELECT';
SELECT string_agg(column_name, ' ' ORDER BY column_name) AS user_columns
FROM information_schema.role_column_grants
WHERE grantee = 'regress_tt_api' AND table_schema = 'timetrackr' AND table_name = 'users';

-- Every endpoint that only reads is inlined: nothing is left of its function.
CREATE FUNCTION test.not_inlined(call text)
RETURNS SETOF text
LANGUAGE plpgsql
AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) SELECT * FROM timetrackr.' || call LOOP
        IF line LIKE '%Function Scan%' THEN
            RETURN NEXT call;
        END IF;
    END LOOP;
END
$$;
SELECT l.call AS not_inlined
FROM unnest(ARRAY['me(1)', 'profile(1, 2)', 'activity(1, 2)', 'timeline(1, 2)', 'list_user_badges(1, 2)', 'list_badges()',
    'list_projects(1)', 'project(1, 2)', 'current_entry(1)', 'entry(1, 2)', 'list_entries(1)', 'leaderboard()',
    'leaderboard_around(1)', 'visible_projects(1)', 'project_leaderboard(1, 2)', 'export_entries(1)', 'days(1, 2, ''2025-01-01'', ''2025-01-02'')']) l (call)
CROSS JOIN LATERAL test.not_inlined(l.call) n;

-- An analyst reads what is public: no secret project, no flagged entry, no
-- email, and on the board only who is listed.
SET ROLE regress_tt_analyst;
SELECT username, project, start_time, end_time, duration_seconds, timezone, local_day, source
FROM timetrackr.report_entries WHERE username LIKE 'grant-%' ORDER BY start_time;
SELECT day, username, project, seconds, entries FROM timetrackr.report_days WHERE username LIKE 'grant-%' ORDER BY 1, 2;
SELECT project, archived, contributors, entries, total_seconds FROM timetrackr.report_projects WHERE project LIKE 'Grant%' ORDER BY 1;
SELECT username, total_seconds, active_days FROM timetrackr.report_leaderboard WHERE username LIKE 'grant-%' ORDER BY 1;
SELECT bool_and(b.rank = (SELECT count(*) + 1 FROM timetrackr.report_leaderboard c WHERE c.total_seconds > b.total_seconds)) AS ranked
FROM timetrackr.report_leaderboard b;
SELECT v.name, test.refusal('SELECT * FROM timetrackr.' || v.name)
FROM unnest(ARRAY['users', 'projects', 'time_entries', 'day_totals', 'user_totals', 'refresh_tokens', 'outbox', 'list_badges()', 'profile(1, 1)']) v (name);
-- A function of his own, however cheap, is not run on the rows left out.
CREATE FUNCTION pg_temp.peek(name text)
RETURNS boolean
LANGUAGE plpgsql
COST 0.0000001
AS $$
BEGIN
    IF name = 'Grant secret' THEN
        RAISE NOTICE 'saw %', name;
    END IF;
    RETURN true;
END
$$;
SET enable_indexscan = off;
SET enable_bitmapscan = off;
SELECT project FROM timetrackr.report_projects WHERE project LIKE 'Grant%' AND pg_temp.peek(project) ORDER BY 1;
RESET enable_indexscan;
RESET enable_bitmapscan;
RESET ROLE;

-- Nobody else gets in.
SET ROLE regress_tt_nobody;
SELECT test.refusal('SELECT * FROM timetrackr.leaderboard()') AS function,
    test.refusal('SELECT * FROM timetrackr.users') AS table,
    test.refusal('SELECT * FROM timetrackr.report_leaderboard') AS view;
RESET ROLE;
-- A right on the schema alone lets nobody call anything.
GRANT USAGE ON SCHEMA timetrackr TO regress_tt_nobody;
SELECT p.oid::regprocedure AS open_to_nobody
FROM pg_proc p
WHERE p.pronamespace = 'timetrackr'::regnamespace
    AND has_function_privilege('regress_tt_nobody', p.oid, 'EXECUTE');
SELECT test.refusal('SELECT timetrackr.grant_api(''regress_tt_no_such_role'')') AS no_such_role;

DROP OWNED BY regress_tt_api, regress_tt_analyst, regress_tt_nobody;
DROP ROLE regress_tt_api, regress_tt_analyst, regress_tt_nobody;
