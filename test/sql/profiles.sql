-- Profiles and activity: what is seen, and by whom.
SET timezone = 'UTC';
SELECT test.new_user('prof-ann', 'Europe/Berlin') AS ann, test.new_user('prof-bob') AS bob,
    test.new_user('prof-cem') AS cem, test.new_user('prof-admin') AS admin \gset
UPDATE timetrackr.users SET role = 'admin' WHERE id = :admin;
UPDATE timetrackr.users SET bio = 'I knit.', avatar = 'https://example.org/ann.png' WHERE id = :ann;
SELECT test.new_project(:ann, 'Prof open', 'public') AS open, test.new_project(:ann, 'Prof secret') AS secret,
    test.new_project(:bob, 'Prof shared') AS shared \gset
INSERT INTO timetrackr.project_members (project_id, user_id) VALUES (:shared, :ann);

-- Someone new: nothing yet, and on no board.
SELECT username, email, badges, total_seconds, entry_count, current_streak_days, longest_streak_days, rank, contributions
FROM timetrackr.profile(NULL, :cem);
SELECT projects, recent_entries, total_seconds FROM timetrackr.activity(NULL, :cem);
SELECT count(*) AS nobody FROM timetrackr.profile(:ann, 0);
SELECT count(*) AS nobody FROM timetrackr.activity(:ann, 0);
SELECT count(*) AS nobody FROM timetrackr.me(0);

-- Time on an open project, a secret one, and one shared with Bob; a flagged
-- entry, which counts nothing, and a timer that runs.
SELECT entry_id AS e1 FROM timetrackr.start_entry(:ann, :open, '2025-05-05 08:00Z', '2025-05-05 09:00Z') \gset
SELECT entry_id AS e2 FROM timetrackr.start_entry(:ann, :secret, '2025-05-06 08:00Z', '2025-05-06 10:00Z') \gset
SELECT entry_id AS e3 FROM timetrackr.start_entry(:ann, :shared, '2025-05-07 08:00Z', '2025-05-07 08:30Z') \gset
SELECT entry_id AS flagged FROM timetrackr.start_entry(:ann, :open, '2025-05-10 08:00Z', '2025-05-12 08:00Z') \gset
SELECT entry_id AS running FROM timetrackr.start_entry(:ann, :open, now() - interval '1 minute') \gset

SELECT username, bio, avatar_url, total_seconds, entry_count, current_streak_days, longest_streak_days,
    (SELECT array_agg(b.name ORDER BY b.name) FROM unnest(badges) b) AS badges,
    rank = (SELECT count(*) + 1 FROM timetrackr.user_totals t WHERE t.listed AND t.seconds > 12600) AS ranked
FROM timetrackr.profile(NULL, :ann);
SELECT username, role, timezone, bio, listed, total_seconds FROM timetrackr.me(:ann);
SELECT row_to_json(p)::jsonb = row_to_json(m)::jsonb - '{role,timezone,listed,email_notifications,email_also,email_never}'::text[] AS me_is_my_profile
FROM timetrackr.profile(:ann, :ann) p, timetrackr.me(:ann) m;

-- Email is for oneself and admins.
SELECT email AS to_self FROM timetrackr.profile(:ann, :ann);
SELECT email AS to_admin FROM timetrackr.profile(:admin, :ann);
SELECT email AS to_other FROM timetrackr.profile(:bob, :ann);
SELECT email AS to_visitor FROM timetrackr.profile(NULL, :ann);

-- Private projects are for their members, admins or not: contributions ...
CREATE FUNCTION test.contributions(viewer bigint, owner bigint)
RETURNS text
LANGUAGE sql
AS $$
    SELECT string_agg(c.name || ' ' || c.total_seconds, ', ' ORDER BY c.ordinality)
    FROM timetrackr.profile(viewer, owner) p, unnest(p.contributions) WITH ORDINALITY c
$$;
SELECT test.contributions(:ann, :ann) AS to_self, test.contributions(:bob, :ann) AS to_bob;
SELECT test.contributions(:admin, :ann) AS to_admin, test.contributions(NULL, :ann) AS to_visitor;
-- ... and activity, in every part of it.
CREATE FUNCTION test.activity(viewer bigint, owner bigint, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL)
RETURNS text
LANGUAGE sql
AS $$
    SELECT format('%s; entries of %s; %s',
        (SELECT string_agg(p.name || ' ' || p.total_time_spent, ', ' ORDER BY p.ordinality)
            FROM unnest(a.projects) WITH ORDINALITY p),
        (SELECT string_agg(j.name || ' ' || COALESCE(e.duration_seconds::text, 'running'), ', ' ORDER BY e.ordinality)
            FROM unnest(a.recent_entries) WITH ORDINALITY e JOIN timetrackr.projects j ON j.id = e.project_id),
        a.total_seconds)
    FROM timetrackr.activity(viewer, owner, since, until) a
$$;
SELECT test.activity(:ann, :ann) AS to_self;
SELECT test.activity(:bob, :ann) AS to_bob;
SELECT test.activity(:admin, :ann) AS to_admin;
SELECT test.activity(NULL, :ann) AS to_visitor;
-- A span takes the entries that start in it; its end is outside.
SELECT test.activity(:ann, :ann, '2025-05-05 08:00Z', '2025-05-07 08:00Z') AS span,
    test.activity(:ann, :ann, '2025-05-05 08:00:01Z', '2025-05-07 08:00:01Z') AS second_later;
SELECT test.activity(:ann, :ann, since => '2025-05-06Z') AS since, test.activity(:ann, :ann, until => '2025-05-06Z') AS until;
SELECT test.activity(NULL, :ann, '2025-05-06Z', '2025-05-08Z') AS to_visitor;
-- With both ends open the kept sums say what the entries say.
SELECT test.activity(:ann, :ann) = test.activity(:ann, :ann, '-infinity', 'infinity') AS same;
-- The ten newest entries, no more.
SELECT count(timetrackr.start_entry(:cem, :open, '2025-06-01Z'::timestamptz + n * interval '1 hour', '2025-06-01Z'::timestamptz + (n + 1) * interval '1 hour'))
FROM timetrackr.join_project(:cem, :open), generate_series(1, 12) n;
SELECT cardinality(recent_entries) AS entries, recent_entries[1].start_time, recent_entries[10].start_time AS last
FROM timetrackr.activity(NULL, :cem);

-- Leaving a private project hides it again.
DELETE FROM timetrackr.project_members WHERE project_id = :shared AND user_id = :ann;
SELECT test.contributions(:ann, :ann) AS to_self, test.contributions(:bob, :ann) AS to_bob;

-- The current streak ends the day after yesterday.
UPDATE timetrackr.user_totals SET streak_start = (now() AT TIME ZONE 'UTC')::date - 4, streak_end = (now() AT TIME ZONE 'UTC')::date - 1 WHERE user_id = :cem;
SELECT current_streak_days AS open_today FROM timetrackr.profile(NULL, :cem);
UPDATE timetrackr.user_totals SET streak_start = (now() AT TIME ZONE 'UTC')::date - 4, streak_end = (now() AT TIME ZONE 'UTC')::date - 2 WHERE user_id = :cem;
SELECT current_streak_days AS broken FROM timetrackr.profile(NULL, :cem);
SELECT timetrackr.rebuild(:cem);
SELECT * FROM timetrackr.verify();
