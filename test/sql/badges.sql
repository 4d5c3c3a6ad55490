-- Badges: what admins do with them, previews, backfill, progress, and what is
-- told of an award.
SET timezone = 'UTC';
SELECT test.new_user('badges-root') AS root, test.new_user('badges-ann') AS ann, test.new_user('badges-bob') AS bob \gset
UPDATE timetrackr.users SET role = 'admin' WHERE id = :root;
UPDATE timetrackr.users SET created_at = '2024-01-01 00:00Z' WHERE id IN (:ann, :bob);
SELECT test.new_project(:ann, 'Badges one') AS one, test.new_project(:bob, 'Badges two') AS two \gset

-- Admins only, and the table says who is one.
SELECT test.refusal(format('SELECT timetrackr.create_badge(NULL, ''x'')')) AS nobody,
    test.refusal(format('SELECT timetrackr.create_badge(%s, ''x'')', -5)) AS gone;
SELECT call, test.refusal(format('SELECT timetrackr.' || call, :ann)) AS as_user
FROM unnest(ARRAY['create_badge(%s, ''x'')', 'update_badge(%s, 1)', 'delete_badge(%s, 1)', 'preview_badge(%s, ''{}'')', 'backfill_badge(%s, 1)']) call;

-- Creating: fields are trimmed and checked.
SELECT timetrackr.create_badge(:root, '  Badges ten hours ', criteria => '{"metric": "total_seconds", "gte": 36000}') AS ten \gset
SELECT name, description, criteria, tier, image_url, enabled, revocable FROM timetrackr.badges WHERE id = :ten;
SELECT test.refusal(format($$SELECT timetrackr.create_badge(%s, 'Badges ten hours', criteria => '{"metric": "entry_count", "gte": 1}')$$, :root)) AS taken;
SELECT fields, test.refusal(format('SELECT timetrackr.create_badge(%s, %s)', :root, fields)) AS refused
FROM unnest(ARRAY[
    $$NULL, criteria => '{"metric": "entry_count", "gte": 1}'$$,
    $$'  ', criteria => '{"metric": "entry_count", "gte": 1}'$$,
    $$'Badges x'$$,
    $$'Badges x', criteria => '{"all": [{"metric": "entry_count", "gte": "1"}]}'$$,
    $$'Badges x', criteria => '{"metric": "entry_count", "gte": 1}', tier => NULL$$,
    $$'Badges x', criteria => '{"metric": "entry_count", "gte": 1}', tier => 'iron'$$,
    $$'Badges x', criteria => '{"metric": "entry_count", "gte": 1}', enabled => NULL$$,
    $$'Badges x', criteria => '{"metric": "entry_count", "gte": 1}', revocable => NULL$$,
    $$'Badges x', criteria => '{"metric": "entry_count", "gte": 1}', image_url => 'javascript:alert(1)'$$,
    $$'Badges x', criteria => '{"metric": "entry_count", "gte": 1}', image_url => '//evil.example'$$,
    $$'Badges x', criteria => '{"metric": "entry_count", "gte": 1}', image_url => 'https://a.example/"onload="x'$$,
    $$'Badges x', criteria => '{"metric": "entry_count", "gte": 1}', image_url => ''$$
]) fields;
SELECT test.refusal(format($$SELECT timetrackr.create_badge(%s, repeat('n', 101), criteria => '{"metric": "entry_count", "gte": 1}')$$, :root)) AS name,
    test.refusal(format($$SELECT timetrackr.create_badge(%s, 'Badges x', repeat('d', 2001), '{"metric": "entry_count", "gte": 1}')$$, :root)) AS description,
    test.refusal(format($$SELECT timetrackr.create_badge(%s, 'Badges x', criteria => '{"metric": "entry_count", "gte": 1}', image_url => '/' || repeat('u', 2000))$$, :root)) AS image_url;
SELECT count(*) AS made FROM timetrackr.badges WHERE name LIKE 'Badges x%';

-- Updating: what is given changes, null clears what may be empty.
SELECT name, tier, image_url, revocable FROM timetrackr.update_badge(:root, :ten, tier => 'gold', image_url => '/badges/ten.svg', revocable => true);
SELECT name, tier, image_url, description FROM timetrackr.update_badge(:root, :ten, name => 'ignored', tier => 'silver', given => '{tier,image_url,description}');
SELECT enabled, criteria FROM timetrackr.update_badge(:root, :ten, enabled => false, criteria => '{"metric": "total_seconds", "gte": 36001}');
SELECT name, criteria, revocable FROM timetrackr.update_badge(:root, :ten, enabled => true, revocable => false, criteria => '{"metric": "total_seconds", "gte": 36000}');
SELECT test.refusal(format('SELECT timetrackr.update_badge(%s, %s, name => ''First Steps'')', :root, :ten)) AS taken,
    test.refusal(format('SELECT timetrackr.update_badge(%s, %s, given => ''{criteria}'')', :root, :ten)) AS cleared,
    test.refusal(format('SELECT timetrackr.update_badge(%s, -1, name => ''Badges y'')', :root)) AS absent,
    test.refusal(format('SELECT timetrackr.update_badge(%s, %s, criteria => ''{"not": 1}'')', :root, :ten)) AS criteria;

