-- Several nodes: what rows are known by (extension/next_id.c).

CREATE FUNCTION timetrackr.create_id_sequence()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    CREATE SEQUENCE IF NOT EXISTS timetrackr.ids AS bigint;
END
$$;
COMMENT ON FUNCTION timetrackr.create_id_sequence() IS
'Part of install(): what next_id() counts with. Each of several nodes has its own.';

CREATE FUNCTION timetrackr.next_id()
RETURNS bigint
LANGUAGE C
VOLATILE
AS 'MODULE_PATHNAME', 'tt_next_id';
COMMENT ON FUNCTION timetrackr.next_id() IS
'An id for a row of any table of several nodes: higher than those that were made anywhere a tenth of a second before, and less than 2^53 until the year 2053. Errors: 54000 on a node whose number is over 511.';
