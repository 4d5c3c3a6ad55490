/*
 * spi.c: the only user of the server programming interface (see spi.h).
 */
#include "spi.h"

#include "executor/spi.h"
#include "funcapi.h"
#include "home_plan.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/resowner.h"

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

/* The plan of a statement on tables of this node. */
typedef struct TtLocalPlan
{
	TtHome		home;
	SPIPlanPtr	plan;
} TtLocalPlan;

/*
 * Make the plan of a statement and keep it for the rest of the session. One
 * plan serves all values: for arrays PostgreSQL would else plan anew each time,
 * since the length of a given one looks cheaper than that of any. Citus, which
 * finds the nodes by the values, wants to plan anew.
 */
static SPIPlanPtr
prepare(const TtQuery *q, bool is_local)
{
	int			options = is_local ? CURSOR_OPT_GENERIC_PLAN : CURSOR_OPT_CUSTOM_PLAN;
	SPIPlanPtr	plan = SPI_prepare_cursor(q->sql, q->nargs, (Oid *) q->argtypes, options);

	if (plan == NULL)
		elog(ERROR, "timetrackr: cannot prepare \"%s\": %s", q->sql, SPI_result_code_string(SPI_result));
	if (SPI_keepplan(plan) != 0)
		elog(ERROR, "timetrackr: cannot keep the plan of \"%s\"", q->sql);
	return plan;
}

/* Plan it, unless there is a plan that is still good, on the tables of this node. */
static SPIPlanPtr
planned(SPIPlanPtr plan, TtHome home)
{
	tt_home_plan_begin(home);
	PG_TRY();
	{
		ReleaseCachedPlan(SPI_plan_get_cached_plan(plan), CurrentResourceOwner);
	}
	PG_FINALLY();
	{
		tt_home_plan_end();
	}
	PG_END_TRY();
	return plan;
}

static SPIPlanPtr
local_plan(TtQuery *q, TtHome home)
{
	SPIPlanPtr	plan;

	for (int i = 0; i < q->nlocal_plans; i++)
	{
		if (q->local_plans[i].home == home)
			return planned(q->local_plans[i].plan, home);
	}
	plan = prepare(q, true);
	q->local_plans = q->local_plans == NULL ? MemoryContextAlloc(TopMemoryContext, sizeof(TtLocalPlan))
		: repalloc(q->local_plans, (q->nlocal_plans + 1) * sizeof(TtLocalPlan));
	q->local_plans[q->nlocal_plans++] = (TtLocalPlan) {home, plan};
	return planned(plan, home);
}

/* The plan that q runs with for these values. */
static SPIPlanPtr
plan_for(TtQuery *q, const Datum *values)
{
	if (q->where != TT_ANYWHERE && q->where != TT_EVERY_COPY && tt_is_distributed())
	{
		const TtHome home = q->where == TT_AT_HOME ? tt_home(DatumGetInt64(values[0])) : TT_NO_HOME;

		if (home != TT_NO_HOME || q->where == TT_COPIES)
			return local_plan(q, home);
	}
	if (q->plan == NULL)
		q->plan = prepare(q, !tt_is_distributed());
	return q->plan;
}

/* The previous result of this connection is no longer needed. */
static void
drop_result(void)
{
	if (SPI_tuptable != NULL)
		SPI_freetuptable(SPI_tuptable);
	SPI_tuptable = NULL;
}

static uint64
execute(const TtQuery *q, SPIPlanPtr plan, const Datum *values, const bool *nulls)
{
	Datum		args[TT_QUERY_MAX_ARGS];
	char		flags[TT_QUERY_MAX_ARGS];
	int			result;

	for (int i = 0; i < q->nargs; i++)
	{
		args[i] = values[i];
		flags[i] = nulls != NULL && nulls[i] ? 'n' : ' ';
	}

	drop_result();
	result = SPI_execute_plan(plan, args, flags, false, 0);
	if (result < 0)
		elog(ERROR, "timetrackr: cannot execute \"%s\": %s", q->sql,
			 SPI_result_code_string(result));
	return SPI_processed;
}

static uint64
execute_at_each_home(TtQuery *q, const Datum *values, const bool *nulls)
{
	uint64		rows = 0;
	TtHome		home = TT_NO_HOME;

	while ((home = tt_next_home(home)) != TT_NO_HOME)
		rows += execute(q, local_plan(q, home), values, nulls);
	return rows;
}

