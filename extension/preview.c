/*
 * preview.c: preview_badge(): who would meet criteria now, before there is a
 * badge. Reads, locks nobody, writes nothing.
 */
#include "account.h"
#include "arguments.h"
#include "catalog/pg_type_d.h"
#include "error.h"
#include "funcapi.h"
#include "metric.h"
#include "miscadmin.h"
#include "spi.h"
#include "utils/array.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(tt_preview_badge);
PG_FUNCTION_INFO_V1(tt_preview_here);

/* Users evaluated at a time. */
#define PREVIEW_USERS 1000

#define SAMPLE_MAX 10

static TtQuery preview_result = {
	"SELECT $1, ARRAY(SELECT ROW(u.id, u.username)::timetrackr.user_ref"
	" FROM timetrackr.users u WHERE u.id = ANY ($2) ORDER BY u.id)",
	2, {INT8OID, INT8ARRAYOID}, TT_COPIES
};

static TtQuery preview_everywhere = {
	"SELECT p.users, p.sample FROM timetrackr.preview_everywhere($1) p",
	1, {JSONBOID}
};

typedef struct Preview
{
	const Criteria *criteria;
	int64		users;
	Datum		sample[SAMPLE_MAX];	/* ids */
	int			sampled;
} Preview;

static void
preview_page(Preview *preview, TtHome home, MetricSource *sources, int count)
{
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (tt_home(sources[i].totals.user_id) != home)
			continue;
		if (!tt_criteria_hold(preview->criteria, tt_metric_value, &sources[i]))
			continue;
		preview->users++;
		if (preview->sampled < SAMPLE_MAX)
			preview->sample[preview->sampled++] = Int64GetDatum(sources[i].totals.user_id);
	}
}

/* A tt_each_home() visitor */
static void
preview_home(TtHome home, void *arg)
{
	Preview    *preview = arg;
	MetricSource *sources = palloc(PREVIEW_USERS * sizeof(MetricSource));
	MemoryContext per_page = AllocSetContextCreate(CurrentMemoryContext, "timetrackr preview page",
												   ALLOCSET_DEFAULT_SIZES);
	MemoryContext outer = MemoryContextSwitchTo(per_page);
	int64		last = PG_INT64_MIN;
	int			count;

	while ((count = tt_metric_source_page(sources, home, last, PREVIEW_USERS)) > 0)
	{
		preview_page(preview, home, sources, count);
		last = sources[count - 1].totals.user_id;
		MemoryContextReset(per_page);
	}
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(per_page);
	pfree(sources);
}

static Datum
sample_of(const Preview *preview)
{
	return PointerGetDatum(construct_array((Datum *) preview->sample, preview->sampled, INT8OID, 8,
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* preview_here(criteria) */
Datum
tt_preview_here(PG_FUNCTION_ARGS)
{
	Preview		preview = {0};
	TupleDesc	columns;
	Datum		values[2];
	bool		nulls[2] = {false};

	if (get_call_result_type(fcinfo, NULL, &columns) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "timetrackr: a function that returns a row was expected");
	preview.criteria = tt_criteria_parse(PG_GETARG_JSONB_P(0), CurrentMemoryContext);
	tt_spi_begin();
	tt_each_home(preview_home, &preview);
	tt_spi_end();
	values[0] = Int64GetDatum(preview.users);
	values[1] = sample_of(&preview);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values, nulls)));
}

/* How many, and the sample's ids. */
static void
preview_all(Datum criteria, Datum *values)
{
	Preview		preview = {.criteria = tt_criteria_parse(DatumGetJsonbP(criteria), CurrentMemoryContext)};
	bool		isnull;

	if (tt_is_distributed())
	{
		(void) tt_query(&preview_everywhere, &criteria, NULL);
		values[0] = tt_datum(0, 0, &isnull);
		values[1] = PointerGetDatum(DatumGetArrayTypePCopy(tt_datum(0, 1, &isnull)));
		return;
	}
	preview_home(TT_NO_HOME, &preview);
	values[0] = Int64GetDatum(preview.users);
	values[1] = sample_of(&preview);
}

/* preview_badge(viewer_id, criteria) */
Datum
tt_preview_badge(PG_FUNCTION_ARGS)
{
	int64		viewer_id = tt_viewer(fcinfo);
	Datum		args[2];
	Datum		result;

	tt_spi_begin();
	tt_require_admin(viewer_id);
	if (PG_ARGISNULL(1))
		tt_raise(422, "missing_field", "criteria", NULL, "criteria must be given");
	preview_all(PG_GETARG_DATUM(1), args);
	if (tt_query(&preview_result, args, NULL) != 1)
		elog(ERROR, "timetrackr: a preview has no result");
	result = tt_row_result();
	tt_spi_end();
	PG_RETURN_DATUM(result);
}
