-- Criteria: what is accepted, which fault is named for what is not, and whom
-- a badge with given criteria goes to.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS timetrackr CASCADE;
RESET client_min_messages;
SET timezone = 'UTC';

-- "ok", or SQLSTATE, code, field and the path of the fault.
CREATE FUNCTION pg_temp.verdict(criteria text)
RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    state text;
    code text;
    field text;
    detail text;
BEGIN
    RETURN CASE timetrackr.check_criteria(criteria::jsonb) WHEN true THEN 'ok' END;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, code = CONSTRAINT_NAME, field = COLUMN_NAME,
        detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(' ', state, code, field, detail);
END
$$;

-- Every metric, and the filters that go with it.
SELECT metric,
    pg_temp.verdict(format('{"metric": "%s", "gte": 1}', metric)) = 'ok' AS plain,
    pg_temp.verdict(format('{"metric": "%s", "gte": 1, "project_id": 7}', metric)) AS of_project,
    pg_temp.verdict(format('{"metric": "%s", "gte": 1, "last_days": 7}', metric)) AS of_days
FROM unnest(ARRAY[
    'total_seconds', 'project_seconds', 'entry_count', 'longest_entry_seconds', 'best_day_seconds', 'best_week_seconds',
    'current_streak_days', 'longest_streak_days', 'active_days', 'projects_created', 'projects_contributed',
    'badges_earned', 'account_age_days'
]) metric;

-- Well-formed criteria.
SELECT criteria, pg_temp.verdict(criteria)
FROM unnest(ARRAY[
    '{"all": [{"metric": "project_seconds", "gte": 36000}, {"metric": "current_streak_days", "gte": 7}]}',
    '{"any": [{"metric": "entry_count", "gt": -1.5}, {"not": {"metric": "entry_count", "lte": 1e300}}]}',
    '{"not": {"not": {"all": [{"any": [{"metric": "entry_count", "eq": 0}]}]}}}',
    '{"metric": "project_seconds", "lt": 1, "project_id": 9223372036854775807, "last_days": 3660}',
    '{"metric": "entry_count", "gte": 1, "last_days": 1}'
]) criteria;

-- Faults, each with its path.
SELECT criteria, pg_temp.verdict(criteria)
FROM unnest(ARRAY[
    'null', '1', '"total_seconds"', '[]', '[{"metric": "entry_count", "gte": 1}]', '{}',
    '{"all": []}', '{"any": []}', '{"all": {}}', '{"any": null}', '{"not": []}', '{"not": null}', '{"not": {}}',
    '{"all": [1]}', '{"all": [[]]}', '{"all": [{"metric": "entry_count", "gte": 1}, {}]}',
    '{"all": [{"metric": "entry_count", "gte": 1}], "any": [{"metric": "entry_count", "gte": 1}]}',
    '{"all": [{"metric": "entry_count", "gte": 1}], "metric": "entry_count"}',
    '{"not": {"metric": "entry_count", "gte": 1}, "because": 1}',
    '{"all": [{"metric": "entry_count", "gte": 1}, {"metric": "entry_count", "gte": "1"}]}',
    '{"any": [{"not": {"all": [{"metric": "entry_count", "lt": true}]}}]}',
    '{"metric": "entry_count"}', '{"gte": 1}', '{"ALL": []}',
    '{"metric": "entry_count", "gte": 1, "lt": 5}',
    '{"metric": "entry_counts", "gte": 1}', '{"metric": "entry_coun", "gte": 1}', '{"metric": "", "gte": 1}',
    '{"metric": null, "gte": 1}', '{"metric": ["entry_count"], "gte": 1}', '{"metric": "Entry_Count", "gte": 1}',
    '{"metric": "entry_count", "gte": null}', '{"metric": "entry_count", "gte": [1]}',
    '{"metric": "entry_count", "gte": 1e309}', '{"metric": "entry_count", "lt": -1e400}',
    '{"metric": "entry_count", "eq": 1e-400}',
    '{"metric": "entry_count", "gte": 1, "note": "x"}', '{"metric": "entry_count", "gte": 1, "a b": 1}',
    '{"metric": "entry_count", "gte": 1, "": 1}', '{"metric": "entry_count", "gte": 1, "\"]\\": 1}',
    '{"metric": "entry_count", "gte": 1, "1st": 1}', '{"metric": "entry_count", "gte": 1, "ne": 1}',
    '{"metric": "project_seconds", "gte": 1, "project_id": 0}',
    '{"metric": "project_seconds", "gte": 1, "project_id": -1}',
    '{"metric": "project_seconds", "gte": 1, "project_id": 1.5}',
    '{"metric": "project_seconds", "gte": 1, "project_id": "1"}',
    '{"metric": "project_seconds", "gte": 1, "project_id": null}',
    '{"metric": "project_seconds", "gte": 1, "project_id": 9223372036854775808}',
    '{"metric": "project_seconds", "gte": 1, "project_id": 1e100}',
    '{"metric": "active_days", "gte": 1, "last_days": 0}',
    '{"metric": "active_days", "gte": 1, "last_days": 3661}',
    '{"metric": "active_days", "gte": 1, "last_days": 4294967297}'
]) criteria;

