/*
 * spi.c: the only user of the server programming interface (see spi.h).
 */
#include "spi.h"

#include "executor/spi.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

void
tt_spi_begin(void)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "timetrackr: SPI_connect failed");
}

void
tt_spi_end(void)
{
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "timetrackr: SPI_finish failed");
}

/*
 * Make the plan of q and keep it for the rest of the session. One plan serves
 * all values: for arrays PostgreSQL would else plan anew each time, since the
 * length of a given one looks cheaper than that of any.
 */
static void
prepare(TtQuery *q)
{
	SPIPlanPtr	plan = SPI_prepare_cursor(q->sql, q->nargs, q->argtypes, CURSOR_OPT_GENERIC_PLAN);

	if (plan == NULL)
		elog(ERROR, "timetrackr: cannot prepare \"%s\": %s", q->sql,
			 SPI_result_code_string(SPI_result));
	if (SPI_keepplan(plan) != 0)
		elog(ERROR, "timetrackr: cannot keep the plan of \"%s\"", q->sql);
	q->plan = plan;
}

/* The previous result of this connection is no longer needed. */
static void
drop_result(void)
{
	if (SPI_tuptable != NULL)
		SPI_freetuptable(SPI_tuptable);
	SPI_tuptable = NULL;
}

uint64
tt_query(TtQuery *q, const Datum *values, const bool *nulls)
{
	Datum		args[TT_QUERY_MAX_ARGS];
	char		flags[TT_QUERY_MAX_ARGS];
	int			result;

	if (q->plan == NULL)
		prepare(q);
	for (int i = 0; i < q->nargs; i++)
	{
		args[i] = values[i];
		flags[i] = nulls != NULL && nulls[i] ? 'n' : ' ';
	}

	drop_result();
	result = SPI_execute_plan(q->plan, args, flags, false, 0);
	if (result < 0)
		elog(ERROR, "timetrackr: cannot execute \"%s\": %s", q->sql,
			 SPI_result_code_string(result));
	return SPI_processed;
}

TtArray
tt_array(Oid type, int capacity)
{
	return (TtArray) {type, 0, palloc_extended(Max(1, capacity) * sizeof(Datum), MCXT_ALLOC_HUGE)};
}

void
tt_array_add(TtArray *array, Datum value)
{
	array->values[array->count++] = value;
}

Datum
tt_array_datum(const TtArray *array)
{
	int16		length;
	bool		by_value;
	char		alignment;

	get_typlenbyvalalign(array->type, &length, &by_value, &alignment);
	return PointerGetDatum(construct_array(array->values, array->count, array->type,
										   length, by_value, alignment));
}

TtCursor
tt_cursor_open(TtQuery *q, const Datum *values)
{
	Datum		args[TT_QUERY_MAX_ARGS];

	if (q->plan == NULL)
		prepare(q);
	memcpy(args, values, q->nargs * sizeof(Datum));
	return SPI_cursor_open(NULL, q->plan, args, NULL, false);
}

uint64
tt_cursor_fetch(TtCursor cursor, int most)
{
	drop_result();
	SPI_cursor_fetch(cursor, true, most);
	return SPI_processed;
}

void
tt_cursor_close(TtCursor cursor)
{
	drop_result();
	SPI_cursor_close(cursor);
}

Datum
tt_datum(uint64 row, int column, bool *isnull)
{
	if (SPI_tuptable == NULL || row >= SPI_tuptable->numvals)
		elog(ERROR, "timetrackr: row " UINT64_FORMAT " is not in the result", row);
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc,
						 column + 1, isnull);
}

bool
tt_is_null(uint64 row, int column)
{
	bool		isnull;

	(void) tt_datum(row, column, &isnull);
	return isnull;
}

int64
tt_int64(uint64 row, int column)
{
	bool		isnull;
	Datum		value = tt_datum(row, column, &isnull);

	if (isnull)
		return 0;
	switch (SPI_gettypeid(SPI_tuptable->tupdesc, column + 1))
	{
		case INT4OID:
		case DATEOID:
			return DatumGetInt32(value);
		case INT8OID:
		case TIMESTAMPTZOID:
			return DatumGetInt64(value);
		default:
			elog(ERROR, "timetrackr: column %d is no integer", column);
			return 0;
	}
}

bool
tt_bool(uint64 row, int column)
{
	bool		isnull;
	Datum		value = tt_datum(row, column, &isnull);

	return !isnull && DatumGetBool(value);
}

char *
tt_text(uint64 row, int column)
{
	bool		isnull;
	Datum		value = tt_datum(row, column, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

Datum
tt_row_result(void)
{
	if (SPI_tuptable == NULL || SPI_tuptable->numvals != 1)
		elog(ERROR, "timetrackr: a result of one row was expected");
	return HeapTupleHeaderGetDatum(SPI_returntuple(SPI_tuptable->vals[0], SPI_tuptable->tupdesc));
}
