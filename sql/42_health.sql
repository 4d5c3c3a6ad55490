-- What an operator wants to know, one row for each check, and nothing of any
-- user. The view belongs to the extension, as it stands on its functions, which look with
-- the owner's eyes; grant_monitor() opens it.

CREATE TYPE timetrackr.health_check AS (
    name text,
    status text,
    value numeric,
    unit text,
    detail text
);

CREATE FUNCTION timetrackr.health_level(value numeric, warning numeric, critical numeric)
RETURNS text
LANGUAGE sql
IMMUTABLE
AS $$
    SELECT CASE
        WHEN health_level.value >= health_level.critical THEN 'critical'
        WHEN health_level.value >= health_level.warning THEN 'warning'
        ELSE 'ok'
    END
$$;
COMMENT ON FUNCTION timetrackr.health_level(numeric, numeric, numeric) IS
'Part of health: ok, warning from warning on, critical from critical on (null: never).';

CREATE FUNCTION timetrackr.health_of_install()
RETURNS SETOF timetrackr.health_check
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    is_installed CONSTANT boolean := to_regclass('timetrackr.meta') IS NOT NULL;
    needed CONSTANT integer := timetrackr.schema_version();
    found integer;
    loose bigint;
    unused text;
    doubtful text;
BEGIN
    IF is_installed THEN
        SELECT m.schema_version INTO found FROM timetrackr.meta m;
    END IF;
    RETURN QUERY
    SELECT
        'installed',
        CASE WHEN found = needed THEN 'ok' ELSE 'critical' END,
        COALESCE(found = needed, false)::integer::numeric,
        'boolean',
        CASE
            WHEN NOT is_installed THEN 'there are no tables: run timetrackr.install()'
            WHEN found < needed THEN 'the tables are older than the extension: run timetrackr.install()'
            WHEN found > needed THEN 'the tables are newer than the extension: run ALTER EXTENSION timetrackr UPDATE with the files of that version'
        END;

    RETURN QUERY
    SELECT
        'extension_version',
        CASE WHEN e.extversion = a.default_version THEN 'ok' ELSE 'warning' END,
        (e.extversion = a.default_version)::integer::numeric,
        'boolean',
        CASE WHEN e.extversion <> a.default_version
            THEN format('the database has %s, the server''s files are %s: see Upgrading', e.extversion, a.default_version)
            ELSE e.extversion
        END
    FROM pg_extension e
    JOIN pg_available_extensions a ON a.name = e.extname
    WHERE e.extname = 'timetrackr';

    IF NOT is_installed THEN
        RETURN;
    END IF;
    SELECT
        count(*),
        string_agg(o.what, ', ' ORDER BY o.what)
    INTO loose, unused
    FROM (
        SELECT format('%s is switched off', t.tgname) AS what
        FROM pg_trigger t
        JOIN pg_class c ON c.oid = t.tgrelid
        WHERE c.relnamespace = 'timetrackr'::regnamespace
            AND t.tgenabled IN ('D', 'R')
        UNION ALL
        SELECT format('%s() is attached to no table', p.proname)
        FROM pg_proc p
        WHERE p.pronamespace = 'timetrackr'::regnamespace
            AND p.prorettype = 'trigger'::regtype
            AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgfoid = p.oid)
    ) o;
    RETURN QUERY
    SELECT
        'triggers_off',
        timetrackr.health_level(loose, 1, 1),
        loose::numeric,
        'triggers',
        CASE WHEN loose > 0 THEN format('what is written is not counted: %s. Run install(), then rebuild()', unused) END;

    SELECT
        count(*),
        string_agg(o.what, ', ' ORDER BY o.what)
    INTO loose, doubtful
    FROM (
        SELECT format('constraint %s of %s is not valid', n.conname, c.relname) AS what
        FROM pg_constraint n
        JOIN pg_class c ON c.oid = n.conrelid
        WHERE n.connamespace = 'timetrackr'::regnamespace
            AND NOT n.convalidated
        UNION ALL
        SELECT format('index %s is not valid', c.relname)
        FROM pg_index i
        JOIN pg_class c ON c.oid = i.indexrelid
        WHERE c.relnamespace = 'timetrackr'::regnamespace
            AND NOT (i.indisvalid AND i.indisready)
    ) o;
    RETURN QUERY
    SELECT
        'not_valid',
        timetrackr.health_level(loose, 1, NULL),
        loose::numeric,
        'objects',
        CASE WHEN loose > 0 THEN format('%s: ALTER TABLE ... VALIDATE CONSTRAINT, or REINDEX', doubtful) END;
END
$$;
COMMENT ON FUNCTION timetrackr.health_of_install() IS
'Part of health: are the tables there, the files no newer than the database, and triggers, constraints and indexes in force?';

CREATE FUNCTION timetrackr.health_of_relay()
RETURNS SETOF timetrackr.health_check
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    state record;
    age numeric;
