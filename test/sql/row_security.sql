-- Row-level security: an end user touches what is his, nobody else notices.
SET timezone = 'UTC';
SET datestyle = iso;
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_tt_pool, regress_tt_second, regress_tt_proxy, regress_tt_etl, regress_tt_view;
RESET client_min_messages;
CREATE ROLE regress_tt_pool;
CREATE ROLE regress_tt_second;
CREATE ROLE regress_tt_proxy;
CREATE ROLE regress_tt_etl;
CREATE ROLE regress_tt_view;
SELECT timetrackr.grant_api('regress_tt_proxy'), timetrackr.grant_analyst('regress_tt_view');
GRANT USAGE ON SCHEMA timetrackr TO regress_tt_etl;
GRANT ALL ON ALL TABLES IN SCHEMA timetrackr TO regress_tt_etl;

SELECT test.new_user('rls-ann', 'Europe/Berlin') AS ann, test.new_user('rls-bob') AS bob, test.new_user('rls-cem') AS cem \gset
UPDATE timetrackr.users SET listed = false WHERE id = :ann;
SELECT test.new_project(:ann, 'RLS open', 'public') AS open, test.new_project(:ann, 'RLS secret') AS secret,
    test.new_project(:ann, 'RLS empty') AS empty \gset
INSERT INTO timetrackr.projects (name, owner_id, visibility, archived_at)
VALUES ('RLS shut', :cem, 'public', now())
RETURNING id AS shut \gset
INSERT INTO timetrackr.project_members (project_id, user_id) VALUES (:secret, :cem);
SELECT test.new_project(:cem, 'RLS cems') AS cems \gset
SELECT entry_id AS entry FROM timetrackr.start_entry(:ann, :secret, '2025-05-05 08:00Z', '2025-05-05 11:00Z', 'mine') \gset
SELECT count(*) FROM timetrackr.start_entry(:cem, :secret, '2025-05-05 08:00Z', '2025-05-05 10:00Z');
INSERT INTO timetrackr.notifications (user_id, kind) VALUES (:ann, 'test') RETURNING id AS notification \gset
INSERT INTO timetrackr.badges (name, criteria, enabled)
VALUES ('RLS retired', '{"metric": "entry_count", "gte": 1000000}', false)
RETURNING id AS badge \gset
INSERT INTO timetrackr.user_badges (user_id, badge_id) VALUES (:ann, :badge);

-- The proxy's statements have the plans they had.
CREATE FUNCTION test.statement_plan(call text)
RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    line text;
    plan text := '';
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) SELECT * FROM timetrackr.' || call LOOP
        plan := plan || line || E'\n';
    END LOOP;
    RETURN plan;
END
$$;
GRANT USAGE ON SCHEMA test TO regress_tt_pool, regress_tt_second, regress_tt_proxy, regress_tt_etl, regress_tt_view;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA test TO regress_tt_pool, regress_tt_second, regress_tt_proxy, regress_tt_etl, regress_tt_view;
CREATE TABLE test.plans (moment text, call text, plan text);
GRANT INSERT ON test.plans TO regress_tt_proxy;
\set plans 'INSERT INTO test.plans SELECT :''moment'', c.call, test.statement_plan(c.call) FROM unnest(ARRAY[''profile(1, 2)'', ''activity(1, 2)'', ''timeline(1, 2)'', ''list_projects(1)'', ''project(1, 2)'', ''entry(1, 2)'', ''list_entries(1)'', ''leaderboard()'', ''leaderboard_around(1)'', ''project_leaderboard(1, 2)'', ''list_badges()'', ''days(1, 2, ''''2025-01-01'''', ''''2025-01-02'''')'']) c (call);'
BEGIN;
\set moment before
SET LOCAL ROLE regress_tt_proxy;
:plans
RESET ROLE;
SELECT timetrackr.enable_rls(), timetrackr.grant_end_user('regress_tt_pool');
\set moment after
SET LOCAL ROLE regress_tt_proxy;
:plans
RESET ROLE;
SELECT count(*) AS plans FROM test.plans;
SELECT b.call AS other_plan
FROM test.plans b
JOIN test.plans a ON a.call = b.call AND a.moment = 'after' AND a.plan <> b.plan
WHERE b.moment = 'before';
ROLLBACK;
SELECT count(*) AS days, COALESCE(sum(seconds), 0) AS seconds FROM timetrackr.report_days \gset before_

