-- The badges of a fresh installation, and what is listed of badges.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS timetrackr CASCADE;
RESET client_min_messages;
SET timezone = 'UTC';
BEGIN;
SELECT timetrackr.install() > 0 AS installed;

-- The catalogue as it is made, whatever became of an earlier one.
DELETE FROM timetrackr.badges;
SELECT timetrackr.create_badge_catalogue();
SELECT tier, name, description
FROM timetrackr.list_badges()
ORDER BY badge_id;
SELECT count(*) AS badges,
    count(*) FILTER (WHERE NOT timetrackr.check_criteria(criteria)) AS unsound,
    count(DISTINCT criteria) AS different_criteria,
    count(image_url) AS images,
    sum(earned_by) AS earned
FROM timetrackr.list_badges();

-- Made again, it adds what is missing and leaves alone what an admin has changed.
UPDATE timetrackr.badges SET tier = 'platinum', enabled = false WHERE name = 'First Steps';
DELETE FROM timetrackr.badges WHERE name = 'Ten Hours In';
SELECT timetrackr.create_badge_catalogue();
SELECT name, tier, enabled
FROM timetrackr.badges
WHERE name IN ('First Steps', 'Ten Hours In')
ORDER BY name;

-- A disabled badge is not on offer.
SELECT count(*) FILTER (WHERE name = 'First Steps') AS disabled, count(*) > 1 AS others
FROM timetrackr.list_badges();
UPDATE timetrackr.badges SET tier = 'bronze', enabled = true WHERE name = 'First Steps';

-- Ten hours on a project, in two entries: the badges come with the second.
INSERT INTO timetrackr.users (id, email, username) VALUES (-1, 'ada@catalogue.test', 'ada-catalogue'), (-2, 'bob@catalogue.test', 'bob-catalogue');
INSERT INTO timetrackr.projects (id, name, owner_id) VALUES (-1, 'one', -1), (-2, 'two', -2);
INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time, timezone)
VALUES (-1, -1, '2024-05-06 08:00Z', '2024-05-06 12:59:59Z', 'UTC');
SELECT b.name, b.tier, b.image_url IS NULL AS no_image, b.awarded_at IS NOT NULL AS dated
FROM timetrackr.list_user_badges(NULL, -1) b
ORDER BY b.badge_id;
INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time, timezone)
VALUES (-1, -1, '2024-05-07 08:00Z', '2024-05-07 13:00Z', 'UTC');
SELECT count(*) FILTER (WHERE name = 'Ten Hours In') AS one_second_short
FROM timetrackr.list_user_badges(NULL, -1);
UPDATE timetrackr.time_entries SET end_time = '2024-05-06 13:00Z' WHERE user_id = -1 AND start_time = '2024-05-06 08:00Z';
SELECT b.name
FROM timetrackr.list_user_badges(-2, -1) b
ORDER BY b.badge_id;

-- How many have it; badges of others are no secret, and nobody's are empty.
SELECT name, earned_by
FROM timetrackr.list_badges()
WHERE earned_by > 0
ORDER BY badge_id;
SELECT count(*) AS badges_of_nobody
FROM timetrackr.list_user_badges(-1, -3);

-- Newest first.
UPDATE timetrackr.user_badges SET awarded_at = timestamptz '2024-01-01 00:00Z' + badge_id * interval '1 day' WHERE user_id = -1;
SELECT bool_and(follows) AS newest_first
FROM (
    SELECT awarded_at <= coalesce(lag(awarded_at) OVER (), awarded_at) AS follows
    FROM timetrackr.list_user_badges(NULL, -1)
) b;

-- A badge that is taken off the list stays with those who earned it.
UPDATE timetrackr.badges SET enabled = false WHERE name = 'Ten Hours In';
SELECT count(*) AS still_there
FROM timetrackr.list_user_badges(NULL, -1)
WHERE name = 'Ten Hours In';
ROLLBACK;
