/*
 * preview.c: preview_badge(): who would meet criteria now, before there is a
 * badge. Reads, locks nobody, writes nothing.
 */
#include "account.h"
#include "arguments.h"
#include "catalog/pg_type_d.h"
#include "error.h"
#include "metric.h"
#include "miscadmin.h"
#include "spi.h"
#include "utils/array.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(tt_preview_badge);

/* Users evaluated at a time. */
#define PREVIEW_USERS 1000

#define SAMPLE_MAX 10

static TtQuery preview_result = {
	"SELECT $1, ARRAY(SELECT ROW(u.id, u.username)::timetrackr.user_ref"
	" FROM timetrackr.users u WHERE u.id = ANY ($2) ORDER BY u.id)",
	2, {INT8OID, INT8ARRAYOID}, NULL
};

typedef struct Preview
{
	const Criteria *criteria;
	int64		users;
	Datum		sample[SAMPLE_MAX];	/* ids */
	int			sampled;
} Preview;

static void
preview_page(Preview *preview, MetricSource *sources, int count)
{
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!tt_criteria_hold(preview->criteria, tt_metric_value, &sources[i]))
			continue;
		preview->users++;
		if (preview->sampled < SAMPLE_MAX)
			preview->sample[preview->sampled++] = Int64GetDatum(sources[i].totals.user_id);
	}
}

static void
preview_all(Preview *preview)
{
	MetricSource *sources = palloc(PREVIEW_USERS * sizeof(MetricSource));
	MemoryContext per_page = AllocSetContextCreate(CurrentMemoryContext, "timetrackr preview page",
												   ALLOCSET_DEFAULT_SIZES);
	MemoryContext outer = MemoryContextSwitchTo(per_page);
	int64		last = PG_INT64_MIN;
	int			count;

	while ((count = tt_metric_source_page(sources, last, PREVIEW_USERS)) > 0)
	{
		preview_page(preview, sources, count);
		last = sources[count - 1].totals.user_id;
		MemoryContextReset(per_page);
	}
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(per_page);
	pfree(sources);
}

/* preview_badge(viewer_id, criteria) */
Datum
tt_preview_badge(PG_FUNCTION_ARGS)
{
	int64		viewer_id = tt_viewer(fcinfo);
	Preview		preview = {0};
	Datum		args[2];
	Datum		result;

	tt_spi_begin();
	tt_require_admin(viewer_id);
	if (PG_ARGISNULL(1))
		tt_raise(422, "missing_field", "criteria", NULL, "criteria must be given");
	preview.criteria = tt_criteria_parse(PG_GETARG_JSONB_P(1), CurrentMemoryContext);
	preview_all(&preview);
	args[0] = Int64GetDatum(preview.users);
	args[1] = PointerGetDatum(construct_array(preview.sample, preview.sampled, INT8OID, 8,
											  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	if (tt_query(&preview_result, args, NULL) != 1)
		elog(ERROR, "timetrackr: a preview has no result");
	result = tt_row_result();
	tt_spi_end();
	PG_RETURN_DATUM(result);
}
