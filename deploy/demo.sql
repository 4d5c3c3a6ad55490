-- Demo data: fourteen people across the world, eight projects and half a year
-- of entries up to now. Run by psql in one transaction, with demo_email,
-- demo_password, admin_email and admin_password set; a second run does nothing.
-- Everything follows from hashes, so it is the same story every time, told
-- back from today.

SELECT EXISTS (
    SELECT
    FROM timetrackr.users
    WHERE email = :'demo_email'
) AS loaded
\gset
\if :loaded
    \echo the demo data is there already
\else

-- A number from 0 to below - 1 that depends on nothing but the text.
CREATE FUNCTION pg_temp.pick(seed text, below integer)
RETURNS integer
LANGUAGE sql
IMMUTABLE
AS $$
    SELECT ('x' || substr(md5(pick.seed), 1, 7))::bit(28)::integer % pick.below
$$;

-- history: days since sign-up; streak: days in a row up to yesterday;
-- diligence: percent of other working days; first_hour: local start of the day.
CREATE TEMPORARY TABLE demo_people (
    username text PRIMARY KEY,
    email text,
    timezone text,
    history integer,
    streak integer,
    diligence integer,
    first_hour integer,
    listed boolean,
    bio text,
    user_id bigint
) ON COMMIT DROP;

INSERT INTO demo_people
VALUES
    ('demo', :'demo_email', 'Europe/Berlin', 180, 12, 70, 9, true, 'Builds the thing, and tracks building it.'),
    ('admin', :'admin_email', 'UTC', 182, 2, 30, 10, true, 'Keeps the lights on.'),
    ('ana.souza', 'ana.souza@timetrackr.example', 'America/Sao_Paulo', 176, 33, 75, 8, true, 'Product designer. Coffee first.'),
    ('kenji', 'kenji@timetrackr.example', 'Asia/Tokyo', 180, 104, 92, 8, true, 'Every day a little.'),
    ('priya', 'priya@timetrackr.example', 'Asia/Kolkata', 150, 7, 80, 10, true, 'Data, mostly.'),
    ('liam', 'liam@timetrackr.example', 'Europe/Dublin', 120, 3, 55, 9, true, 'Writes the manual nobody reads.'),
    ('zanele', 'zanele@timetrackr.example', 'Africa/Johannesburg', 140, 0, 60, 8, true, 'Between two adventures.'),
    ('mateo', 'mateo@timetrackr.example', 'America/Bogota', 165, 21, 85, 9, true, 'Backend, bread, bicycles.'),
    ('olga', 'olga@timetrackr.example', 'Europe/Warsaw', 178, 45, 95, 7, true, 'Morning person.'),
    ('noah', 'noah@timetrackr.example', 'America/New_York', 90, 1, 50, 10, true, 'New here.'),
    ('fatima', 'fatima@timetrackr.example', 'Africa/Casablanca', 160, 5, 65, 9, true, 'Translator.'),
    ('tane', 'tane@timetrackr.example', 'Pacific/Auckland', 175, 64, 82, 8, true, 'First to see the day.'),
    ('sofia', 'sofia@timetrackr.example', 'America/Los_Angeles', 130, 9, 72, 18, true, 'Night owl.'),
    ('yuki', 'yuki@timetrackr.example', 'Asia/Tokyo', 100, 16, 68, 13, false, '');

-- The two who can log in sign up; the others have no password.
SELECT user_id FROM timetrackr.signup(:'demo_email', :'demo_password', 'demo', 'Europe/Berlin') \g /dev/null
SELECT user_id FROM timetrackr.signup(:'admin_email', :'admin_password', 'admin', 'UTC') \g /dev/null
UPDATE timetrackr.users AS u
SET
    created_at = now() - make_interval(days => p.history),
    bio = p.bio,
    role = CASE WHEN p.username = 'admin' THEN 'admin' ELSE 'user' END
FROM demo_people AS p
WHERE u.email = p.email;
UPDATE timetrackr.timeline_events AS e
SET occurred_at = u.created_at
FROM timetrackr.users AS u
WHERE e.user_id = u.id
    AND e.event_type = 'user_joined';

