/*
 * metric.h: what badge criteria are measured against.
 */
#ifndef TT_METRIC_H
#define TT_METRIC_H

#include "criteria.h"
#include "home.h"
#include "totals.h"

/* A user's figures: the totals at hand, the rest asked for when needed. */
typedef struct MetricSource
{
	UserTotals	totals;
	DateADT		today;			/* in the user's time zone */
	pg_tz	   *timezone;
	TimestampTz joined_at;
	ProjectFigures projects;
} MetricSource;

/* Read the totals of a locked user. Needs tt_spi_begin(). */
extern void tt_metric_source_init(MetricSource *source, int64 user_id);

/* The same of a user who need not be locked; false when there is no such user. */
extern bool tt_metric_source_peek(MetricSource *source, int64 user_id);

/*
 * Sources of up to most users after after_id, in order of id, none locked.
 * Returns how many.
 */
extern int	tt_metric_source_page(MetricSource *sources, TtHome home, int64 after_id, int most);

/*
 * *value of a metric of all time that is in totals, as of the local day today;
 * false when the metric is not there.
 */
extern bool tt_metric_of_totals(Metric metric, const UserTotals *totals, DateADT today, double *value);

/*
 * The value of a metric for the user of source (a MetricSource), narrowed to
 * project_id (0: none) and to the last last_days local days (0: all time).
 * Fits tt_criteria_hold().
 */
extern double tt_metric_value(Metric metric, int64 project_id, int last_days, void *source);

#endif