/*
 * Who changes small tables on several nodes does so alone, until his transaction ends. Citus lets a statement wait
 * for others at each table that it comes to, and at those that this one refers to: who comes to them in another order
 * would block them. A row that is only added, to users or to projects, which refer to users, need not wait for others
 * that are: it comes to these two in the same order.
 */
static TtQuery change_alone[] = {
	{"SELECT FROM timetrackr.projects WHERE id = 0 FOR UPDATE", 0, {0}},
	{"SELECT FROM timetrackr.users WHERE id = 0 FOR UPDATE", 0, {0}}
};

/* The values are those of the statement that waits; these look at none. */
static void
wait_for_changes(const Datum *values)
{
	for (int i = 0; i < (int) lengthof(change_alone); i++)
		(void) execute(&change_alone[i], plan_for(&change_alone[i], values), values, NULL);
}

uint64
tt_query(TtQuery *q, const Datum *values, const bool *nulls)
{
	if (q->where == TT_AT_EACH_HOME && tt_is_distributed())
		return execute_at_each_home(q, values, nulls);
	if (q->where == TT_EVERY_COPY && tt_is_distributed())
		wait_for_changes(values);
	return execute(q, plan_for(q, values), values, nulls);
}

uint64
tt_query_at(TtHome home, TtQuery *q, const Datum *values, const bool *nulls)
{
	return execute(q, tt_is_distributed() ? local_plan(q, home) : plan_for(q, values), values, nulls);
}

void
tt_query_aside(TtQuery *q, const Datum *values)
{
	SPITupleTable *const result = SPI_tuptable;

	SPI_tuptable = NULL;
	(void) tt_query(q, values, NULL);
	drop_result();
	SPI_tuptable = result;
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

	memcpy(args, values, q->nargs * sizeof(Datum));
	return SPI_cursor_open(NULL, plan_for(q, values), args, NULL, false);
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

/* A column that is to be text may be of any type: it becomes what a client would be sent. */
static void
require_columns(TupleDesc actual, TupleDesc expected, int more)
{
	if (actual->natts != expected->natts - more)
		ereport(ERROR, errcode(ERRCODE_DATATYPE_MISMATCH),
				errmsg("the statement has %d columns, and %d are expected", actual->natts, expected->natts - more));
	for (int i = 0; i < actual->natts; i++)
	{
		const Oid	type = TupleDescAttr(actual, i)->atttypid;
		const Oid	wanted = TupleDescAttr(expected, i)->atttypid;

		if (type != wanted && wanted != TEXTOID)
			ereport(ERROR, errcode(ERRCODE_DATATYPE_MISMATCH),
					errmsg("column %d of the statement is of type %s, and %s is expected", i + 1,
						   format_type_be(type), format_type_be(wanted)));
	}
}

static void
put_row(HeapTuple row, TupleDesc actual, ReturnSetInfo *set)
{
	const int	count = set->setDesc->natts;
	Datum	   *values = palloc0(count * sizeof(Datum));
	bool	   *nulls = palloc(count * sizeof(bool));

	memset(nulls, true, count * sizeof(bool));
	heap_deform_tuple(row, actual, values, nulls);
	for (int i = 0; i < actual->natts; i++)
	{
		if (!nulls[i] && TupleDescAttr(actual, i)->atttypid != TupleDescAttr(set->setDesc, i)->atttypid)
			values[i] = CStringGetTextDatum(SPI_getvalue(row, actual, i + 1));
	}
	tuplestore_putvalues(set->setResult, set->setDesc, values, nulls);
}

void
tt_put_rows(ReturnSetInfo *set, int more)
{
	MemoryContext context;
	MemoryContext outer;

	if (SPI_tuptable == NULL)
		return;
	require_columns(SPI_tuptable->tupdesc, set->setDesc, more);
	context = AllocSetContextCreate(CurrentMemoryContext, "timetrackr row", ALLOCSET_DEFAULT_SIZES);
	outer = MemoryContextSwitchTo(context);
	for (uint64 row = 0; row < SPI_tuptable->numvals; row++)
	{
		put_row(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, set);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(context);
}
