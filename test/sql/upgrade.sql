-- Every version that was ever released, with data in it, brought up to date:
-- it must not differ from a new installation into which the same was written,
-- neither in the catalog nor in its rows, and none of its rows may have changed.
-- A database of its own: the extension comes and goes in it.
SET client_min_messages = warning;
DROP DATABASE IF EXISTS regress_tt_upgrade;
DROP ROLE IF EXISTS regress_tt_old_api, regress_tt_old_analyst, regress_tt_old_monitor, regress_tt_old_end_user;
CREATE ROLE regress_tt_old_api;
CREATE ROLE regress_tt_old_analyst;
CREATE ROLE regress_tt_old_monitor;
CREATE ROLE regress_tt_old_end_user;
CREATE DATABASE regress_tt_upgrade;
\set home :DBNAME
\c regress_tt_upgrade
SET client_min_messages = warning;
SET timezone = 'UTC';
SET timetrackr.bcrypt_cost = 4;
SET check_function_bodies = off;
CREATE SCHEMA walk;
CREATE TABLE walk.catalog (version text, kind text, name text, definition text);
CREATE TABLE walk.rows (version text, relation text, row jsonb);

-- What is in schema timetrackr, and what of it is the extension's.
CREATE FUNCTION walk.catalog_now()
RETURNS TABLE (kind text, name text, definition text)
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    WITH objects (class, oid, kind, name, definition, acl, owner) AS (
        SELECT 'pg_proc'::regclass, p.oid, 'function', p.oid::regprocedure::text, pg_get_functiondef(p.oid), p.proacl, p.proowner
        FROM pg_proc p
        WHERE p.pronamespace = 'timetrackr'::regnamespace
        UNION ALL
        SELECT 'pg_type'::regclass, t.oid, 'type', t.typname, concat_ws(' ', t.typtype, (
                SELECT string_agg(e.enumlabel, ' ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)),
            t.typacl, t.typowner
        FROM pg_type t
        WHERE t.typnamespace = 'timetrackr'::regnamespace
        UNION ALL
        SELECT 'pg_class'::regclass, c.oid, concat_ws(' ', 'relation', c.relkind), c.relname,
            concat_ws(' ', c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, c.reloptions, c.relreplident,
                CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) END,
                CASE WHEN c.relkind = 'i' THEN pg_get_indexdef(c.oid) END,
                (SELECT concat_ws(' ', i.indisvalid, i.indisready, i.indisprimary, i.indisreplident) FROM pg_index i WHERE i.indexrelid = c.oid)),
            c.relacl, c.relowner
        FROM pg_class c
        WHERE c.relnamespace = 'timetrackr'::regnamespace
    )
    SELECT o.kind, o.name, concat_ws(E'\n', o.definition, o.owner::regrole,
        'grants: ' || (SELECT array_agg(a::text ORDER BY a::text)::text FROM unnest(o.acl) a),
        'comment: ' || obj_description(o.oid, o.class::text),
        -- what a dump takes for the extension's own grants
        'initially: ' || (SELECT array_agg(a::text ORDER BY a::text)::text
            FROM pg_init_privs i, unnest(i.initprivs) a WHERE i.classoid = o.class AND i.objoid = o.oid),
        'depends: ' || (SELECT string_agg(concat_ws(' ', d.deptype, e.extname), ', ') FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
            WHERE d.classid = o.class AND d.objid = o.oid AND d.refclassid = 'pg_extension'::regclass))
    FROM objects o
    UNION ALL
    SELECT 'column', c.relname || '.' || a.attname, concat_ws(' ',
        -- their order is of no importance, see row.h
        format_type(a.atttypid, a.atttypmod), a.attcollation::regcollation, a.attnotnull, a.attidentity, a.attgenerated, a.attstorage, a.attcompression, pg_get_expr(d.adbin, d.adrelid),
        (SELECT array_agg(e::text ORDER BY e::text) FROM unnest(a.attacl) e)::text, col_description(c.oid, a.attnum))
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'timetrackr'::regnamespace
        AND a.attnum > 0
        AND NOT a.attisdropped
    UNION ALL
    SELECT 'constraint', concat_ws(' ', c.conrelid::regclass, c.conname), concat_ws(' ', pg_get_constraintdef(c.oid), c.convalidated)
    FROM pg_constraint c
    WHERE c.connamespace = 'timetrackr'::regnamespace
    UNION ALL
    SELECT 'trigger', concat_ws(' ', t.tgrelid::regclass, t.tgname), concat_ws(' ', t.tgenabled, pg_get_triggerdef(t.oid))
    FROM pg_trigger t
    JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace = 'timetrackr'::regnamespace
        AND NOT t.tgisinternal
    UNION ALL
    SELECT 'policy', concat_ws(' ', p.polrelid::regclass, p.polname), concat_ws(' ', p.polcmd, p.polpermissive, p.polroles::regrole[],
        pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
    FROM pg_policy p
    JOIN pg_class c ON c.oid = p.polrelid
    WHERE c.relnamespace = 'timetrackr'::regnamespace
    UNION ALL
    SELECT 'setting', s.setrole::regrole::text, s.setconfig::text
    FROM pg_db_role_setting s
    JOIN pg_database d ON d.oid = s.setdatabase
    WHERE d.datname = current_database()
$$;

-- Every row of every table.
CREATE FUNCTION walk.rows_now()
RETURNS TABLE (relation text, "row" jsonb)
LANGUAGE plpgsql
AS $$
BEGIN
    FOR relation IN
        SELECT c.relname
        FROM pg_class c
        WHERE c.relnamespace = 'timetrackr'::regnamespace
            AND c.relkind = 'r'
        ORDER BY 1
    LOOP
        RETURN QUERY EXECUTE format('SELECT %L::text, to_jsonb(t) FROM timetrackr.%I t', relation, relation);
    END LOOP;
END
$$;

-- A row without what differs from one day to the next: times and secrets only are there or not.
CREATE FUNCTION walk.timeless(relation text, "row" jsonb)
RETURNS jsonb
LANGUAGE sql
AS $$
    SELECT jsonb_object_agg(v.key, CASE
        WHEN a.atttypid NOT IN ('timestamptz'::regtype, 'bytea'::regtype, 'uuid'::regtype)
            AND v.key NOT IN ('password_hash', 'stream_id', 'kept_after')
            AND (timeless.relation, v.key) <> ('stream', 'id')
            AND v.value #>> '{}' NOT LIKE '%@external.invalid'
        THEN CASE WHEN jsonb_typeof(v.value) = 'object' THEN v.value - '{created_at,read_at}'::text[] ELSE v.value END
        WHEN v.key IN ('start_time', 'end_time') THEN v.value
        ELSE to_jsonb(v.value <> 'null')
    END)
    FROM jsonb_each(timeless."row") v
    JOIN pg_attribute a ON a.attrelid = ('timetrackr.' || timeless.relation)::regclass AND a.attname = v.key
$$;

-- Everything that a database has after a while, made by the functions of 1.0.
CREATE PROCEDURE walk.fill()
LANGUAGE plpgsql
AS $$
DECLARE
    ann bigint;
    bob bigint;
    cem bigint;
    dan bigint;
    open bigint;
    secret bigint;
    gone bigint;
    badge bigint;
    entry bigint;
    token text;
BEGIN
    SELECT s.user_id INTO ann FROM timetrackr.signup('ann@example.org', 'correct horse battery', 'ann', 'Europe/Berlin') s;
    SELECT s.user_id, s.refresh_token INTO bob, token FROM timetrackr.signup('bob@example.org', 'correct horse battery', 'bob') s;
    SELECT s.user_id INTO cem FROM timetrackr.signup('cem@example.org', 'correct horse battery', 'cem', 'Asia/Kathmandu') s;
    SELECT s.user_id INTO dan FROM timetrackr.signup('dan@example.org', 'correct horse battery', 'dan') s;
    PERFORM timetrackr.set_role('ann@example.org', 'admin');
    PERFORM timetrackr.refresh(token);
    PERFORM timetrackr.login('ann@example.org', 'correct horse battery');
    PERFORM timetrackr.login('bob@example.org', 'a wrong password', client_address => '203.0.113.9');
    UPDATE timetrackr.users u SET bio = 'I knit.', listed = false WHERE u.id = bob;
    PERFORM timetrackr.link_external_id(cem, 'https://id.example', 'cem');
    PERFORM timetrackr.external_user('https://id.example', 'eva', now(), 'eva', NULL);
    PERFORM timetrackr.delete_me(timetrackr.external_user('https://id.example', 'finn', now(), 'finn', NULL));
    COMMIT;

    open := (SELECT p.project_id FROM timetrackr.create_project(ann, 'Open', visibility => 'public') p);
    secret := (SELECT p.project_id FROM timetrackr.create_project(bob, 'Secret') p);
    gone := (SELECT p.project_id FROM timetrackr.create_project(dan, 'Gone', visibility => 'public') p);
    PERFORM timetrackr.join_project(bob, open);
    PERFORM timetrackr.join_project(dan, open);
    PERFORM timetrackr.join_project(cem, gone);
    PERFORM timetrackr.set_member(bob, secret, cem, 'manager');
    PERFORM timetrackr.set_visibility(bob, secret, 'public');
    PERFORM timetrackr.update_project(ann, open, description => 'For all.');
    COMMIT;

    FOR day IN 0..9 LOOP
        PERFORM timetrackr.start_entry(ann, open, '2025-03-24 09:00Z'::timestamptz + day * interval '1 day',
            '2025-03-24 23:30Z'::timestamptz + day * interval '1 day', 'a long day', '{a,b}');
        PERFORM timetrackr.start_entry(bob, secret, '2025-03-24 21:00Z'::timestamptz + day * interval '1 day',
            '2025-03-25 01:00Z'::timestamptz + day * interval '1 day');
        COMMIT;
    END LOOP;
    PERFORM timetrackr.start_entry(cem, secret, '2025-04-01 00:00Z', '2025-04-03 00:00Z', 'forgotten');
    PERFORM timetrackr.start_entry(cem, gone, '2025-05-01 08:00Z', '2025-05-01 09:00Z');
    entry := (SELECT s.entry_id FROM timetrackr.start_entry(cem, secret, '2025-06-01 08:00Z') s);
    PERFORM timetrackr.stop_entry(cem, entry, '2025-06-01 10:00Z');
    PERFORM timetrackr.update_entry(cem, entry, note => 'mended');
    PERFORM timetrackr.start_entry(ann, open, '2025-07-01 08:00Z');
    PERFORM timetrackr.import_entries(dan, E'project,start_time,end_time\nOpen,2025-01-01T10:00:00Z,2025-01-01T11:00:00Z');
    entry := (SELECT s.entry_id FROM timetrackr.start_entry(dan, open, '2025-06-01 08:00Z', '2025-06-01 09:00Z') s);
    PERFORM timetrackr.delete_entry(dan, entry);
    COMMIT;

    badge := (SELECT b.badge_id FROM timetrackr.create_badge(ann, 'Sun', 'An hour', '{"metric": "total_seconds", "gte": 3600}') b);
    PERFORM timetrackr.backfill_badge(ann, badge);
    PERFORM timetrackr.delete_badge(ann, (SELECT b.id FROM timetrackr.badges b WHERE b.name = 'Founder'));
    INSERT INTO timetrackr.notifications (user_id, kind, payload) VALUES (bob, 'invoice_sent', '{"invoice": 17}');
    PERFORM timetrackr.read_notifications(ann);
    PERFORM timetrackr.once(ann, 'a-key', 'x');
    PERFORM timetrackr.remember(ann, 'a-key', 'x', 201, '{"x": 1}');
    COMMIT;

    -- With his account goes whom a project is handed over from.
    PERFORM timetrackr.delete_me(dan, 'correct horse battery');
    COMMIT;
    -- The relay has come half of the way; one event has failed for good.
    PERFORM timetrackr.finish_events(ARRAY(SELECT o.id FROM timetrackr.outbox o ORDER BY o.id LIMIT 20), 'start', 'walk');
    INSERT INTO timetrackr.dead_events (id, topic, payload, created_at, attempts) VALUES (1, 'x', '{"user_id": 1}', now(), 12);
    COMMIT;
END
$$;

-- A new installation of this version, used for a while.
CREATE PROCEDURE walk.install(version text)
LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE format('CREATE EXTENSION timetrackr VERSION %L CASCADE', version);
    PERFORM timetrackr.install();
    PERFORM timetrackr.grant_api('regress_tt_old_api');
    PERFORM timetrackr.grant_analyst('regress_tt_old_analyst');
    PERFORM timetrackr.grant_monitor('regress_tt_old_monitor');
    COMMIT;
    CALL walk.fill();
    PERFORM timetrackr.enable_rls();
    PERFORM timetrackr.grant_end_user('regress_tt_old_end_user');
    COMMIT;
END
$$;

CREATE PROCEDURE walk.remove()
LANGUAGE plpgsql
AS $$
BEGIN
    DROP EXTENSION IF EXISTS timetrackr CASCADE;
    DROP SCHEMA IF EXISTS timetrackr CASCADE;
    COMMIT;
END
$$;

CREATE PROCEDURE walk.note(version text)
LANGUAGE sql
AS $$
    INSERT INTO walk.catalog
    SELECT note.version, c.*
    FROM walk.catalog_now() c;
    INSERT INTO walk.rows
    SELECT note.version, r.*
    FROM walk.rows_now() r
$$;

-- Fill a database of an old version and bring it up to date as docs/upgrading.md says.
CREATE PROCEDURE walk.upgrade(version text)
LANGUAGE plpgsql
AS $$
DECLARE
    fault text;
BEGIN
    CALL walk.install(version);
    INSERT INTO walk.rows
    SELECT 'before ' || version, r.*
    FROM walk.rows_now() r;
    COMMIT;

    ALTER EXTENSION timetrackr UPDATE;
    PERFORM timetrackr.install();
    COMMIT;
    PERFORM timetrackr.enable_rls();
    PERFORM timetrackr.grant_end_user('regress_tt_old_end_user');
    COMMIT;
    CALL walk.note(version);
    COMMIT;

    FOR fault IN SELECT v::text FROM timetrackr.verify() v LOOP
        RAISE WARNING '% has become wrong: %', version, fault;
    END LOOP;
    -- It goes on: what ran is ended, what was earned is earned once, ids do not come again.
    PERFORM timetrackr.stop_entry(e.user_id, e.id, e.start_time + interval '2 hours')
    FROM timetrackr.time_entries e
    WHERE e.end_time IS NULL;
    PERFORM timetrackr.start_entry(p.owner_id, p.id, '2025-08-01 08:00Z', '2025-08-01 09:00Z')
    FROM timetrackr.projects p;
    PERFORM timetrackr.signup('fay@example.org', 'correct horse battery', 'fay');
    COMMIT;
    FOR fault IN SELECT v::text FROM timetrackr.verify() v LOOP
        RAISE WARNING '% goes on wrongly: %', version, fault;
    END LOOP;
    CALL walk.remove();
END
$$;

CREATE PROCEDURE walk.upgrade_all()
LANGUAGE plpgsql
AS $$
DECLARE
    old text;
BEGIN
    FOREACH old IN ARRAY ARRAY(
        SELECT v.version
        FROM pg_available_extension_versions v
        JOIN pg_available_extensions a ON a.name = v.name
        WHERE v.name = 'timetrackr'
            AND v.version <> a.default_version)
    LOOP
        CALL walk.upgrade(old);
    END LOOP;
END
$$;
CALL walk.upgrade_all();

SELECT a.default_version AS current FROM pg_available_extensions a WHERE a.name = 'timetrackr' \gset
CALL walk.install(:'current');
CALL walk.note('new');
SELECT * FROM timetrackr.verify();
CREATE VIEW walk.versions AS SELECT DISTINCT c.version FROM walk.catalog c WHERE c.version <> 'new';
SELECT count(*) > 0 AS walked FROM walk.versions;
SELECT count(*) > 400 AS catalog FROM walk.catalog c WHERE c.version = 'new';
SELECT count(DISTINCT r.relation) > 20 AS tables, count(*) > 150 AS rows FROM walk.rows r WHERE r.version = 'new';

-- The catalog: what only one of the two has, or has in another way.
SELECT v.version, k.kind, k.name, o.definition AS upgraded, n.definition AS new
FROM walk.versions v
CROSS JOIN (SELECT DISTINCT c.kind, c.name FROM walk.catalog c) k
LEFT JOIN walk.catalog o ON (o.version, o.kind, o.name) = (v.version, k.kind, k.name)
LEFT JOIN walk.catalog n ON (n.version, n.kind, n.name) = ('new', k.kind, k.name)
WHERE o.definition IS DISTINCT FROM n.definition
ORDER BY 1, 2, 3;

-- The rows: there are as many of each as in the new one,
CREATE TABLE walk.counts AS
SELECT r.version, r.relation, walk.timeless(r.relation, r.row) AS row, count(*) AS n
FROM walk.rows r
WHERE r.version NOT LIKE 'before %'
    -- an upgrade may have something to tell of
    AND (r.relation <> 'outbox' OR r.version = 'new' OR EXISTS (
        SELECT FROM walk.rows b WHERE (b.version, b.relation) = ('before ' || r.version, r.relation) AND r.row @> b.row))
GROUP BY 1, 2, 3;
SELECT v.version, k.relation, k.row, o.n AS upgraded, n.n AS new
FROM walk.versions v
CROSS JOIN (SELECT DISTINCT c.relation, c.row FROM walk.counts c) k
LEFT JOIN walk.counts o ON (o.version, o.relation, o.row) = (v.version, k.relation, k.row)
LEFT JOIN walk.counts n ON (n.version, n.relation, n.row) = ('new', k.relation, k.row)
WHERE o.n IS DISTINCT FROM n.n
ORDER BY 1, 2, 3;
-- and no value of any has changed or gone on the way; what had none may have got one.
SELECT b.version, b.relation, b.row
FROM walk.rows b
WHERE b.version LIKE 'before %'
    AND b.relation <> 'meta'
    AND NOT EXISTS (
        SELECT
        FROM walk.rows a
        WHERE 'before ' || a.version = b.version
            AND a.relation = b.relation
            AND a.row @> jsonb_strip_nulls(b.row)
    )
ORDER BY 1, 2, 3;

\c :home
DROP DATABASE regress_tt_upgrade;
DROP ROLE regress_tt_old_api, regress_tt_old_analyst, regress_tt_old_monitor, regress_tt_old_end_user;