-- What is told: an award for work of these days; of an import, only the timeline.
INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time, source)
SELECT :ann, :one, t, t + interval '3 hours', 'import' FROM generate_series(timestamptz '2024-03-01 08:00Z', '2024-03-10 08:00Z', interval '1 day') t;
SELECT awarded_at > now() - interval '1 hour' AS awarded_now, entry_id IS NOT NULL AS by_entry,
    (SELECT count(*) FROM timetrackr.timeline_events t WHERE t.user_id = :ann AND t.event_data = jsonb_build_object('badge_id', :ten) AND t.occurred_at = u.awarded_at) AS on_timeline,
    (SELECT count(*) FROM timetrackr.notifications n WHERE n.user_id = :ann AND n.payload @> jsonb_build_object('badge_id', :ten)) AS notified
FROM timetrackr.user_badges u WHERE user_id = :ann AND badge_id = :ten;
SELECT count(*) AS live FROM timetrackr.start_entry(:bob, :two, now() - interval '11 hours', now() - interval '30 minutes');
SELECT count(*) AS notified FROM timetrackr.notifications n WHERE n.user_id = :bob AND n.payload @> jsonb_build_object('badge_id', :ten);
SELECT * FROM timetrackr.verify();

-- Preview: who meets criteria now; nothing is written.
SELECT p.users, (SELECT array_agg(s.username) FROM unnest(p.sample) s) AS sample
FROM timetrackr.preview_badge(:root, format('{"metric": "project_seconds", "project_id": %s, "gte": 36000}', :one)::jsonb) p;
SELECT p.users >= 12 AS many, cardinality(p.sample) AS sampled FROM (SELECT count(test.new_user('badges-many-' || n)) AS made FROM generate_series(1, 12) n) m, LATERAL timetrackr.preview_badge(:root, '{"metric": "entry_count", "lt": 1 }') p WHERE m.made = 12;
SELECT test.refusal(format('SELECT timetrackr.preview_badge(%s, NULL)', :root)) AS missing,
    test.refusal(format('SELECT timetrackr.preview_badge(%s, ''{"metric": "sleep", "gte": 1}'')', :root)) AS unknown;

-- Backfill: the moment the criteria were first met, and the entry that met them.
CREATE FUNCTION test.backfilled(admin bigint, badge_name text, badge_criteria jsonb, badge_revocable boolean DEFAULT false)
RETURNS TABLE (username text, awarded_at text, entry timestamptz, silent boolean)
LANGUAGE plpgsql
AS $$
DECLARE
    badge bigint := timetrackr.create_badge(admin, badge_name, criteria => badge_criteria, revocable => badge_revocable);
    counted bigint := timetrackr.backfill_badge(admin, badge);
BEGIN
    RETURN QUERY
    SELECT u.username, CASE WHEN b.awarded_at >= now() THEN 'now' ELSE b.awarded_at::text END,
        (SELECT e.start_time FROM timetrackr.time_entries e WHERE e.user_id = u.id AND e.id = b.entry_id),
        NOT EXISTS (SELECT FROM timetrackr.notifications n WHERE n.user_id = u.id AND n.payload @> jsonb_build_object('badge_id', badge))
            AND NOT EXISTS (SELECT FROM timetrackr.outbox o WHERE o.topic = 'badge_awarded' AND o.payload = jsonb_build_object('badge_id', badge, 'user_id', u.id))
    FROM timetrackr.user_badges b
    JOIN timetrackr.users u ON u.id = b.user_id
    JOIN timetrackr.timeline_events t ON t.user_id = b.user_id AND t.event_type = 'badge_earned'
        AND t.event_data = jsonb_build_object('badge_id', badge) AND t.occurred_at = b.awarded_at
    WHERE b.badge_id = badge AND u.username LIKE 'badges-%'
    ORDER BY u.id;
    IF counted <> (SELECT count(*) FROM timetrackr.user_badges b WHERE b.badge_id = badge) THEN
        RAISE 'backfill_badge() returned %', counted;
    END IF;
    IF timetrackr.backfill_badge(admin, badge) <> 0 THEN
        RAISE 'a second backfill awarded something';
    END IF;
