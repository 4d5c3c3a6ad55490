-- Installing, and what the other tests share. Runs first.
CREATE EXTENSION timetrackr CASCADE;
SELECT timetrackr.install();

-- A second run changes nothing.
SELECT timetrackr.install();
SELECT count(*) AS badges FROM timetrackr.badges;

-- What a statement is refused with: SQLSTATE, code, field, extra members.
CREATE SCHEMA test;
CREATE FUNCTION test.refusal(statement text)
RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    code text;
    field text;
    members text;
BEGIN
    EXECUTE statement;
    RETURN 'not refused';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = CONSTRAINT_NAME, field = COLUMN_NAME, members = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(' ', SQLSTATE, nullif(code, ''), nullif(field, ''),
        CASE WHEN SQLSTATE LIKE 'TT%' THEN nullif(members, '') END);
END
$$;

-- A user and a project, without the cost of a password hash.
CREATE FUNCTION test.new_user(name text, zone text DEFAULT 'UTC')
RETURNS bigint
LANGUAGE sql
AS $$
    INSERT INTO timetrackr.users (email, username, timezone)
    VALUES (name || '@example.org', name, zone)
    RETURNING id
$$;

CREATE FUNCTION test.new_project(owner bigint, name text, visibility text DEFAULT 'private')
RETURNS bigint
LANGUAGE sql
AS $$
    INSERT INTO timetrackr.projects (name, owner_id, visibility)
    VALUES (name, owner, visibility)
    RETURNING id
$$;

-- Every function written in SQL or plpgsql is valid once the tables exist.
SET check_function_bodies = on;
DO $$
DECLARE
    f record;
BEGIN
    FOR f IN
        SELECT p.oid, p.oid::regprocedure AS name, l.lanvalidator
        FROM pg_proc p
        JOIN pg_language l ON l.oid = p.prolang
        WHERE p.pronamespace = 'timetrackr'::regnamespace
            AND l.lanname IN ('sql', 'plpgsql')
    LOOP
        BEGIN
            EXECUTE format('SELECT %s(%s)', f.lanvalidator::regproc, f.oid);
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING '% is not valid: %', f.name, SQLERRM;
        END;
    END LOOP;
END
$$;

-- Every function is documented, and none may be called by just anybody.
SELECT p.oid::regprocedure AS undocumented
FROM pg_proc p
WHERE p.pronamespace = 'timetrackr'::regnamespace
    AND obj_description(p.oid, 'pg_proc') IS NULL;
SELECT p.oid::regprocedure AS open_to_public
FROM pg_proc p
WHERE p.pronamespace = 'timetrackr'::regnamespace
    AND has_function_privilege('public', p.oid, 'EXECUTE');
SELECT p.oid::regprocedure AS unpinned_security_definer
FROM pg_proc p
WHERE p.pronamespace = 'timetrackr'::regnamespace
    AND p.prosecdef
    AND NOT COALESCE('search_path=pg_catalog, pg_temp' = ANY (p.proconfig), false);