-- Nobody is an end user before row-level security is on.
SELECT timetrackr.rls_enabled(), test.refusal('SELECT timetrackr.grant_end_user(''regress_tt_pool'')') AS too_early;
SELECT timetrackr.enable_rls();
SELECT timetrackr.rls_enabled(), timetrackr.rls_roles();
-- Nor who is above it, or may act for anybody.
CREATE ROLE regress_tt_above BYPASSRLS;
SELECT test.refusal('SELECT timetrackr.grant_end_user(current_user::text::regrole)') AS superuser,
    test.refusal('SELECT timetrackr.grant_end_user(''regress_tt_above'')') AS bypass,
    test.refusal('SELECT timetrackr.grant_end_user(''regress_tt_proxy'')') AS api;
DROP ROLE regress_tt_above;
SELECT timetrackr.grant_end_user('regress_tt_pool');
SELECT timetrackr.rls_roles();

-- Another role, install(), and all of it again, change nothing.
CREATE TABLE test.policies AS SELECT * FROM pg_policies WHERE schemaname = 'timetrackr';
SELECT timetrackr.install(), timetrackr.enable_rls(), timetrackr.grant_end_user('regress_tt_pool');
SELECT count(*) > 0 AS some, count(*) = (SELECT count(*) FROM test.policies) AS same
FROM (TABLE test.policies INTERSECT SELECT * FROM pg_policies WHERE schemaname = 'timetrackr') p;
SELECT timetrackr.grant_end_user('regress_tt_second');
SELECT timetrackr.rls_roles();
SELECT count(*) AS policies, count(DISTINCT tablename) AS tables, string_agg(DISTINCT roles::text, ' ') AS roles
FROM pg_policies
WHERE schemaname = 'timetrackr' AND permissive = 'RESTRICTIVE';
SELECT c.relname AS with_rights_and_no_policy
FROM pg_class c
WHERE c.relnamespace = 'timetrackr'::regnamespace
    AND c.relkind = 'r'
    AND NOT c.relrowsecurity
    AND (has_any_column_privilege('regress_tt_pool', c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')
        OR has_table_privilege('regress_tt_pool', c.oid, 'DELETE, TRUNCATE, TRIGGER'));
SELECT p.oid::regprocedure AS runs_as_owner
FROM pg_proc p
WHERE p.pronamespace = 'timetrackr'::regnamespace
    AND p.prosecdef
    AND has_function_privilege('regress_tt_pool', p.oid, 'EXECUTE');

-- What a statement does when timetrackr.user_id is so: rows, or its error. It
-- is undone, whatever it did.
CREATE FUNCTION test.attempt(session_user_id text, statement text)
RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    affected bigint;
    code text;
BEGIN
    PERFORM set_config('timetrackr.user_id', session_user_id, true);
    EXECUTE statement;
    GET DIAGNOSTICS affected = ROW_COUNT;
    RAISE EXCEPTION USING ERRCODE = 'ZZ000', MESSAGE = affected;
EXCEPTION
    WHEN SQLSTATE 'ZZ000' THEN
        RETURN SQLERRM;
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS code = CONSTRAINT_NAME;
        RETURN concat_ws(' ', SQLSTATE, CASE WHEN SQLSTATE LIKE 'TT%' THEN code END);
END
$$;

-- Everything here is Ann's: she, who is a member with her of the secret
-- project (Cem), a stranger (Bob), nobody, and what is no user.
CREATE TABLE test.statements (number integer GENERATED ALWAYS AS IDENTITY, statement text);
INSERT INTO test.statements (statement)
SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
    s.statement, '{ann}', :'ann'), '{bob}', :'bob'), '{open}', :'open'), '{secret}', :'secret'), '{entry}', :'entry'),
    '{notification}', :'notification'), '{badge}', :'badge'), '{empty}', :'empty'), '{shut}', :'shut'), '{cems}', :'cems')
