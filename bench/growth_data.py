"""Data sets that differ in size alone: ten finished entries for each user, on
every second day, half of them on a project of his own, half on one of a team of
ten. Millions of users are not made by triggers in reasonable time, so the tables
are written past them, by statements over all users at once, with the indexes
made at the end; proved() shows that the rules would have written the same."""

import time

ENTRIES_EACH = 10

# Written in bulk, so without their keys and indexes until the end.
BULKY = ("time_entries", "timeline_events", "project_totals", "day_totals", "scores")

SETTINGS = [
    "SET statement_timeout = 0",
    "SET session_replication_role = replica",
    "SET synchronous_commit = off",
    "SET work_mem = '512MB'",
    "SET maintenance_work_mem = '1GB'",
    "SET timezone = 'UTC'",
    "SELECT setseed(0.5)",
]

PEOPLE = [
    """
    INSERT INTO timetrackr.users (id, email, username, timezone, created_at)
    SELECT n, 'u' || n || '@example.org', 'u' || n,
        ('{{UTC,Europe/Berlin,America/New_York,Asia/Tokyo}}'::text[])[1 + n % 4], now() - interval '60 days'
    FROM generate_series(1, {users}) n
    """,
    """
    INSERT INTO timetrackr.projects (id, name, owner_id, visibility, created_at)
    SELECT n, 'Own of ' || n, n, 'private', now() - interval '60 days'
    FROM generate_series(1, {users}) n
    UNION ALL
    SELECT {users} + t, 'Team ' || t, 10 * t - 9, 'public', now() - interval '60 days'
    FROM generate_series(1, {users} / 10) t
    """,
    """
    INSERT INTO timetrackr.project_members (project_id, user_id, role, joined_at)
    SELECT n, n, 'owner', now() - interval '60 days'
    FROM generate_series(1, {users}) n
    UNION ALL
    SELECT {users} + 1 + (n - 1) / 10, n,
        CASE WHEN n % 10 = 1 THEN 'owner' ELSE 'contributor' END, now() - interval '60 days'
    FROM generate_series(1, {users}) n
    """,
]

# As they came: a day of everybody after the other. The last one was two days ago.
DAY_OF_ENTRIES = """
INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time, duration, timezone, created_at)
SELECT n, CASE WHEN (n + {day}) % 2 = 0 THEN n ELSE {users} + 1 + (n - 1) / 10 END,
    e.start_time, e.start_time + e.seconds * interval '1 second', e.seconds,
    ('{{UTC,Europe/Berlin,America/New_York,Asia/Tokyo}}'::text[])[1 + n % 4], e.start_time
FROM (
    SELECT n,
        date_trunc('day', now()) - (2 * {day} + 2 + n % 2) * interval '1 day'
            + interval '5 hours' + (random() * 25200)::integer * interval '1 second' AS start_time,
        300 + (power(random(), 3) * 14000)::bigint AS seconds
    FROM generate_series(1, {users}) n
) e
"""