INSERT INTO timetrackr.users (email, username, timezone, bio, listed, created_at)
SELECT email, username, timezone, bio, listed, now() - make_interval(days => history)
FROM demo_people
WHERE username NOT IN ('demo', 'admin')
ORDER BY history DESC, username;
UPDATE demo_people AS p
SET user_id = u.id
FROM timetrackr.users AS u
WHERE u.email = p.email;

-- Projects, who belongs to them, and what is done there.
CREATE TEMPORARY TABLE demo_projects (
    name text PRIMARY KEY,
    owner text,
    visibility text,
    description text,
    members text[],
    tags text[],
    notes text[],
    project_id bigint
) ON COMMIT DROP;

INSERT INTO demo_projects
VALUES
    ('TimeTrackr', 'demo', 'public', 'The tracker that tracks itself.',
        '{kenji,olga,mateo,priya,admin}', '{backend,review,planning,docs}',
        '{"pair on the trigger code","read the slow query log","answer questions","plan the week"}'),
    ('Open Atlas', 'olga', 'public', 'A free atlas of hiking paths.',
        '{tane,ana.souza,liam,sofia,demo}', '{maps,field,import}',
        '{"clean up the import","draw the northern sheets","walk the ridge with a GPS"}'),
    ('Kitchen Garden', 'zanele', 'public', 'What grows, and when.',
        '{fatima,noah}', '{seeds,beds,harvest}',
        '{"sow the first row","weed the beds","plan the rotation"}'),
    ('Learn Portuguese', 'ana.souza', 'public', 'A course in small daily steps.',
        '{liam,noah,fatima,demo,kenji}', '{reading,speaking,words}',
        '{"chapter and exercises","talk for half an hour","fifty new words"}'),
    ('Client: Harbour', 'mateo', 'private', 'Billing for a ferry company.',
        '{ana.souza,priya}', '{api,meeting,invoices}',
        '{"invoice run","call with the client","write the migration"}'),
    ('Night Sky', 'sofia', 'public', 'Photographing the sky, one field at a time.',
        '{tane,yuki,olga}', '{imaging,processing}',
        '{"expose the galaxy field","stack and stretch","align the mount"}'),
    ('Thesis', 'yuki', 'private', 'Three chapters to go.',
        '{}', '{writing,reading,figures}',
        '{"chapter two","redraw the figures","read and take notes"}'),
    ('House', 'demo', 'private', 'Everything that is not work.',
        '{}', '{repairs,garden}',
        '{"fix the shed door","paint the hall","sort the papers"}');

INSERT INTO timetrackr.projects (name, description, owner_id, visibility, created_at)
SELECT p.name, p.description, o.user_id, p.visibility, now() - make_interval(days => o.history) + interval '2 hours'
FROM demo_projects AS p
JOIN demo_people AS o ON o.username = p.owner
ORDER BY o.history DESC, p.name;
UPDATE demo_projects AS p
SET project_id = t.id
FROM timetrackr.projects AS t
JOIN demo_people AS o ON o.user_id = t.owner_id
WHERE t.name = p.name
    AND o.username = p.owner;

INSERT INTO timetrackr.project_members (project_id, user_id, role, joined_at)
SELECT
    p.project_id,
    m.user_id,
    CASE WHEN m.username IN ('admin', 'olga') THEN 'manager' ELSE 'contributor' END,
    now() - make_interval(days => least(o.history, m.history)) + interval '1 day'
FROM demo_projects AS p
JOIN demo_people AS o ON o.username = p.owner
JOIN demo_people AS m ON m.username = ANY (p.members);

