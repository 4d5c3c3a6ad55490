/*
 * progress.c: badge_progress(): how near a user is to the badges he has not
 * earned. The measuring is in criteria.c. Reads, locks nobody, writes nothing.
 */
#include "account.h"
#include "arguments.h"
#include "badge_list.h"
#include "error.h"
#include "funcapi.h"
#include "metric.h"
#include "spi.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

PG_FUNCTION_INFO_V1(tt_badge_progress);

typedef struct BadgeProgress
{
	const Badge *badge;
	double		fraction;
	Datum		remaining;		/* jsonb */
} BadgeProgress;

/* Nearest first, then oldest first. */
static int
compare_progress(const void *a, const void *b)
{
	const BadgeProgress *x = a;
	const BadgeProgress *y = b;

	if (x->fraction != y->fraction)
		return x->fraction > y->fraction ? -1 : 1;
	return x->badge->id < y->badge->id ? -1 : 1;
}

/* Find *source of the user that the viewer asks about; only his own is his to see. */
static void
require_self(int64 viewer_id, int64 user_id, MetricSource *source)
{
	tt_require_viewer(viewer_id);
	if (!tt_metric_source_peek(source, user_id))
		tt_raise(404, "user_not_found", NULL, NULL, "there is no user " INT64_FORMAT, user_id);
	if (viewer_id != user_id)
		tt_raise(403, "not_self", NULL, NULL, "only a user himself sees his progress");
}

/* Measure the badges not yet earned, in order; returns how many. */
static int
measure(const BadgeList *list, MetricSource *source, BadgeProgress *progress)
{
	bool	   *earned = tt_badge_list_earned(list, source->totals.user_id);
	int			count = 0;

	for (int i = 0; i < list->count; i++)
	{
		const Badge *badge = &list->badges[i];
		StringInfoData remaining;
		double		fraction;

		if (earned[i])
			continue;
		initStringInfo(&remaining);
		fraction = tt_criteria_progress(badge->criteria, tt_metric_value, source, &remaining);
		progress[count++] = (BadgeProgress) {
			badge, fraction, DirectFunctionCall1(jsonb_in, CStringGetDatum(remaining.data))
		};
	}
	qsort(progress, count, sizeof(BadgeProgress), compare_progress);
	return count;
}

/* What a call asks for, and where its answer goes. */
typedef struct Question
{
	MetricSource source;
	ReturnSetInfo *result;
} Question;

static void
answer(const BadgeList *list, void *arg)
{
	Question   *question = arg;
	BadgeProgress *progress = palloc((list->count + 1) * sizeof(BadgeProgress));
	int			count = measure(list, &question->source, progress);

	for (int i = 0; i < count; i++)
	{
		Datum		values[] = {Int64GetDatum(progress[i].badge->id),
			CStringGetTextDatum(progress[i].badge->name), Float8GetDatum(progress[i].fraction),
		progress[i].remaining};
		bool		nulls[] = {false, false, false, false};

		tuplestore_putvalues(question->result->setResult, question->result->setDesc, values, nulls);
	}
}

/* badge_progress(viewer_id, user_id) */
Datum
tt_badge_progress(PG_FUNCTION_ARGS)
{
	Question	question = {.result = (ReturnSetInfo *) fcinfo->resultinfo};
	int64		viewer_id = tt_viewer(fcinfo);
	int64		user_id = tt_required_int64(fcinfo, 1, "user_id");

	InitMaterializedSRF(fcinfo, 0);
	tt_spi_begin();
	require_self(viewer_id, user_id, &question.source);
	tt_badge_list_use(answer, &question);
	tt_spi_end();
	return (Datum) 0;
}