END
$$;
UPDATE timetrackr.projects SET created_at = '2024-02-01 00:00Z' WHERE id = :one;
SELECT * FROM test.backfilled(:root, 'Badges b1', format('{"metric": "project_seconds", "project_id": %s, "gte": 36000}', :one)::jsonb);
-- Met once is earned, though no longer so; but not a revocable one.
SELECT * FROM test.backfilled(:root, 'Badges b2', format('{"all": [{"metric": "current_streak_days", "eq": 5}, {"metric": "project_seconds", "project_id": %s, "gt": 0}]}', :one)::jsonb);
SELECT * FROM test.backfilled(:root, 'Badges b3', format('{"all": [{"metric": "current_streak_days", "eq": 5}, {"metric": "project_seconds", "project_id": %s, "gt": 0}]}', :one)::jsonb, true);
SELECT * FROM test.backfilled(:root, 'Badges b4', format('{"all": [{"metric": "longest_streak_days", "gte": 5}, {"metric": "project_seconds", "project_id": %s, "gt": 0}]}', :one)::jsonb, true);
-- The window of the last days, as of then: two days of three hours each.
SELECT * FROM test.backfilled(:root, 'Badges b5', format('{"all": [{"metric": "total_seconds", "last_days": 2, "eq": 21600}, {"metric": "project_seconds", "project_id": %s, "last_days": 3, "eq": 32400}, {"metric": "entry_count", "last_days": 2, "eq": 2}, {"metric": "active_days", "last_days": 30, "eq": 4}]}', :one)::jsonb);
-- A project is a moment too; age alone is none, so it is met now.
SELECT * FROM test.backfilled(:root, 'Badges b6', '{"all": [{"metric": "projects_created", "gte": 1}, {"metric": "account_age_days", "gte": 31}, {"metric": "account_age_days", "lt": 32}]}');
SELECT test.new_user('badges-cem') AS cem \gset
UPDATE timetrackr.users SET created_at = '2024-01-01 00:00Z' WHERE id = :cem;
SELECT test.new_project(:cem, 'Badges three') AS three \gset
UPDATE timetrackr.projects SET created_at = '2024-01-02 00:00Z' WHERE id = :three;
DELETE FROM timetrackr.user_badges WHERE user_id = :cem;
SELECT * FROM test.backfilled(:root, 'Badges b7', '{"all": [{"metric": "account_age_days", "gte": 300}, {"metric": "projects_created", "eq": 1}, {"metric": "total_seconds", "eq": 0}, {"metric": "badges_earned", "eq": 0}]}');
-- The badge after this many is met when that one was awarded, by the entry that earned it.
SELECT username, entry, silent FROM test.backfilled(:root, 'Badges b8', format('{"all": [{"metric": "badges_earned", "gte": 3}, {"metric": "project_seconds", "project_id": %s, "gt": 0}]}', :one)::jsonb);
-- The current streak is the latest one, though a day before it qualifies later, east and west of the date line.
SELECT test.new_user('badges-dan', 'Pacific/Kiritimati') AS dan \gset
SELECT test.new_project(:dan, 'Badges four') AS four \gset
INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time, timezone)
VALUES (:dan, :four, '2024-03-11 10:00Z', '2024-03-11 10:15Z', 'Pacific/Kiritimati'), (:dan, :four, '2024-03-11 10:15Z', '2024-03-11 10:30Z', 'Pacific/Pago_Pago');
UPDATE timetrackr.projects SET created_at = '2024-03-11 12:00Z' WHERE id = :four;
SELECT * FROM test.backfilled(:root, 'Badges b10', format('{"all": [{"metric": "current_streak_days", "eq": 1}, {"metric": "projects_created", "eq": 1}, {"metric": "project_seconds", "project_id": %s, "eq": 1800}]}', :four)::jsonb);
-- What lies in these days is told.
SELECT username, awarded_at::timestamptz = (SELECT e.end_time FROM timetrackr.time_entries e WHERE e.user_id = :bob) AS at_the_end, silent
FROM test.backfilled(:root, 'Badges b9', format('{"all": [{"metric": "entry_count", "eq": 1}, {"metric": "project_seconds", "project_id": %s, "gt": 0}]}', :two)::jsonb);
SELECT * FROM timetrackr.verify();
-- Absent and disabled.
SELECT timetrackr.create_badge(:root, 'Badges off', criteria => '{"metric": "entry_count", "gte": 1}', enabled => false) AS off \gset
SELECT test.refusal(format('SELECT timetrackr.backfill_badge(%s, %s)', :root, :off)) AS disabled,
    test.refusal(format('SELECT timetrackr.backfill_badge(%s, -1)', :root)) AS absent;