DERIVED = [
    """
    INSERT INTO timetrackr.project_totals (user_id, project_id, seconds, entries)
    SELECT e.user_id, e.project_id, sum(e.duration), count(*)
    FROM timetrackr.time_entries e
    GROUP BY e.user_id, e.project_id
    """,
    """
    INSERT INTO timetrackr.day_totals (user_id, day, project_id, seconds, entries)
    SELECT e.user_id, s.day, e.project_id, sum(s.seconds), count(*)
    FROM timetrackr.time_entries e
    CROSS JOIN LATERAL timetrackr.day_slices(e.start_time, e.end_time, e.timezone) s
    GROUP BY e.user_id, s.day, e.project_id
    """,
    """
    INSERT INTO timetrackr.scores (user_id, period, period_start, seconds, listed)
    SELECT d.user_id, p.period, p.period_start, sum(d.seconds), true
    FROM timetrackr.day_totals d
    CROSS JOIN LATERAL (VALUES
        ('day', d.day),
        ('week', date_trunc('week', d.day::timestamp)::date),
        ('month', date_trunc('month', d.day::timestamp)::date),
        ('all', DATE '1970-01-01')
    ) p (period, period_start)
    GROUP BY d.user_id, p.period, p.period_start
    """,
    """
    WITH runs AS (
        SELECT q.user_id, min(q.day) AS first_day, max(q.day) AS last_day, count(*) AS days
        FROM (
            SELECT s.user_id, s.period_start AS day,
                s.period_start - (row_number() OVER (PARTITION BY s.user_id ORDER BY s.period_start))::integer AS run
            FROM timetrackr.scores s
            WHERE s.period = 'day'
                AND s.seconds >= timetrackr.streak_min()
        ) q
        GROUP BY q.user_id, q.run
    ), streaks AS (
        SELECT DISTINCT ON (r.user_id)
            r.user_id, r.first_day, r.last_day, max(r.days) OVER (PARTITION BY r.user_id) AS longest
        FROM runs r
        ORDER BY r.user_id, r.last_day DESC
    ), bests AS (
        SELECT s.user_id,
            count(*) FILTER (WHERE s.period = 'day') AS active_days,
            max(s.seconds) FILTER (WHERE s.period = 'day') AS best_day,
            max(s.seconds) FILTER (WHERE s.period = 'week') AS best_week
        FROM timetrackr.scores s
        GROUP BY s.user_id
    )
    INSERT INTO timetrackr.user_totals (user_id, seconds, entries, projects_created, active_days,
        longest_entry, widest_entry, best_day, best_week, streak_start, streak_end, longest_streak)
    SELECT e.user_id, sum(e.duration), count(*), 1 + (e.user_id % 10 = 1)::integer, b.active_days,
        max(e.duration), max(e.duration), b.best_day, b.best_week, k.first_day, k.last_day, COALESCE(k.longest, 0)
    FROM timetrackr.time_entries e
    JOIN bests b ON b.user_id = e.user_id
    LEFT JOIN streaks k ON k.user_id = e.user_id
    GROUP BY e.user_id, b.active_days, b.best_day, b.best_week, k.first_day, k.last_day, k.longest
    """,
    """
    INSERT INTO timetrackr.user_badges (user_id, badge_id, awarded_at)
    SELECT t.user_id, b.id, now() - interval '2 days'
    FROM timetrackr.user_totals t
    JOIN (
        SELECT q.user_id, max(q.seconds) AS most
        FROM timetrackr.project_totals q
        GROUP BY q.user_id
    ) p ON p.user_id = t.user_id
    JOIN timetrackr.badges b ON CASE b.name
        WHEN 'First Steps' THEN true
        WHEN 'Founder' THEN true
        WHEN 'Deep Work' THEN t.longest_entry >= 10800
        WHEN 'Full Day' THEN t.best_day >= 28800
        WHEN 'Warming Up' THEN t.longest_streak >= 3
        WHEN 'Ten Hours In' THEN p.most >= 36000
    END
    """,
    """
    UPDATE timetrackr.user_totals t
    SET badges = b.badges
    FROM (SELECT user_id, count(*) AS badges FROM timetrackr.user_badges GROUP BY user_id) b
    WHERE b.user_id = t.user_id
    """,
    """
    INSERT INTO timetrackr.timeline_events (user_id, event_type, event_data, project_id, occurred_at)
    SELECT u.id, 'user_joined', '{{}}'::jsonb, NULL::bigint, u.created_at
    FROM timetrackr.users u
    UNION ALL
    SELECT p.owner_id, 'project_created', '{{}}', p.id, p.created_at
    FROM timetrackr.projects p
    UNION ALL
    SELECT b.user_id, 'badge_earned', jsonb_build_object('badge_id', b.badge_id), NULL, b.awarded_at
    FROM timetrackr.user_badges b
    """,
    """
    INSERT INTO timetrackr.timeline_events (user_id, event_type, event_data, project_id, entry_id, occurred_at)
    SELECT e.user_id, 'time_entry_completed',
        jsonb_build_object('entry_id', e.id, 'project_id', e.project_id, 'duration_seconds', e.duration),
        e.project_id, e.id, e.end_time
    FROM timetrackr.time_entries e
    """,
]

