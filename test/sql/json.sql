-- json(): as row_to_json(), except for what is said in its comment.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS timetrackr CASCADE;
RESET client_min_messages;
SET datestyle = iso;
SET timezone = 'America/New_York';

CREATE TYPE pg_temp.mood AS ENUM ('glad', 'so "so"');
CREATE DOMAIN pg_temp.share AS numeric CHECK (VALUE BETWEEN 0 AND 1);
CREATE DOMAIN pg_temp.moods AS pg_temp.mood[];
CREATE TYPE pg_temp.point AS (x integer, y double precision);
CREATE DOMAIN pg_temp.place AS pg_temp.point;
CREATE TYPE pg_temp.path AS (name text, points pg_temp.point[], "odd ""key""\" pg_temp.mood);

-- Text for text what row_to_json() writes.
CREATE TEMPORARY TABLE samples AS
SELECT
    i::smallint AS small, i * 1000003 AS medium, i * 10000000019::bigint AS big, i / 7.0::real AS single, i / 7.0::float8 AS double,
    (i / 7.0)::numeric(20, 10) AS exact, i % 2 = 0 AS even, 'no. ' || i AS label, i::text::varchar(3) AS short,
    'x'::char(5) AS padded, date '2024-02-28' + i AS day, timestamp '2024-01-01 00:00' + i * interval '12345.678901 s' AS local,
    json_build_object('i', i) AS raw, jsonb_build_object('i', i, 'list', '[1, null, "x"]'::jsonb) AS binary,
    (ARRAY['glad', 'so "so"'])[1 + i % 2]::pg_temp.mood AS mood, (i / 1000.0)::pg_temp.share AS share,
    ARRAY['glad', NULL]::pg_temp.moods AS moods, i * interval '1 day 01:00' AS span, int4range(i, i + 5) AS span_of_days,
    ROW(i, i / 3.0)::pg_temp.point AS point, ROW(i, NULL)::pg_temp.place AS place,
    ROW('p' || i, ARRAY[ROW(1, 2)::pg_temp.point, NULL], 'glad')::pg_temp.path AS path,
    ARRAY[i, NULL, i + 1] AS numbers, ARRAY[[['a', 'b'], ['c', NULL]], [['"', '\'], ['', ' ']]] AS cube,
    '{}'::text[] AS nothing, '[5:6]={1,2}'::integer[] AS shifted, ARRAY['{"a": 1}'::jsonb] AS documents,
    i::oid AS oid, ('00000000-0000-0000-0000-' || lpad(i::text, 12, '0'))::uuid AS uuid, '10.0.0.1'::inet AS address,
    int2vectorin('1 2') AS vector, NULL::text AS no_text, NULL::integer[] AS no_array, NULL::pg_temp.point AS no_point
FROM generate_series(0, 200) i;
SELECT count(*) AS rows, count(*) FILTER (WHERE timetrackr.json(s) IS DISTINCT FROM row_to_json(s)::text) AS different
FROM samples s;

-- What is written otherwise: times, infinities, bytes.
SELECT timetrackr.json(r)
FROM (
    VALUES
        (timestamptz '2024-07-01 12:00+02', timestamp '2024-07-01 12:00', date '2024-07-01'),
        ('2024-07-01 12:00:00.5Z', '2024-07-01 12:00:00.000001', '1582-10-15'),
        ('1969-12-31 23:59:59.999999Z', '1969-12-31 23:59:59.9', '1999-12-31'),
        ('0001-01-01 00:00Z', '0001-12-31 23:59:59 BC', '0001-01-01'),
        ('9999-12-31 23:59:59Z', '0002-12-31 23:59:59 BC', '9999-12-31'),
        ('10000-01-01 00:00Z', '294276-12-31 23:59:59.999999', '5874897-12-31'),
        ('4714-11-24 00:00Z BC', '4714-11-24 00:00 BC', '4714-11-24 BC'),
        ('infinity', '-infinity', 'infinity'),
        ('-infinity', 'infinity', '-infinity')
) r (instant, local, day);
SELECT timetrackr.json(r)
FROM (
    VALUES
        (1.5::float8, 1.5::real, 1.50::numeric),
        ('NaN', 'NaN', 'NaN'), ('infinity', 'infinity', 'infinity'), ('-infinity', '-infinity', '-infinity'),
        (1e300, 1e-30, 12345678901234567890.123456789), ('-0', 0.1, -0.00)
) r (double, single, exact);
SELECT timetrackr.json(r)
FROM (VALUES ('\x'::bytea), ('\x00'), ('\x0001'), ('\x000102'), ('\xfffefdfc')) r (bytes);
SELECT timetrackr.json(r)
FROM (
    SELECT ARRAY[timestamptz '2024-07-01 12:00Z', 'infinity', NULL] AS instants, ARRAY['\x01'::bytea] AS bytes,
        ROW(timestamptz '2024-07-01 12:00Z', 'NaN'::float8) AS pair
) r;

-- Instants as the server itself writes them in UTC.
SELECT count(*) AS instants,
    count(*) FILTER (WHERE timetrackr.json(r) <> format('{"t":"%sZ"}', replace((t AT TIME ZONE 'UTC')::text, ' ', 'T'))) AS different
FROM (
    SELECT timestamptz '1890-01-01 00:00Z' + i * interval '41 days 07:11:13.5107' AS t
    FROM generate_series(1, 3000) i
) r;

-- Strings: every character below 256, one by one and together, and long ones.
SELECT count(*) AS characters,
    count(*) FILTER (WHERE timetrackr.json(r) IS DISTINCT FROM row_to_json(r)::text) AS different,
    count(*) FILTER (WHERE timetrackr.json(r)::json ->> 's' <> s) AS not_the_same_again
FROM (SELECT 'a' || chr(i) || 'b' || chr(i) AS s FROM generate_series(1, 255) i) r;
SELECT timetrackr.json(r) AS escapes
FROM (SELECT E'"\\/\b\f\n\r\t\x01\x1f' AS s) r;
SELECT timetrackr.json(r) = row_to_json(r)::text AS long_string
FROM (SELECT repeat(E'some "text"\n', 100000) AS s) r;
SELECT timetrackr.json(r)
FROM (SELECT 1 AS "a ""b""\c", 2 AS " ", 3 AS "UPPER") r;

-- No row, a row of nulls, a row without columns, rows in rows of the same type.
SELECT timetrackr.json(NULL) IS NULL AS null_of_nothing;
SELECT timetrackr.json(r) FROM (SELECT NULL::integer AS a, NULL::text AS b) r;
SELECT timetrackr.json(r) FROM (SELECT) r;
SELECT timetrackr.json(r) = row_to_json(r)::text AS same
FROM (SELECT ROW(ROW(ROW(1), 2), ROW(ROW(3), 4)) AS a, ROW(ROW(ROW(ROW('deep')))) AS b,
    ARRAY[ROW(1, 'x'), ROW(2, NULL), NULL] AS c, ARRAY[ROW(ARRAY[ROW(1)]), ROW(ARRAY[ROW(2), ROW(3)])] AS d) r;
ANALYZE samples;
SELECT count(*) AS rows, count(*) FILTER (WHERE timetrackr.json(s) IS DISTINCT FROM row_to_json(s)::text) AS different
FROM pg_catalog.pg_stats s
WHERE tablename = 'samples' AND attname IN ('small', 'label', 'mood', 'exact');

-- The row of an inlined function, and of an outer join's missing side.
CREATE FUNCTION pg_temp.squares(most integer)
RETURNS TABLE (root integer, square integer, at timestamptz)
LANGUAGE sql
STABLE
AS $$
SELECT i, i * i, timestamptz '2024-01-01 00:00Z' + i * interval '1 day'
FROM generate_series(1, squares.most) i
$$;
SELECT timetrackr.json(r) FROM pg_temp.squares(2) r;
SELECT l.n, timetrackr.json(r) AS json, timetrackr.json(r) IS NULL AS is_null
FROM (VALUES (2), (3)) l (n)
LEFT JOIN pg_temp.squares(2) r ON r.root = l.n
ORDER BY l.n;
PREPARE squares(integer) AS SELECT timetrackr.json(r) FROM pg_temp.squares($1) r;
SET plan_cache_mode = force_generic_plan;
EXECUTE squares(1);
EXECUTE squares(1);
RESET plan_cache_mode;

-- A type that has a cast to json is written by it.
CREATE TYPE pg_temp.signal AS ENUM ('stop', 'go');
CREATE FUNCTION pg_temp.signal_json(pg_temp.signal)
RETURNS json
LANGUAGE sql
IMMUTABLE
AS $$
SELECT json_build_object('signal', $1::text)
$$;
CREATE CAST (pg_temp.signal AS json) WITH FUNCTION pg_temp.signal_json(pg_temp.signal);
SELECT timetrackr.json(r), row_to_json(r) FROM (SELECT 'go'::pg_temp.signal AS a, ARRAY['stop']::pg_temp.signal[] AS b) r;

-- A row type that changes while the session remembers it.
CREATE TEMPORARY TABLE changing (a integer, b text, c timestamptz);
CREATE TEMPORARY TABLE holding (held changing);
INSERT INTO changing VALUES (1, 'x', '2024-01-01 00:00Z');
INSERT INTO holding SELECT changing FROM changing;
PREPARE changing AS SELECT timetrackr.json(r) FROM changing r;
PREPARE holding AS SELECT timetrackr.json(r) FROM holding r;
EXECUTE changing;
EXECUTE holding;
ALTER TABLE changing RENAME COLUMN b TO "b2";
ALTER TABLE changing ADD COLUMN d integer;
EXECUTE changing;
EXECUTE holding;
ALTER TABLE changing DROP COLUMN a;
EXECUTE changing;
EXECUTE holding;
DROP TABLE holding;
ALTER TABLE changing ADD COLUMN e text DEFAULT 'added', ALTER COLUMN b2 TYPE integer USING 7;
SELECT timetrackr.json(r) FROM changing r;
ALTER TABLE changing DROP COLUMN b2, DROP COLUMN c, DROP COLUMN d, DROP COLUMN e;
SELECT timetrackr.json(r) FROM changing r;

-- More row types than a session remembers; none is written wrong.
DO $$
DECLARE
    same boolean;
    different integer := 0;
BEGIN
    FOR round IN 1 .. 2 LOOP
        FOR i IN 1 .. 600 LOOP
            EXECUTE format('SELECT timetrackr.json(r) = row_to_json(r)::text FROM (SELECT %s AS c%s, ROW(%s, ROW(1)) AS d) r', i, i, i)
            INTO STRICT same;
            IF same IS NOT TRUE THEN
                different := different + 1;
            END IF;
        END LOOP;
    END LOOP;
    RAISE NOTICE 'different: %', different;
END
$$;

SELECT count(*) AS remembered FROM pg_backend_memory_contexts WHERE name = 'timetrackr JSON shape';

-- Errors of a type's own cast come through, and the next row is none the worse.
\set VERBOSITY terse
CREATE TYPE pg_temp.lamp AS ENUM ('red', 'green');
CREATE FUNCTION pg_temp.lamp_json(lamp pg_temp.lamp)
RETURNS json
LANGUAGE plpgsql
IMMUTABLE
AS $$
BEGIN
    IF lamp = 'red' THEN
        RAISE EXCEPTION 'red';
    END IF;
    RETURN '"green"';
END
$$;
CREATE CAST (pg_temp.lamp AS json) WITH FUNCTION pg_temp.lamp_json(pg_temp.lamp);
SELECT timetrackr.json(r) FROM (SELECT 'red'::pg_temp.lamp AS lamp) r;
SELECT timetrackr.json(r) FROM (SELECT 'green'::pg_temp.lamp AS lamp) r;