-- Deleting takes back awards, counts, timeline rows and notifications; so does plain SQL.
SELECT count(*) AS holders FROM timetrackr.user_badges WHERE badge_id = :ten;
SELECT timetrackr.delete_badge(:root, :ten);
SELECT (SELECT count(*) FROM timetrackr.user_badges WHERE badge_id = :ten) AS awards,
    (SELECT count(*) FROM timetrackr.timeline_events WHERE event_data = jsonb_build_object('badge_id', :ten)) AS timeline,
    (SELECT count(*) FROM timetrackr.notifications WHERE payload @> jsonb_build_object('badge_id', :ten)) AS notifications;
SELECT test.refusal(format('SELECT timetrackr.delete_badge(%s, %s)', :root, :ten)) AS again;
SELECT * FROM timetrackr.verify();
SELECT count(*) AS left_over FROM timetrackr.timeline_events t
WHERE t.event_type = 'badge_earned' AND NOT EXISTS (SELECT FROM timetrackr.user_badges u WHERE u.user_id = t.user_id AND t.event_data = jsonb_build_object('badge_id', u.badge_id));

-- Progress: how near, and what remains. Own badges only, nearest first.
CREATE FUNCTION test.progress(admin bigint, owner bigint, badge_criteria jsonb)
RETURNS TABLE (fraction numeric, remaining jsonb)
LANGUAGE plpgsql
AS $$
DECLARE
    badge bigint := timetrackr.create_badge(admin, 'Badges progress', criteria => badge_criteria);
BEGIN
    RETURN QUERY SELECT p.fraction::numeric(6, 4), p.remaining FROM timetrackr.badge_progress(owner, owner) p WHERE p.badge_id = badge;
    PERFORM timetrackr.delete_badge(admin, badge);
END
$$;
SELECT c AS criteria, p.* FROM unnest(ARRAY[
    '{"metric": "entry_count", "gte": 40}',
    '{"metric": "entry_count", "gt": 10}',
    '{"metric": "entry_count", "gte": 10}',
    '{"metric": "entry_count", "lt": 10}',
    '{"metric": "entry_count", "eq": 20}',
    '{"metric": "entry_count", "eq": 5}',
    '{"not": {"metric": "entry_count", "gte": 10}}',
    '{"not": {"metric": "entry_count", "eq": 10}}',
    '{"not": {"not": {"metric": "entry_count", "gte": 40}}}',
    '{"not": {"any": [{"metric": "entry_count", "gte": 10}, {"metric": "entry_count", "gt": 99}]}}',
    '{"all": [{"metric": "entry_count", "gte": 40}, {"metric": "total_seconds", "gte": 216000}, {"metric": "active_days", "gte": 1}]}',
    '{"any": [{"metric": "entry_count", "gte": 40}, {"metric": "total_seconds", "gte": 216000}]}',
    '{"any": [{"metric": "entry_count", "gte": 40}, {"all": [{"metric": "active_days", "gte": 20}, {"not": {"metric": "longest_entry_seconds", "gt": 1}}]}]}',
    '{"metric": "active_days", "last_days": 7, "gte": 3}'
]::jsonb[]) c, LATERAL test.progress(:root, :ann, c) p;
SELECT p.remaining #>> '{0,project_id}' = :'two' AS of_project, p.remaining #- '{0,project_id}' AS remaining
FROM test.progress(:root, :ann, format('{"metric": "project_seconds", "project_id": %s, "last_days": 9, "gte": 5}', :two)::jsonb) p;
SELECT bool_and(fraction <= before) AS nearest_first, bool_and(fraction BETWEEN 0 AND 1) AS in_range, count(*) + (SELECT count(*) FROM timetrackr.user_badges u JOIN timetrackr.badges b ON b.id = u.badge_id AND b.enabled WHERE u.user_id = :ann) = (SELECT count(*) FROM timetrackr.badges WHERE enabled) AS all_others
FROM (SELECT fraction, lag(fraction, 1, fraction) OVER () AS before FROM timetrackr.badge_progress(:ann, :ann)) p;
SELECT test.refusal(format('SELECT * FROM timetrackr.badge_progress(%s, %s)', :bob, :ann)) AS other,
    test.refusal(format('SELECT * FROM timetrackr.badge_progress(%s, -1)', :bob)) AS absent,
    test.refusal(format('SELECT * FROM timetrackr.badge_progress(NULL, %s)', :ann)) AS anyone,
    test.refusal(format('SELECT * FROM timetrackr.badge_progress(-1, %s)', :ann)) AS gone;

-- Leave nothing behind that others would earn.
DELETE FROM timetrackr.badges WHERE name LIKE 'Badges%';
SELECT * FROM timetrackr.verify();
DELETE FROM timetrackr.users WHERE username LIKE 'badges-%';
SELECT * FROM timetrackr.verify();