FROM unnest(ARRAY[
    'SELECT id, username, bio, avatar, created_at FROM users WHERE id = {ann}',
    'SELECT email FROM users WHERE id = {ann}',
    'SELECT password_hash FROM users WHERE id = {ann}',
    'SELECT timezone, listed FROM users WHERE id = {ann}',
    'SELECT * FROM viewer_account WHERE user_id = {ann}',
    'INSERT INTO users (email, username) VALUES (''x@example.org'', ''x'')',
    'UPDATE users SET bio = ''x'', timezone = ''UTC'', username = ''rls-x'', listed = true WHERE id = {ann}',
    'UPDATE users SET role = ''admin'' WHERE id = {ann}',
    'UPDATE users SET email = ''x@example.org'' WHERE id = {ann}',
    'DELETE FROM users WHERE id = {ann}',
    'SELECT * FROM projects WHERE id = {secret}',
    'SELECT * FROM projects WHERE id = {open}',
    'SELECT * FROM viewer_projects WHERE project_id = {open}',
    'INSERT INTO projects (name, visibility) VALUES (''RLS new'', ''public'')',
    'INSERT INTO projects (name, owner_id) VALUES (''RLS new'', {ann})',
    'UPDATE projects SET name = ''RLS x'' WHERE id = {secret}',
    'UPDATE projects SET visibility = ''private'', archived_at = now() WHERE id = {open}',
    'UPDATE projects SET owner_id = {bob} WHERE id = {open}',
    'DELETE FROM projects WHERE id = {empty}',
    'DELETE FROM projects WHERE id = {secret}',
    'SELECT * FROM project_members WHERE project_id = {secret}',
    'SELECT * FROM project_members WHERE project_id = {open}',
    'INSERT INTO project_members (project_id) VALUES ({open})',
    'INSERT INTO project_members (project_id) VALUES ({secret})',
    'INSERT INTO project_members (project_id) VALUES ({shut})',
    'INSERT INTO project_members (project_id) VALUES (0)',
    'INSERT INTO project_members (project_id, user_id) VALUES ({open}, {bob})',
    'INSERT INTO project_members (project_id, role) VALUES ({open}, ''owner'')',
    'UPDATE project_members SET role = ''owner'' WHERE project_id = {secret}',
    'DELETE FROM project_members WHERE project_id = {secret}',
    'SELECT * FROM time_entries WHERE user_id = {ann}',
    'INSERT INTO time_entries (project_id, start_time, end_time) VALUES ({secret}, ''2025-05-06 08:00Z'', ''2025-05-06 09:00Z'')',
    'INSERT INTO time_entries (project_id, start_time) VALUES ({open}, now())',
    'INSERT INTO time_entries (project_id, start_time) VALUES ({cems}, now())',
    'INSERT INTO time_entries (user_id, project_id, start_time) VALUES ({ann}, {open}, now())',
    'INSERT INTO time_entries (project_id, start_time, duration) VALUES ({open}, now(), 1000000)',
    'UPDATE time_entries SET note = ''x'', tags = ''{x}'', end_time = ''2025-05-05 12:00Z'' WHERE id = {entry}',
    'UPDATE time_entries SET project_id = {cems} WHERE id = {entry}',
    'UPDATE time_entries SET user_id = {bob} WHERE id = {entry}',
    'DELETE FROM time_entries WHERE id = {entry}',
    'TRUNCATE time_entries',
    'SELECT * FROM timeline_events WHERE user_id = {ann} AND event_type = ''time_entry_completed''',
    'INSERT INTO timeline_events (user_id, event_type) VALUES ({ann}, ''x'')',
    'UPDATE timeline_events SET event_type = ''x'' WHERE user_id = {ann}',
    'DELETE FROM timeline_events WHERE user_id = {ann}',
    'SELECT * FROM notifications WHERE id = {notification}',
    'INSERT INTO notifications (user_id, kind) VALUES ({ann}, ''x'')',
    'UPDATE notifications SET read_at = now() WHERE id = {notification}',
    'UPDATE notifications SET payload = ''{}'' WHERE id = {notification}',
    'DELETE FROM notifications WHERE id = {notification}',
    'SELECT * FROM badges WHERE id = {badge}',
    'INSERT INTO badges (name, criteria) VALUES (''x'', ''{}'')',
    'UPDATE badges SET enabled = true WHERE id = {badge}',
    'DELETE FROM badges WHERE id = {badge}',
    'SELECT * FROM user_badges WHERE user_id = {ann} AND badge_id = {badge}',
    'INSERT INTO user_badges (user_id, badge_id) VALUES ({ann}, 1)',
    'UPDATE user_badges SET awarded_at = now() WHERE user_id = {ann}',
    'DELETE FROM user_badges WHERE user_id = {ann}',
    'SELECT * FROM user_totals WHERE user_id = {ann}',
    'INSERT INTO user_totals (user_id) VALUES ({ann})',
    'UPDATE user_totals SET seconds = 1 WHERE user_id = {ann}',
    'DELETE FROM user_totals WHERE user_id = {ann}',
    'SELECT * FROM project_totals WHERE user_id = {ann}',
    'SELECT * FROM project_totals WHERE project_id = {secret}',
    'INSERT INTO project_totals VALUES ({ann}, {open}, 1, 1)',
    'UPDATE project_totals SET seconds = 1 WHERE user_id = {ann}',
    'DELETE FROM project_totals WHERE user_id = {ann}',
    'SELECT * FROM day_totals WHERE user_id = {ann}',
    'INSERT INTO day_totals VALUES ({ann}, ''2025-01-01'', {open}, 1, 1)',
    'UPDATE day_totals SET seconds = 1 WHERE user_id = {ann}',
    'DELETE FROM day_totals WHERE user_id = {ann}',
    'SELECT * FROM scores WHERE user_id = {ann} AND period = ''all''',
    'INSERT INTO scores VALUES ({ann}, ''all'', ''1970-01-01'', 1, true)',
    'UPDATE scores SET seconds = 1 WHERE user_id = {ann}',
    'DELETE FROM scores WHERE user_id = {ann}',
    'SELECT * FROM refresh_tokens',
    'SELECT * FROM outbox',
    'SELECT * FROM media',
    'SELECT * FROM meta',
    'SELECT * FROM report_entries',
    'SELECT * FROM me({ann})',
    'SELECT * FROM stop_entry({ann}, {entry})'
]) s (statement);
GRANT SELECT ON test.statements TO regress_tt_pool, regress_tt_second;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA test TO regress_tt_pool, regress_tt_second;
SET ROLE regress_tt_pool;
SET search_path = timetrackr, pg_catalog;
\pset format unaligned
SELECT
    test.attempt(:'ann', s.statement) AS own,
    test.attempt(:'cem', s.statement) AS member,
    test.attempt(:'bob', s.statement) AS stranger,
    test.attempt('', s.statement) AS unset,
    test.attempt('999999999999999999', s.statement) AS no_such,
    CASE
        WHEN s.statement ~ '\{|\d\d\d\d-' THEN substring(s.statement FROM '^(\w+( INTO| FROM)? \w+)')
        ELSE regexp_replace(s.statement, '\d+', '#', 'g')
    END AS statement
