/*
 * call.c: arguments and results of SQL-callable functions (see call.h).
 */
#include "call.h"

#include "error.h"
#include "spi.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

char *
tt_trim(const char *s)
{
	size_t		length;

	while (is_blank(*s))
		s++;
	length = strlen(s);
	while (length > 0 && is_blank(s[length - 1]))
		length--;
	return pnstrdup(s, length);
}

char *
tt_required_secret(FunctionCallInfo fcinfo, int n, const char *field)
{
	if (PG_ARGISNULL(n))
		tt_raise(422, "missing_field", field, NULL, "%s is missing", field);
	return TextDatumGetCString(PG_GETARG_DATUM(n));
}

char *
tt_required_text(FunctionCallInfo fcinfo, int n, const char *field)
{
	return tt_trim(tt_required_secret(fcinfo, n, field));
}

int64
tt_required_int64(FunctionCallInfo fcinfo, int n, const char *field)
{
	if (PG_ARGISNULL(n))
		tt_raise(422, "missing_field", field, NULL, "%s is missing", field);
	return PG_GETARG_INT64(n);
}

int64
tt_viewer(FunctionCallInfo fcinfo, int n)
{
	if (PG_ARGISNULL(n))
		tt_no_viewer();
	return PG_GETARG_INT64(n);
}

void
tt_no_viewer(void)
{
	tt_raise(401, "invalid_token", NULL, NULL, "there is no such acting user");
	pg_unreachable();
}

/* The columns the function returns. */
static TupleDesc
result_columns(FunctionCallInfo fcinfo)
{
	TupleDesc	columns;

	if (get_call_result_type(fcinfo, NULL, &columns) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "timetrackr: the function is not declared to return a row");
	return BlessTupleDesc(columns);
}

Datum
tt_row_result(FunctionCallInfo fcinfo, MemoryContext context, Datum *values, bool *nulls)
{
	MemoryContext previous = MemoryContextSwitchTo(context);
	Datum		row;

	row = HeapTupleGetDatum(heap_form_tuple(result_columns(fcinfo), values, nulls));
	MemoryContextSwitchTo(previous);
	return row;
}

Datum
tt_query_result(FunctionCallInfo fcinfo, MemoryContext context)
{
	int			count = result_columns(fcinfo)->natts;
	Datum	   *values = palloc(count * sizeof(Datum));
	bool	   *nulls = palloc(count * sizeof(bool));

	for (int i = 0; i < count; i++)
		values[i] = tt_datum(0, i, &nulls[i]);
	return tt_row_result(fcinfo, context, values, nulls);
}

bool
tt_is_given(FunctionCallInfo fcinfo, int n, const char *field, int given_n)
{
	Datum	   *names;
	bool	   *nulls;
	int			count;

	if (PG_ARGISNULL(given_n))
		return !PG_ARGISNULL(n);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(given_n), TEXTOID, -1, false, TYPALIGN_INT,
					  &names, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (!nulls[i] && strcmp(TextDatumGetCString(names[i]), field) == 0)
			return true;
	}
	return false;
}
