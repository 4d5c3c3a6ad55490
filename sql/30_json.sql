-- JSON as HTTP clients get it.

CREATE FUNCTION timetrackr.json(source record)
RETURNS text
LANGUAGE c
STABLE
STRICT
PARALLEL SAFE
AS 'MODULE_PATHNAME', 'tt_json';
COMMENT ON FUNCTION timetrackr.json(record) IS
'The row source as a JSON object, one member for each column. As row_to_json(), except: timestamptz is RFC 3339 in UTC with Z, whatever the session''s time zone; infinite times and dates, infinity and NaN are null; bytea is base64; years before 0 or after 9999 have a sign and six digits (ISO 8601). Composites and arrays within are written alike. Null for a null row.';