-- At most 8 levels ...
SELECT levels, opening,
    pg_temp.verdict(repeat(opening, levels - 1) || '{"metric": "entry_count", "gte": 1}' || repeat(closing, levels - 1))
FROM (VALUES ('{"not": ', '}'), ('{"all": [', ']}')) groups (opening, closing),
    generate_series(8, 9) levels;
SELECT pg_temp.verdict(repeat('{"not": ', 1000) || '{"metric": "entry_count", "gte": 1}' || repeat('}', 1000));

-- ... and 64 conditions, however they are grouped.
SELECT conditions,
    pg_temp.verdict(format('{"any": [%s]}', string_agg('{"metric": "entry_count", "gte": 1}', ','))) AS flat,
    pg_temp.verdict(format('{"any": [%s]}', string_agg(
        repeat('{"all": [', 6) || '{"metric": "entry_count", "gte": 1}' || repeat(']}', 6), ','))) AS deep
FROM generate_series(64, 65) conditions,
    generate_series(1, conditions)
GROUP BY conditions
ORDER BY conditions;

-- NULL is no criteria.
SELECT timetrackr.check_criteria(NULL) IS NULL AS null_in_null_out;

-- Random JSON, sound and broken: accepted, or refused with a path that is in the document.
CREATE FUNCTION pg_temp.pick(choices text[])
RETURNS text
LANGUAGE sql
VOLATILE
AS $$
SELECT choices[1 + floor(random() * cardinality(choices))::integer]
$$;

CREATE FUNCTION pg_temp.any_value(soundness double precision, depth integer)
RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    kind double precision := random();
BEGIN
    IF random() > soundness THEN
        RETURN pg_temp.pick(ARRAY[
            'null', 'true', '0', '-1', '1e500', '"entry_count"', '"x"', '[]', '{}', '[1]', '[[]]', '{"x": 1}',
            '{"all": []}', '{"metric": "total_seconds"}', '{"gte": 1}', '{"metric": 1, "gte": 1}',
            '{"metric": "entry_count", "gte": 1, "lte": 2}', '{"metric": "entry_count", "eq": {}}',
            '{"metric": "entry_count", "gte": 1, "last_days": 0.5}', '{"not": [], "any": []}'
        ]);
    ELSIF depth < 7 AND kind < 0.3 THEN
        RETURN format('{"not": %s}', pg_temp.any_value(soundness, depth + 1));
    ELSIF depth < 7 AND kind < 0.6 THEN
        RETURN (
            SELECT format('{"%s": [%s]}', pg_temp.pick(ARRAY['all', 'any']),
                string_agg(pg_temp.any_value(soundness, depth + 1), ','))
            FROM generate_series(1, 1 + floor(random() * 3)::integer)
        );
    END IF;
    RETURN format('{"metric": "%s", "%s": %s}',
        pg_temp.pick(ARRAY['entry_count', 'total_seconds', 'project_seconds', 'projects_created', 'active_days',
            'longest_entry_seconds', 'best_day_seconds']),
        pg_temp.pick(ARRAY['gte', 'gt', 'lte', 'lt', 'eq']),
        pg_temp.pick(ARRAY['0', '1', '2', '3', '1.5', '-1', '3600', '5400', '5399.5', '1e10']));
END
$$;

SELECT setseed(0.25);
CREATE TEMPORARY TABLE random_criteria AS
SELECT pg_temp.any_value(soundness, 0) AS criteria
FROM generate_series(1, 3000) i, (VALUES (1.0), (0.95), (0.5)) s (soundness);
SELECT count(*) FILTER (WHERE verdict = 'ok') > 1000 AS some_sound,
    count(*) FILTER (WHERE verdict <> 'ok') > 1000 AS some_broken,
    count(*) FILTER (WHERE verdict <> 'ok' AND verdict NOT LIKE 'TT422 invalid\_criteria criteria {"path": "$%"}') AS other
FROM (SELECT pg_temp.verdict(criteria) FROM random_criteria) v (verdict);
SELECT count(*) AS paths_to_nowhere
FROM (SELECT criteria::jsonb, pg_temp.verdict(criteria) FROM random_criteria) v (criteria, verdict)
WHERE verdict <> 'ok'
    AND jsonb_path_exists(criteria, ('strict ' || (substring(verdict FROM '{.*}')::jsonb ->> 'path'))::jsonpath,
        silent => true) IS NOT TRUE;