KEYS = """
SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', c.conrelid::regclass, c.conname),
    format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid))
FROM pg_constraint c
WHERE c.conrelid = %(table)s::regclass
    AND c.contype = 'p'
UNION ALL
SELECT format('DROP INDEX %%s', i.indexrelid::regclass), pg_get_indexdef(i.indexrelid)
FROM pg_index i
WHERE i.indrelid = %(table)s::regclass
    AND NOT i.indisprimary
"""

# What the rules keep of a user, but for what only counts how often it was written.
KEPT = """
SELECT (SELECT jsonb_agg(to_jsonb(t) - 'revision') FROM timetrackr.user_totals t WHERE t.user_id = u.id),
    (SELECT jsonb_agg(to_jsonb(p) ORDER BY p.project_id) FROM timetrackr.project_totals p WHERE p.user_id = u.id),
    (SELECT jsonb_agg(to_jsonb(d) ORDER BY d.day, d.project_id) FROM timetrackr.day_totals d WHERE d.user_id = u.id),
    (SELECT jsonb_agg(to_jsonb(s) ORDER BY s.period, s.period_start) FROM timetrackr.scores s WHERE s.user_id = u.id),
    (SELECT array_agg(b.badge_id ORDER BY b.badge_id) FROM timetrackr.user_badges b WHERE b.user_id = u.id),
    (SELECT jsonb_agg(jsonb_build_array(t.event_type, t.event_data, t.project_id, t.entry_id, t.occurred_at)
        ORDER BY t.occurred_at, t.event_type, t.event_data, t.project_id)
        FROM timetrackr.timeline_events t WHERE t.user_id = u.id)
FROM timetrackr.users u
WHERE u.id = %s
"""


def load(postgres, database, users, tell=print):
    """Make a database with so many users, ten times as many entries, and all that follows from them."""
    began = time.monotonic()
    postgres.install(database)
    with postgres.connect(database) as db:
        for statement in SETTINGS:
            db.execute(statement)
        indexes = [pair for table in BULKY for pair in db.execute(KEYS, {"table": f"timetrackr.{table}"}).fetchall()]
        for drop, _ in indexes:
            db.execute(drop)
        for statement in PEOPLE:
            db.execute(statement.format(users=users))
        for day in reversed(range(ENTRIES_EACH)):
            db.execute(DAY_OF_ENTRIES.format(users=users, day=day))
        for statement in DERIVED:
            db.execute(statement.format(users=users))
        for _, make in indexes:
            db.execute(make)
        db.execute("SET session_replication_role = origin")
        db.execute("SELECT timetrackr.rebuild(0)")
        db.execute("VACUUM ANALYZE")
        db.execute("CHECKPOINT")
        size, = db.execute("SELECT pg_size_pretty(pg_database_size(current_database()))").fetchone()
    tell(f"{users * ENTRIES_EACH:,} entries of {users:,} users: {size}, made in {time.monotonic() - began:.0f} s")


def proved(postgres, database, users):
    """Would the rules have written the same? rebuild() of these users changes
    nothing of theirs; on a small database verify() also finds nothing at all."""
    with postgres.connect(database, autocommit=False) as db:
        db.execute("SET statement_timeout = 0")
        for user in users:
            before = db.execute(KEPT, (user,)).fetchone()
            db.execute("SELECT timetrackr.rebuild(%s)", (user,))
            after = db.execute(KEPT, (user,)).fetchone()
            assert before == after, f"rebuild({user}) changes\n{before}\ninto\n{after}"
        db.rollback()