FROM test.statements s
ORDER BY s.number;
\pset format aligned
RESET search_path;

-- What is no id is no value of the setting.
SELECT v.value, test.attempt(v.value, 'SELECT') AS set
FROM unnest(ARRAY['', '0', '7', '-1', '1.0', ' 1', '1e3', 'garbage', '1 OR true', '1234567890123456789']) v (value);

-- SET LOCAL ends with the transaction.
SELECT set_config('timetrackr.user_id', :'bob', false) \g /dev/null
BEGIN;
SELECT set_config('timetrackr.user_id', :'ann', true) \g /dev/null
SELECT user_id = :ann AS ann, (SELECT count(*) FROM timetrackr.time_entries) AS entries FROM timetrackr.viewer;
COMMIT;
SELECT user_id = :bob AS bob, (SELECT count(*) FROM timetrackr.time_entries) AS entries FROM timetrackr.viewer;

-- Writes go through the rules: join, log, edit, and everything follows.
INSERT INTO timetrackr.project_members (project_id) VALUES (:open);
INSERT INTO timetrackr.time_entries (project_id, start_time, end_time, note)
VALUES (:open, '2025-05-05 22:00Z', '2025-05-06 02:00Z', 'bobs');
UPDATE timetrackr.time_entries SET end_time = '2025-05-06 03:00Z' WHERE note = 'bobs';
SELECT duration, timezone, source, flagged FROM timetrackr.time_entries;
SELECT day, seconds FROM timetrackr.day_totals ORDER BY day;
SELECT seconds, entries, listed FROM timetrackr.user_totals WHERE user_id = :bob;
SELECT username, email, timezone, listed FROM timetrackr.viewer_account;
SELECT event_type FROM timetrackr.timeline_events WHERE project_id = :open ORDER BY id;

