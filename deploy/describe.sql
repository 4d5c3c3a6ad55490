-- The body of docs/sql-reference.md, for deploy/describe-sql: table section says what is where.

-- An argument or a result column as it is declared.
CREATE FUNCTION pg_temp.declared(function oid, i integer)
RETURNS text
LANGUAGE sql
AS $$
    SELECT concat_ws(' ',
        nullif(quote_ident(p.proargnames[i]), '""'),
        replace(replace(format_type(COALESCE(p.proallargtypes[i], p.proargtypes[i - 1]), NULL),
            'timestamp with time zone', 'timestamptz'), 'character varying', 'varchar'),
        'DEFAULT ' || CASE WHEN COALESCE(p.proargmodes[i], 'i') = 'i'
            THEN regexp_replace(pg_get_function_arg_default(p.oid, i), '^NULL::.*', 'NULL') END)
    FROM pg_proc p
    WHERE p.oid = function
$$;

-- "It does this. Errors: 404 that." in two paragraphs.
CREATE FUNCTION pg_temp.paragraphs(comment text)
RETURNS text
LANGUAGE sql
AS $$
    SELECT regexp_replace(comment, ' Errors: ', E'\n\nErrors: ')
$$;

CREATE TEMPORARY TABLE entry AS
SELECT
    s.file,
    s.title,
    p.proname,
    p.oid,
    format(E'### %s\n\n```\n%s(%s)%s\n```\n\n%s\n',
        p.proname,
        p.proname,
        (
            SELECT E'\n' || string_agg('    ' || pg_temp.declared(p.oid, i), E',\n' ORDER BY i) || E'\n'
            FROM generate_series(1, p.pronargs) i
        ),
        ' RETURNS ' || COALESCE(
            CASE WHEN p.proretset THEN 'TABLE ' ELSE '' END || (
                SELECT E'(\n' || string_agg('    ' || pg_temp.declared(p.oid, i::integer), E',\n' ORDER BY i) || E'\n)'
                FROM unnest(p.proargmodes) WITH ORDINALITY m (mode, i)
                WHERE m.mode IN ('o', 't')),
            replace(pg_get_function_result(p.oid), 'timestamp with time zone', 'timestamptz')),
        pg_temp.paragraphs(obj_description(p.oid, 'pg_proc'))) AS text
FROM (SELECT DISTINCT * FROM section) s
JOIN pg_proc p ON p.proname = s.name AND p.pronamespace = 'timetrackr'::regnamespace
WHERE obj_description(p.oid, 'pg_proc') !~ '^(Part of|Trigger)';

SELECT text
FROM (
    SELECT e.file, '' AS name, 0 AS oid, format(E'\n## %s\n', e.title) AS text
    FROM entry e
    GROUP BY e.file, e.title
    UNION ALL
    SELECT e.file, e.proname, e.oid::bigint, e.text
    FROM entry e
) t
ORDER BY t.file COLLATE "C", t.name COLLATE "C", t.oid;

\echo
\echo '## Views'
\echo
SELECT format(E'### %s\n\n%s\n\n| column | type | |\n|---|---|---|\n%s\n',
    c.relname,
    obj_description(c.oid, 'pg_class'),
    string_agg(format('| `%s` | %s | %s |',
        a.attname,
        replace(format_type(a.atttypid, a.atttypmod), 'timestamp with time zone', 'timestamptz'),
        replace(COALESCE(col_description(c.oid, a.attnum), ''), '|', '\|')), E'\n' ORDER BY a.attnum))
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relnamespace = 'timetrackr'::regnamespace
    AND c.relkind = 'v'
GROUP BY c.oid, c.relname
ORDER BY c.relname COLLATE "C";

\echo
\echo '## Enumerations'
\echo
\echo '| type | values |'
\echo '|---|---|'
SELECT format('| `%s` | %s |', t.typname, string_agg(format('`%s`', e.enumlabel), ', ' ORDER BY e.enumsortorder))
FROM pg_type t
JOIN pg_enum e ON e.enumtypid = t.oid
WHERE t.typnamespace = 'timetrackr'::regnamespace
GROUP BY t.oid, t.typname
ORDER BY t.typname COLLATE "C";
