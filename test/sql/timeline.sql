-- Timelines: newest first, page by page, private projects for members only.
SET timezone = 'UTC';
SELECT test.new_user('line-ann') AS ann, test.new_user('line-bob') AS bob, test.new_user('line-admin') AS admin \gset
UPDATE timetrackr.users SET role = 'admin' WHERE id = :admin;
SELECT test.new_project(:ann, 'Line open', 'public') AS open, test.new_project(:ann, 'Line secret') AS secret \gset
SELECT count(*) FROM timetrackr.join_project(:bob, :open);
SELECT entry_id AS in_open FROM timetrackr.start_entry(:ann, :open, '2025-05-05 08:00Z', '2025-05-05 09:00Z') \gset
SELECT entry_id AS in_secret FROM timetrackr.start_entry(:ann, :secret, '2025-05-06 08:00Z', '2025-05-06 10:00Z') \gset
SELECT timetrackr.set_visibility(:ann, :secret, 'public'), timetrackr.set_visibility(:ann, :secret, 'private');

CREATE FUNCTION test.timeline(viewer bigint, owner bigint)
RETURNS TABLE (event_type text, event_data jsonb)
LANGUAGE sql
AS $$
    -- Without the ids, which differ from run to run.
    SELECT t.event_type, t.event_data - '{project_id,entry_id,badge_id}'::text[]
    FROM timetrackr.timeline(viewer, owner) t
$$;
SELECT * FROM test.timeline(:ann, :ann);
SELECT * FROM test.timeline(:bob, :ann);
SELECT event_type, event_data FROM test.timeline(NULL, :bob);
SELECT count(*) AS to_visitor, (SELECT count(*) FROM timetrackr.timeline(:admin, :ann)) AS to_admin,
    (SELECT count(*) FROM timetrackr.timeline(:ann, 0)) AS of_nobody
FROM timetrackr.timeline(NULL, :ann);
-- The ids are those of the rows, and a name is the one of today.
SELECT event_data -> 'project_id' = to_jsonb(:open) AS project, event_data -> 'entry_id' = to_jsonb(:in_open) AS entry, "timestamp"
FROM timetrackr.timeline(NULL, :ann) WHERE event_type = 'time_entry_completed';
UPDATE timetrackr.projects SET name = 'Line wide open' WHERE id = :open;
SELECT event_data ->> 'project_name' AS name FROM timetrackr.timeline(NULL, :ann) WHERE event_type = 'time_entry_completed';

-- Pages of any size put together are the whole, with equal times too.
INSERT INTO timetrackr.timeline_events (user_id, event_type, occurred_at, project_id)
SELECT :bob, 'project_joined', '2025-05-05Z'::timestamptz + n / 4 * interval '1 second', CASE n % 3 WHEN 0 THEN :open WHEN 1 THEN :secret END
FROM generate_series(1, 20) n;
CREATE FUNCTION test.timeline_pages(viewer bigint, owner bigint, size integer)
RETURNS bigint[]
LANGUAGE plpgsql
AS $$
DECLARE
    ids bigint[] := '{}';
    page bigint[];
    last_time timestamptz;
    last_id bigint;
BEGIN
    LOOP
        SELECT array_agg(t.event_id), (array_agg(t."timestamp"))[count(*)], (array_agg(t.event_id))[count(*)]
        INTO page, last_time, last_id
        FROM timetrackr.timeline(viewer, owner, size, last_time, last_id) t;
        EXIT WHEN page IS NULL;
        ids := ids || page;
    END LOOP;
    RETURN ids;
END
$$;
SELECT bool_and(test.timeline_pages(nullif(viewer, 0), :bob, size) = (
    SELECT array_agg(e.id ORDER BY e.occurred_at DESC, e.id DESC)
    FROM timetrackr.timeline_events e
    WHERE e.user_id = :bob AND (viewer = :ann OR e.project_id IS DISTINCT FROM :secret))) AS whole
FROM unnest(ARRAY[0, :ann]) viewer, unnest(ARRAY[1, 2, 3, 7, 100]) size;
-- An event that comes in between neither repeats nor hides another.
SELECT event_id AS seen, "timestamp" AS seen_at FROM timetrackr.timeline(:ann, :bob, 3) ORDER BY "timestamp", event_id LIMIT 1 \gset
INSERT INTO timetrackr.timeline_events (user_id, event_type, occurred_at) VALUES (:bob, 'streak_reached', now() + interval '1 hour');
SELECT count(*) AS left_to_see FROM timetrackr.timeline(:ann, :bob, 100, :'seen_at', :seen);

-- Deleting the entry removes its event.
SELECT timetrackr.delete_entry(:ann, :in_open);
SELECT count(*) AS completed FROM timetrackr.timeline(:ann, :ann) WHERE event_type = 'time_entry_completed';
SELECT * FROM timetrackr.verify();
