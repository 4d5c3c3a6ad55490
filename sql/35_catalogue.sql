-- The badges of a fresh installation. They are ordinary rows: an admin may
-- change, disable or delete them. web/badges/ has a picture of each, named
-- after it (first-steps.svg), which the proxy serves under /media/badges/.

CREATE FUNCTION timetrackr.badge_catalogue()
RETURNS TABLE (
    name text,
    tier text,
    description text,
    criteria jsonb,
    image_url text
)
LANGUAGE sql
IMMUTABLE
AS $$
SELECT b.name, b.tier, b.description, b.criteria::jsonb,
    '/media/badges/' || replace(lower(b.name), ' ', '-') || '.svg'
FROM (VALUES
    -- Entries
    ('First Steps', 'bronze', 'Finish your first time entry.',
        '{"metric": "entry_count", "gte": 1}'),
    ('Regular', 'bronze', 'Finish 25 time entries.',
        '{"metric": "entry_count", "gte": 25}'),
    ('Chronicler', 'silver', 'Finish 250 time entries.',
        '{"metric": "entry_count", "gte": 250}'),
    ('Deep Work', 'silver', 'Work three hours in one entry.',
        '{"metric": "longest_entry_seconds", "gte": 10800}'),

    -- Time in all
    ('Hundred Hours', 'silver', 'Track 100 hours in all.',
        '{"metric": "total_seconds", "gte": 360000}'),
    ('Five Hundred Hours', 'gold', 'Track 500 hours in all.',
        '{"metric": "total_seconds", "gte": 1800000}'),
    ('Two Thousand Hours', 'platinum', 'Track 2,000 hours in all: a working year.',
        '{"metric": "total_seconds", "gte": 7200000}'),

    -- Projects
    ('Ten Hours In', 'bronze', 'Track 10 hours on a project.',
        '{"metric": "project_seconds", "gte": 36000}'),
    ('Hundred Hours In', 'gold', 'Track 100 hours on a project.',
        '{"metric": "project_seconds", "gte": 360000}'),
    ('Founder', 'bronze', 'Create a project.',
        '{"metric": "projects_created", "gte": 1}'),
    ('Team Player', 'silver', 'Track time on five projects.',
        '{"metric": "projects_contributed", "gte": 5}'),

    -- Days and weeks
    ('Full Day', 'bronze', 'Track eight hours in one day.',
        '{"metric": "best_day_seconds", "gte": 28800}'),
    ('Full Week', 'silver', 'Track 40 hours in one week.',
        '{"metric": "best_week_seconds", "gte": 144000}'),
    ('Busy Month', 'silver', 'Track time on 20 of the last 30 days.',
        '{"metric": "active_days", "last_days": 30, "gte": 20}'),
    ('Two Hundred Days', 'gold', 'Track time on 200 days.',
        '{"metric": "active_days", "gte": 200}'),
    ('Even Keel', 'gold', 'Track 200 hours in all and never more than ten in one day.',
        '{"all": [{"metric": "total_seconds", "gte": 720000}, {"not": {"metric": "best_day_seconds", "gt": 36000}}]}'),

    -- Streaks
    ('Warming Up', 'bronze', 'Keep a streak of 3 days.',
        '{"metric": "longest_streak_days", "gte": 3}'),
    ('Week on Fire', 'silver', 'Keep a streak of 7 days.',
        '{"metric": "longest_streak_days", "gte": 7}'),
    ('Unstoppable', 'gold', 'Keep a streak of 30 days.',
        '{"metric": "longest_streak_days", "gte": 30}'),
    ('Hundred-Day Streak', 'platinum', 'Keep a streak of 100 days.',
        '{"metric": "longest_streak_days", "gte": 100}'),

    -- The long run
    ('One Year On', 'gold', 'Be here for a year, with 100 entries to show for it.',
        '{"all": [{"metric": "account_age_days", "gte": 365}, {"metric": "entry_count", "gte": 100}]}'),
    ('Collector', 'gold', 'Earn ten badges.',
        '{"metric": "badges_earned", "gte": 10}'),
    ('Grandmaster', 'platinum', 'Earn 20 badges and track 1,000 hours in all.',
        '{"all": [{"metric": "badges_earned", "gte": 20}, {"metric": "total_seconds", "gte": 3600000}]}')
) b (name, tier, description, criteria)
$$;
COMMENT ON FUNCTION timetrackr.badge_catalogue() IS
'The standard badges, each with the path of its picture.';

CREATE FUNCTION timetrackr.create_badge_catalogue()
RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
INSERT INTO timetrackr.badges (name, tier, description, criteria, image_url)
SELECT c.name, c.tier, c.description, c.criteria, c.image_url
FROM timetrackr.badge_catalogue() WITH ORDINALITY c
ORDER BY c.ordinality
ON CONFLICT (name) DO NOTHING
$$;
COMMENT ON FUNCTION timetrackr.create_badge_catalogue() IS
'Part of the first install(): adds the standard badges, leaving those of the same name as they are.';

CREATE FUNCTION timetrackr.add_catalogue_images()
RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
UPDATE timetrackr.badges b
SET image_url = c.image_url
FROM timetrackr.badge_catalogue() c
WHERE b.name = c.name
    AND b.image_url IS NULL
$$;
COMMENT ON FUNCTION timetrackr.add_catalogue_images() IS
'Part of install(), once, on tables made before the pictures were served: gives the standard badges theirs, where an admin has set no other.';
