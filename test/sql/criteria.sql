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