-- Up to four sessions a day, each in a slot of its own of 165 minutes, so that
-- none overlaps another.
CREATE TEMPORARY TABLE demo_entries ON COMMIT DROP AS
WITH days AS (
    SELECT
        p.*,
        back,
        (now() AT TIME ZONE p.timezone)::date - back AS day,
        1 + pg_temp.pick(format('%s sessions %s', p.username, back), CASE WHEN p.diligence > 80 THEN 4 ELSE 3 END) AS sessions
    FROM demo_people AS p
    CROSS JOIN LATERAL generate_series(0, p.history - 2) AS back
),
active AS (
    SELECT *
    FROM days
    WHERE back <= streak
        OR (back > streak + 1
            AND pg_temp.pick(format('%s day %s', username, back), 100)
                < diligence * (CASE WHEN extract(isodow FROM day) > 5 THEN 0.35 ELSE 1 END))
),
sessions AS (
    SELECT
        a.*,
        (day + make_time(0, 0, 0)
            + make_interval(
                hours => first_hour,
                mins => 165 * session + pg_temp.pick(format('%s start %s %s', username, back, session), 30)))
            AT TIME ZONE timezone AS start_time,
        make_interval(mins => 20 + pg_temp.pick(format('%s length %s %s', username, back, session),
            CASE WHEN diligence > 80 THEN 115 ELSE 80 END)) AS length,
        row_number() OVER (PARTITION BY username ORDER BY back DESC, session) AS number
    FROM active AS a
    CROSS JOIN LATERAL generate_series(0, sessions - 1) AS session
),
choices AS (
    SELECT
        m.user_id,
        array_agg(m.project_id ORDER BY (p.owner_id = m.user_id) DESC, m.project_id) AS projects
    FROM timetrackr.project_members AS m
    JOIN timetrackr.projects AS p ON p.id = m.project_id
    JOIN demo_people AS d ON d.user_id = m.user_id
    GROUP BY m.user_id
)
SELECT
    s.user_id,
    s.start_time,
    s.start_time + s.length AS end_time,
    s.timezone,
    s.username,
    s.number,
    s.back / 7 AS week,
    -- The lower of two draws: first projects more often than later ones.
    c.projects[1 + least(
        pg_temp.pick(format('%s project %s', s.username, s.number), cardinality(c.projects)),
        pg_temp.pick(format('%s or %s', s.username, s.number / 3), cardinality(c.projects)))] AS project_id
FROM sessions AS s
JOIN choices AS c USING (user_id)
WHERE s.start_time + s.length < now();

-- Week by week, as it happened: what a week earns is dated to its last entry.
DO $$
DECLARE
    current_week integer;
BEGIN
    FOR current_week IN
        SELECT DISTINCT week
        FROM demo_entries
        ORDER BY week DESC
    LOOP
        INSERT INTO timetrackr.time_entries
            (user_id, project_id, start_time, end_time, timezone, note, tags, source)
        SELECT
            e.user_id,
            e.project_id,
            e.start_time,
            e.end_time,
            e.timezone,
            CASE pg_temp.pick(format('%s note? %s', e.username, e.number), 3)
                WHEN 0 THEN ''
                ELSE p.notes[1 + pg_temp.pick(format('%s note %s', e.username, e.number), cardinality(p.notes))]
            END,
            p.tags[1 + pg_temp.pick(format('%s tag %s', e.username, e.number), cardinality(p.tags)):
                1 + pg_temp.pick(format('%s tag %s', e.username, e.number), cardinality(p.tags))],
            'import'
        FROM demo_entries AS e
        JOIN demo_projects AS p USING (project_id)
        WHERE e.week = current_week
        ORDER BY e.user_id, e.start_time;

        UPDATE timetrackr.user_badges AS b
        SET awarded_at = e.last_end
        FROM (
            SELECT user_id, max(end_time) AS last_end
            FROM demo_entries
            WHERE week = current_week
            GROUP BY user_id
        ) AS e
        WHERE b.user_id = e.user_id
            AND b.awarded_at >= now();
        UPDATE timetrackr.timeline_events AS t
        SET occurred_at = e.last_end
        FROM (
            SELECT user_id, max(end_time) AS last_end
            FROM demo_entries
            WHERE week = current_week
            GROUP BY user_id
        ) AS e
        WHERE t.user_id = e.user_id
            AND t.event_type IN ('badge_earned', 'streak_reached')
            AND t.occurred_at >= now();
    END LOOP;
END
$$;

-- Nobody wants to begin with a hundred unread notifications.
UPDATE timetrackr.notifications AS n
SET
    created_at = b.awarded_at,
    read_at = CASE WHEN b.awarded_at < now() - interval '14 days' THEN b.awarded_at + interval '1 hour' END
FROM timetrackr.user_badges AS b
JOIN demo_people AS p ON p.user_id = b.user_id
WHERE n.user_id = b.user_id
    AND n.kind = 'badge_awarded'
    AND (n.payload ->> 'badge_id')::bigint = b.badge_id;

\endif