-- A user with three entries on two projects on two days; every badge with sound random criteria goes to her
-- exactly if a plain reading of the criteria says so.
BEGIN;
SELECT timetrackr.install() > 0 AS installed;
UPDATE timetrackr.badges SET enabled = false;
INSERT INTO timetrackr.users (id, email, username) VALUES (-1, 'ada@criteria.test', 'ada-criteria');
INSERT INTO timetrackr.projects (id, name, owner_id) VALUES (4000000001, 'one', -1), (4000000002, 'two', -1);
INSERT INTO timetrackr.badges (id, name, criteria)
SELECT -row_number() OVER (), 'random ' || row_number() OVER (), criteria::jsonb
FROM (
    SELECT DISTINCT criteria
    FROM random_criteria
    WHERE pg_temp.verdict(criteria) = 'ok'
) sound;
INSERT INTO timetrackr.badges (name, criteria)
VALUES
    ('one project', '{"metric": "project_seconds", "project_id": 4000000002, "eq": 3602}'),
    ('too much for it', '{"metric": "project_seconds", "project_id": 4000000002, "gt": 3602}'),
    ('another project', '{"metric": "project_seconds", "project_id": 4000000003, "eq": 0}'),
    ('last 60 days', '{"metric": "active_days", "last_days": 60, "eq": 2}'),
    ('last 39 days', '{"metric": "active_days", "last_days": 39, "eq": 1}'),
    ('last 30 days', '{"metric": "active_days", "last_days": 30, "eq": 0}'),
    ('too few days', '{"metric": "active_days", "last_days": 30, "gt": 0}');
INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time, timezone)
SELECT -1, project_id, date_trunc('day', now()) - days_ago * interval '1 day' + from_time,
    date_trunc('day', now()) - days_ago * interval '1 day' + to_time, 'UTC'
FROM (
    VALUES
        (4000000001, 40, interval '9:00', interval '10:30'),
        (4000000002, 40, '11:00', '11:00:02'),
        (4000000002, 38, '11:00', '12:00')
) entries (project_id, days_ago, from_time, to_time);
CREATE TEMPORARY TABLE metric_values (metric text PRIMARY KEY, value double precision);
INSERT INTO metric_values
VALUES ('entry_count', 3), ('total_seconds', 9002), ('project_seconds', 5400), ('projects_created', 2),
    ('active_days', 2), ('longest_entry_seconds', 5400), ('best_day_seconds', 5402);

CREATE FUNCTION pg_temp.reading(criteria jsonb)
RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
    actual double precision;
BEGIN
    IF criteria ? 'not' THEN
        RETURN NOT pg_temp.reading(criteria -> 'not');
    ELSIF criteria ? 'all' THEN
        RETURN (SELECT bool_and(pg_temp.reading(node)) FROM jsonb_array_elements(criteria -> 'all') node);
    ELSIF criteria ? 'any' THEN
        RETURN (SELECT bool_or(pg_temp.reading(node)) FROM jsonb_array_elements(criteria -> 'any') node);
    END IF;
    SELECT value INTO STRICT actual FROM metric_values WHERE metric = criteria ->> 'metric';
    RETURN CASE
        WHEN criteria ? 'gte' THEN actual >= (criteria ->> 'gte')::double precision
        WHEN criteria ? 'gt' THEN actual > (criteria ->> 'gt')::double precision
        WHEN criteria ? 'lte' THEN actual <= (criteria ->> 'lte')::double precision
        WHEN criteria ? 'lt' THEN actual < (criteria ->> 'lt')::double precision
        WHEN criteria ? 'eq' THEN actual = (criteria ->> 'eq')::double precision
    END;
END
$$;

SELECT count(*) > 1000 AS many,
    count(*) FILTER (WHERE holds) > 300 AS some_hold,
    count(*) FILTER (WHERE NOT holds) > 300 AS some_do_not,
    count(*) FILTER (WHERE holds <> earned) AS wrong
FROM (
    SELECT pg_temp.reading(b.criteria) AS holds, u.badge_id IS NOT NULL AS earned
    FROM timetrackr.badges b
    LEFT JOIN timetrackr.user_badges u ON u.badge_id = b.id AND u.user_id = -1
    WHERE b.name LIKE 'random %'
) badges;

-- Of one project, and of the last days.
SELECT b.name
FROM timetrackr.user_badges u
JOIN timetrackr.badges b ON b.id = u.badge_id
WHERE u.user_id = -1 AND b.name NOT LIKE 'random %'
ORDER BY b.name COLLATE "C";

-- The table refuses what the function refuses.
INSERT INTO timetrackr.badges (name, criteria) VALUES ('broken', '{"all": [{"metric": "entry_count", "gte": 1}, {"metric": "entry_count", "gte": "1"}]}');
ROLLBACK;