-- Boards show what they show to anyone; Ann, who is not listed, herself neither.
CREATE TEMPORARY TABLE boards AS
SELECT 'all' AS board, l.* FROM timetrackr.leaderboard('all', 'time', NULL, 100) l
UNION ALL SELECT 'badges', l.* FROM timetrackr.leaderboard('all', 'badges', NULL, 100) l
UNION ALL SELECT 'month', l.* FROM timetrackr.leaderboard('month', 'time', '2025-05-01', 100) l
UNION ALL SELECT 'around', l.* FROM timetrackr.leaderboard_around(:cem) l
UNION ALL SELECT 'project', l.* FROM timetrackr.project_leaderboard(:bob, :open) l;
SELECT count(*) AS leaked FROM timetrackr.project_leaderboard(:ann, :secret);
SET timetrackr.user_id = '';
SELECT count(*) = (SELECT count(*) FROM boards WHERE board = 'all') AS visitor
FROM timetrackr.leaderboard('all', 'time', NULL, 100);
RESET ROLE;
SELECT count(DISTINCT b.board) AS boards, count(*) FILTER (WHERE username = 'rls-ann') AS ann
FROM boards b;
SELECT count(*) AS different
FROM (
    SELECT 'all', l.* FROM timetrackr.leaderboard('all', 'time', NULL, 100) l
    UNION ALL SELECT 'badges', l.* FROM timetrackr.leaderboard('all', 'badges', NULL, 100) l
    UNION ALL SELECT 'month', l.* FROM timetrackr.leaderboard('month', 'time', '2025-05-01', 100) l
    UNION ALL SELECT 'around', l.* FROM timetrackr.leaderboard_around(:cem) l
    UNION ALL SELECT 'project', l.* FROM timetrackr.project_leaderboard(:bob, :open) l
    EXCEPT TABLE boards
) d;
DROP TABLE boards;

-- A function of an end user's own, however cheap, sees no row of others.
SET ROLE regress_tt_pool;
SELECT set_config('timetrackr.user_id', :'bob', false) \g /dev/null
CREATE FUNCTION pg_temp.peek(seen text)
RETURNS boolean
LANGUAGE plpgsql
COST 0.0000001
AS $$
BEGIN
    IF seen IN ('mine', 'RLS secret', 'RLS retired') THEN
        RAISE NOTICE 'saw %', seen;
    END IF;
    RETURN true;
END
$$;
SELECT count(*) AS entries FROM timetrackr.time_entries WHERE pg_temp.peek(note);
SELECT count(*) > 0 AS projects FROM timetrackr.projects WHERE pg_temp.peek(name);
SELECT count(*) > 0 AS badges FROM timetrackr.badges WHERE pg_temp.peek(name);
RESET ROLE;

