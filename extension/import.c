/*
 * import.c: import_entries(): reads a file, sorts its lines out, and stores
 * what is new with one INSERT, so that triggers run once for all of it. The user is locked
 * first: nothing changes between the checks and the INSERT.
 */
#include "import.h"

#include "account.h"
#include "arguments.h"
#include "error.h"
#include "import_check.h"
#include "import_formats.h"
#include "import_projects.h"
#include "lock.h"
#include "membership.h"
#include "spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

PG_FUNCTION_INFO_V1(tt_import_entries);

/* So many faults are listed; all of them are counted. */
#define FAULTS_LISTED 1000

static TtQuery insert_entries = {
	"INSERT INTO timetrackr.time_entries"
	" (user_id, project_id, start_time, end_time, timezone, note, tags, source)"
	" SELECT $1, l.project_id, l.start_time, l.end_time, l.timezone, l.note, l.tags::text[], 'import'"
	" FROM unnest($2, $3, $4, $5, $6, $7)"
	" l (project_id, start_time, end_time, timezone, note, tags)",
	7, {INT8OID, INT8ARRAYOID, TIMESTAMPTZARRAYOID, TIMESTAMPTZARRAYOID,
	TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID}, TT_AT_HOME
};

static TtQuery make_result = {
	"SELECT $1, $2, $3, ARRAY("
	"SELECT ROW(e.line, e.code, e.detail)::timetrackr.import_error"
	" FROM unnest($4, $5, $6) e (line, code, detail)"
	" ORDER BY e.line)",
	6, {INT8OID, INT8OID, INT8OID, INT4ARRAYOID, TEXTARRAYOID, TEXTARRAYOID}
};

static Datum
array_of(Datum *values, int count, Oid type)
{
	bool		is_text = type == TEXTOID;
	bool		is_int4 = type == INT4OID;

	return PointerGetDatum(construct_array(values, count, type, is_text ? -1 : is_int4 ? 4 : 8,
										   !is_text && (is_int4 || FLOAT8PASSBYVAL),
										   is_text || is_int4 ? TYPALIGN_INT : TYPALIGN_DOUBLE));
}

static int64
count_outcome(const ImportLines *lines, ImportOutcome outcome)
{
	int64		count = 0;

	for (int i = 0; i < lines->count; i++)
		count += lines->lines[i].outcome == outcome;
	return count;
}

/* Store the new lines. */
static void
insert_new(int64 user_id, const ImportLines *lines, int64 count)
{
	static const Oid types[] = {INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID, TEXTOID, TEXTOID};
	Datum	   *columns[lengthof(types)];
	Datum		args[1 + lengthof(types)] = {Int64GetDatum(user_id)};
	int			next = 0;

	for (int i = 0; i < lengthof(types); i++)
		columns[i] = palloc(count * sizeof(Datum));
	for (int i = 0; i < lines->count; i++)
	{
		const ImportLine *line = &lines->lines[i];

		if (line->outcome != IMPORT_NEW)
			continue;
		columns[0][next] = Int64GetDatum(line->project_id);
		columns[1][next] = TimestampTzGetDatum(line->start);
		columns[2][next] = TimestampTzGetDatum(line->end);
		columns[3][next] = CStringGetTextDatum(line->timezone);
		columns[4][next] = CStringGetTextDatum(line->note);
		columns[5][next] = CStringGetTextDatum(line->tags);
		next++;
	}
	for (int i = 0; i < lengthof(types); i++)
		args[1 + i] = array_of(columns[i], next, types[i]);
	(void) tt_query(&insert_entries, args, NULL);
}

static Datum
result_row(const ImportLines *lines, int64 imported)
{
	int64		failed = count_outcome(lines, IMPORT_FAULT);
	int			listed = Min(failed, FAULTS_LISTED);
	Datum	   *numbers = palloc(Max(listed, 1) * sizeof(Datum));
	Datum	   *codes = palloc(Max(listed, 1) * sizeof(Datum));
	Datum	   *details = palloc(Max(listed, 1) * sizeof(Datum));
	Datum		args[6] = {Int64GetDatum(imported), Int64GetDatum(count_outcome(lines, IMPORT_DUPLICATE)),
	Int64GetDatum(failed)};
	int			next = 0;

	for (int i = 0; i < lines->count && next < listed; i++)
	{
		const ImportLine *line = &lines->lines[i];

		if (line->outcome != IMPORT_FAULT)
			continue;
		numbers[next] = Int32GetDatum(line->line);
		codes[next] = CStringGetTextDatum(line->code);
		details[next++] = CStringGetTextDatum(line->detail);
	}
	args[3] = array_of(numbers, next, INT4OID);
	args[4] = array_of(codes, next, TEXTOID);
	args[5] = array_of(details, next, TEXTOID);
	(void) tt_query(&make_result, args, NULL);
	return tt_row_result();
}

static ImportOptions
read_options(FunctionCallInfo fcinfo, const UserLock *lock)
{
	ImportOptions options = {.timezone = pstrdup(lock->timezone),.order_given = !PG_ARGISNULL(4)};

	if (options.order_given)
	{
		char	   *label = DatumGetCString(DirectFunctionCall1(enum_out, PG_GETARG_DATUM(4)));

		options.order = strcmp(label, "dmy") == 0 ? DAY_FIRST : MONTH_FIRST;
	}
	return options;
}

/* import_entries(viewer_id, csv, atomic, project_id, date_order) */
Datum
tt_import_entries(PG_FUNCTION_ARGS)
{
	int64		viewer = tt_viewer(fcinfo);
	bool		atomic = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	int64		project_id = PG_ARGISNULL(3) ? 0 : PG_GETARG_INT64(3);
	const UserLock *lock;
	ImportOptions options;
	ImportLines lines;
	NewProjects made;
	text	   *csv;
	int64		imported;
	Datum		result;

	if (PG_ARGISNULL(1))
		tt_raise(422, "missing_field", "csv", NULL, "csv must be given");
	csv = PG_GETARG_TEXT_PP(1);
	tt_spi_begin();
	lock = tt_user_lock(viewer);
	if (lock == NULL)
		tt_no_viewer();
	if (project_id != 0)
		tt_membership_require(viewer, project_id);
	options = read_options(fcinfo, lock);
	tt_import_read(VARDATA_ANY(csv), VARSIZE_ANY_EXHDR(csv), &options, &lines);
	tt_import_resolve(viewer, project_id, &lines, &made);
	tt_import_check(viewer, &lines);
	tt_import_refuse(viewer, &lines);
	imported = count_outcome(&lines, IMPORT_NEW);
	if (atomic && count_outcome(&lines, IMPORT_FAULT) > 0)
		imported = 0;
	if (imported > 0)
	{
		tt_import_create(viewer, &lines, &made);
		insert_new(viewer, &lines, imported);
	}
	result = result_row(&lines, imported);
	tt_spi_end();
	return result;
}
