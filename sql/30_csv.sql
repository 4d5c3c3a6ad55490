-- CSV as HTTP clients get it.

CREATE FUNCTION timetrackr.csv(source record)
RETURNS text
LANGUAGE c
STABLE
STRICT
PARALLEL SAFE
AS 'MODULE_PATHNAME', 'tt_csv';
COMMENT ON FUNCTION timetrackr.csv(record) IS
'The row source as one record of CSV (RFC 4180), without the line end: a field for each column, quoted where it must be. Null is an empty field; timestamptz is RFC 3339 in UTC with Z, infinite times are empty; text[] is a record of CSV within the field; other types are as their output. A field that a spreadsheet would take for a formula, as it starts with = + - @, a tab or a carriage return, maybe behind apostrophes, gets an apostrophe in front; numbers stay as they are.';