BEGIN
    SELECT * INTO state FROM timetrackr.relay_status();
    age := state.outbox_age_ms / 1000.0;
    RETURN QUERY VALUES
        (
            'outbox_events',
            timetrackr.health_level(state.outbox_depth, 100000, NULL),
            state.outbox_depth::numeric,
            'events',
            CASE WHEN state.outbox_depth >= 100000 THEN 'the relay does not keep up, or none is at work' END
        ),
        (
            'outbox_age',
            timetrackr.health_level(age, 30, 300),
            round(age, 3),
            'seconds',
            CASE WHEN age >= 30 THEN 'clients and boards are behind: see the log of the proxy that leads' END
        ),
        (
            'retrying_events',
            timetrackr.health_level(state.retrying, 1, NULL),
            state.retrying::numeric,
            'events',
            CASE WHEN state.retrying > 0 THEN 'see last_error of timetrackr.outbox' END
        ),
        (
            'dead_events',
            timetrackr.health_level(state.dead, 1, NULL),
            state.dead::numeric,
            'events',
            CASE WHEN state.dead > 0 THEN 'see timetrackr.dead_events, then retry_dead(id)' END
        ),
        -- A database that is used without a proxy has none, and an outbox that grows.
        (
            'relay_leader',
            CASE WHEN state.leader_pid IS NOT NULL THEN 'ok' WHEN age < 60 THEN 'warning' ELSE 'critical' END,
            (state.leader_pid IS NOT NULL)::integer::numeric,
            'boolean',
            CASE WHEN state.leader_pid IS NULL THEN 'no proxy leads the relay' END
        );
END
$$;
COMMENT ON FUNCTION timetrackr.health_of_relay() IS
'Part of health: relay_status() with judgement.';

CREATE FUNCTION timetrackr.health_of_outbound()
RETURNS SETOF timetrackr.health_check
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- Without a mail server none is ever tried, and all wait until they are dropped.
    are_mailed CONSTANT boolean := EXISTS (
        SELECT
        FROM (
            SELECT m.attempts
            FROM timetrackr.mails m
            ORDER BY m.created_at
            LIMIT 1000
        ) o
        WHERE o.attempts > 0);
    state record;
    deliveries_late numeric;
    mails_late numeric;
BEGIN
    SELECT * INTO state FROM timetrackr.outbound_status(are_mailed);
    deliveries_late := state.deliveries_late_ms / 1000.0;
    mails_late := state.mails_late_ms / 1000.0;
    RETURN QUERY VALUES
        (
            'waiting_deliveries',
            timetrackr.health_level(state.deliveries_waiting, 50000, NULL),
            state.deliveries_waiting::numeric,
            'deliveries',
            CASE WHEN state.deliveries_waiting >= 50000 THEN 'so many, or more: receivers are too slow, or none can be reached' END
        ),
        (
            'late_deliveries',
            timetrackr.health_level(deliveries_late, 60, 600),
            round(deliveries_late, 3),
            'seconds',
            CASE WHEN deliveries_late >= 60 THEN 'nobody sends to webhooks: see the log of the proxy that leads' END
        ),
        (
            'failing_webhooks',
            'ok',
            state.webhooks_failing::numeric,
            'webhooks',
            CASE WHEN state.webhooks_failing > 0 THEN 'are tried again; their owners see why' END
        ),
        (
            'disabled_webhooks',
            'ok',
            state.webhooks_disabled::numeric,
            'webhooks',
            CASE WHEN state.webhooks_disabled > 0 THEN 'failed for days, are gone, or were too slow; their owners were told' END
        ),
        (
            'waiting_mails',
            timetrackr.health_level(state.mails_waiting, 10000, NULL),
            state.mails_waiting::numeric,
            'mails',
            CASE
                WHEN state.mails_waiting >= 10000 THEN 'the mail server takes none, or too few: see last_error of timetrackr.mails'
                WHEN NOT are_mailed THEN 'none was ever sent'
            END
        ),
        (
            'late_mails',
            timetrackr.health_level(mails_late, 300, 3600),
            round(mails_late, 3),
            'seconds',
            CASE WHEN mails_late >= 300 THEN 'nobody sends mails: see the log of the proxy that leads, and its SMTP_URL' END
        );
END
$$;
COMMENT ON FUNCTION timetrackr.health_of_outbound() IS
'Part of health: outbound_status() with judgement.';

CREATE FUNCTION timetrackr.health_of_tables()
RETURNS SETOF timetrackr.health_check
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- Unknown, and the default, in a session that has not called a function in C yet.
    max_entry CONSTANT interval := COALESCE(current_setting('timetrackr.max_entry', true), '24h');
    worst record;
    never bigint;
