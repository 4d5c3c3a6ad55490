-- Time entries out of files: our own export, Toggl's, Clockify's.

CREATE FUNCTION timetrackr.import_entries(
    viewer_id bigint,
    csv text,
    atomic boolean DEFAULT false,
    project_id bigint DEFAULT NULL,
    date_order timetrackr.date_order DEFAULT NULL,
    OUT imported bigint,
    OUT skipped bigint,
    OUT failed bigint,
    OUT errors timetrackr.import_error[]
)
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_import_entries';
COMMENT ON FUNCTION timetrackr.import_entries(bigint, text, boolean, bigint, timetrackr.date_order) IS
'Imports finished time entries from a file of CSV with at most 100000 lines: an export of export_entries, or a detailed export of Toggl or Clockify; the header tells which. imported are the lines stored; skipped those with start, end and project of an entry or line that is there already; failed those in errors, which lists the first 1000 with line, code and detail. With atomic nothing is stored when a line fails. Projects are those of that name that the viewer is a member of; others are created, private. project_id takes the lines that name no project. Local times are in the viewer''s time zone: of a time that a clock set back shows twice, the one that agrees with the Duration column, else the first; one that it skips is moved forward. date_order says how dates such as 1/2/2026 are meant; null: as the first date of the file that tells, else mdy. Codes of lines: malformed_csv, missing_field, invalid_time, time_in_future, end_not_after_start, invalid_timezone, too_long, invalid_tags, entry_overlaps, project_archived, role_cannot_log. Errors: 401 invalid_token; 403, 404, 409 of project_id as start_entry; 422 missing_field, unknown_format, too_many_lines, too_many_projects.';