-- Garbage can be set until the module is loaded: a session without a user then.
\c -
SET ROLE regress_tt_pool;
SET timetrackr.user_id = '1 OR true';
SELECT v.user_id, (SELECT count(*) FROM timetrackr.time_entries) AS entries,
    (SELECT count(*) FROM timetrackr.viewer_account) AS accounts,
    (SELECT count(*) FROM timetrackr.projects WHERE visibility = 'private') AS secrets
FROM timetrackr.viewer v;
SELECT count(*) > 0 AS board FROM timetrackr.leaderboard();
SHOW timetrackr.user_id;
\c -
-- And what is set before it is loaded holds on.
SET ROLE regress_tt_pool;
SELECT set_config('timetrackr.user_id', :'cem', false) \g /dev/null
SELECT count(*) > 0 AS board FROM timetrackr.leaderboard();
SELECT count(*) AS entries, bool_and(user_id = :cem) AS own FROM timetrackr.time_entries;
RESET ROLE;

-- Nobody else is bound: not the proxy's role, not an analyst, not a loader.
SET timezone = 'UTC';
SET ROLE regress_tt_proxy;
SELECT count(*) AS entries FROM timetrackr.list_entries(:ann);
SELECT entry_id AS running FROM timetrackr.start_entry(:ann, :secret) \gset
SELECT flagged FROM timetrackr.stop_entry(:ann, :running);
SELECT timetrackr.delete_entry(:ann, :running);
RESET ROLE;
SET ROLE regress_tt_view;
SELECT count(*) - :before_days AS more_days, sum(seconds) - :before_seconds AS more_seconds FROM timetrackr.report_days;
RESET ROLE;
SET ROLE regress_tt_etl;
RESET timetrackr.user_id;
SELECT count(*) > 0 AS entries FROM timetrackr.time_entries WHERE user_id = :ann;
INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time)
VALUES (:ann, :secret, '2025-04-05 08:00Z', '2025-04-05 09:00Z');
SELECT test.refusal(format('INSERT INTO timetrackr.time_entries (project_id, start_time) VALUES (%s, now())', :open)) AS whose;
RESET ROLE;
SELECT relation, key FROM timetrackr.verify();

-- Off: no policy, default or view is left, and no right of an end user's.
SELECT timetrackr.disable_rls();
SELECT timetrackr.rls_enabled(), timetrackr.rls_roles(), count(*) AS policies
FROM pg_policies
WHERE schemaname = 'timetrackr';
SELECT timetrackr.disable_rls();
SELECT count(*) AS rights
FROM pg_class c
WHERE c.relnamespace = 'timetrackr'::regnamespace
    AND c.relkind IN ('r', 'v')
    AND (c.relrowsecurity
        OR c.relname LIKE 'viewer%'
        OR has_any_column_privilege('regress_tt_pool', c.oid, 'SELECT, INSERT, UPDATE')
        OR has_any_column_privilege('regress_tt_second', c.oid, 'SELECT, INSERT, UPDATE'));
SELECT has_schema_privilege('regress_tt_pool', 'timetrackr', 'USAGE') AS schema,
    has_function_privilege('regress_tt_pool', 'timetrackr.board_above(timetrackr.period, timetrackr.metric, date, bigint)', 'EXECUTE') AS function;
SELECT a.attrelid::regclass AS with_default
FROM pg_attribute a
WHERE a.attrelid IN ('timetrackr.time_entries'::regclass, 'timetrackr.projects'::regclass, 'timetrackr.project_members'::regclass)
    AND a.attname IN ('user_id', 'owner_id')
    AND a.atthasdef;

DELETE FROM timetrackr.time_entries WHERE user_id IN (:ann, :bob, :cem);
DELETE FROM timetrackr.users WHERE id IN (:ann, :bob, :cem);
DELETE FROM timetrackr.badges WHERE id = :badge;
DROP TABLE test.plans, test.policies, test.statements;
DROP FUNCTION test.attempt, test.statement_plan;
DROP OWNED BY regress_tt_pool, regress_tt_second, regress_tt_proxy, regress_tt_etl, regress_tt_view;
DROP ROLE regress_tt_pool, regress_tt_second, regress_tt_proxy, regress_tt_etl, regress_tt_view;