BEGIN
    RETURN QUERY
    SELECT
        'forgotten_timers',
        'ok',
        count(*)::numeric,
        'timers',
        CASE WHEN count(*) > 0 THEN 'run for longer than timetrackr.max_entry, and will count nothing until edited' END
    FROM timetrackr.time_entries e
    WHERE e.end_time IS NULL
        AND e.start_time < now() - max_entry;

    SELECT
        s.relname,
        round(s.n_dead_tup::numeric / (s.n_live_tup + s.n_dead_tup), 3) AS share
    INTO worst
    FROM pg_stat_user_tables s
    WHERE s.schemaname = 'timetrackr'
        AND s.n_dead_tup >= 10000
    ORDER BY 2 DESC, 1
    LIMIT 1;
    RETURN QUERY VALUES
        (
            'dead_rows',
            timetrackr.health_level(COALESCE(worst.share, 0), 0.4, NULL),
            COALESCE(worst.share, 0),
            'ratio',
            CASE WHEN worst.share >= 0.4
                THEN format('of %s: VACUUM it; a long transaction, a replication slot or a slow autovacuum keeps them', worst.relname)
            END
        );

    SELECT count(*) INTO never
    FROM pg_stat_user_tables s
    WHERE s.schemaname = 'timetrackr'
        AND s.n_mod_since_analyze >= 10000
        AND s.last_analyze IS NULL
        AND s.last_autoanalyze IS NULL;
    RETURN QUERY VALUES
        (
            'never_analyzed',
            timetrackr.health_level(never, 1, NULL),
            never::numeric,
            'tables',
            CASE WHEN never > 0 THEN 'have rows and no statistics, as after a restore: ANALYZE' END
        );
END
$$;
COMMENT ON FUNCTION timetrackr.health_of_tables() IS
'Part of health: timers that run for too long, and what VACUUM and ANALYZE have left undone.';

CREATE FUNCTION timetrackr.health_of_standbys()
RETURNS SETOF timetrackr.health_check
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
        'standby_lag',
        timetrackr.health_level(l.lag, 30, NULL),
        round(l.lag, 3),
        'seconds',
        CASE WHEN l.lag >= 30 THEN 'a standby is behind: see pg_stat_replication; reads go to the primary meanwhile' END
    FROM (
        SELECT COALESCE(max(extract(epoch FROM r.replay_lag)), 0) AS lag
        FROM pg_stat_replication r
        WHERE r.state = 'streaming'
    ) l
    UNION ALL
    SELECT
        'kept_wal',
        timetrackr.health_level(k.bytes, 1073741824, 10737418240),
        k.bytes,
        'bytes',
        CASE WHEN k.bytes >= 1073741824
            THEN format('replication slot %s keeps them for nobody: bring its standby back, or drop it', k.slot_name)
        END
    FROM (
        SELECT
            COALESCE(max(w.bytes), 0) AS bytes,
            max(w.slot_name) FILTER (WHERE w.place = 1) AS slot_name
        FROM (
            SELECT
                s.slot_name,
                pg_wal_lsn_diff(
                    CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
                    s.restart_lsn) AS bytes,
                row_number() OVER (ORDER BY s.restart_lsn) AS place
            FROM pg_replication_slots s
            WHERE NOT s.active
                AND s.restart_lsn IS NOT NULL
        ) w
    ) k
$$;
COMMENT ON FUNCTION timetrackr.health_of_standbys() IS
'Part of health: how far streaming standbys are behind, and how much of the log (WAL) is kept for one that is gone.';

CREATE FUNCTION timetrackr.health_checks()
RETURNS SETOF timetrackr.health_check
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT * FROM timetrackr.health_of_install();
    IF to_regclass('timetrackr.meta') IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT * FROM timetrackr.health_of_relay();
    -- Tables of before have none.
    IF to_regclass('timetrackr.mails') IS NOT NULL THEN
        RETURN QUERY
        SELECT * FROM timetrackr.health_of_outbound();
    END IF;
    RETURN QUERY
    SELECT * FROM timetrackr.health_of_tables();
    RETURN QUERY
    SELECT * FROM timetrackr.health_of_standbys();
END
$$;
COMMENT ON FUNCTION timetrackr.health_checks() IS
'All checks of the view health.';

CREATE VIEW timetrackr.health AS
SELECT
    c.name,
    c.status,
    c.value,
    c.unit,
    c.detail
FROM timetrackr.health_checks() c;
COMMENT ON VIEW timetrackr.health IS
'How the database does, one row for each check; for whoever grant_monitor() names. It takes some milliseconds, and counts the outbox.';
COMMENT ON COLUMN timetrackr.health.name IS 'The check.';
COMMENT ON COLUMN timetrackr.health.status IS 'ok, warning: look at it this week, or critical: now.';
COMMENT ON COLUMN timetrackr.health.value IS 'What was found, in unit.';
COMMENT ON COLUMN timetrackr.health.unit IS 'Of value; boolean is 1 for yes and 0 for no.';
COMMENT ON COLUMN timetrackr.health.detail IS 'What is wrong, and what to do; no user''s data.';
