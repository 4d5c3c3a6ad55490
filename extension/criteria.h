/*
 * criteria.h: what a user must have done to earn a badge. Criteria come as
 * JSON, are checked and compiled once, and are then held against metrics that
 * the caller looks up. Nothing here reads a table.
 */
#ifndef TT_CRITERIA_H
#define TT_CRITERIA_H

#include "timetrackr.h"

#include "lib/stringinfo.h"
#include "utils/jsonb.h"

/*
 * The metrics: identifier, name in JSON, may be that of one project_id, may
 * be that of the last_days. A new metric is one row here.
 */
#define TT_METRICS(ROW) \
	ROW(METRIC_TOTAL_SECONDS, total_seconds, false, true) \
	ROW(METRIC_PROJECT_SECONDS, project_seconds, true, true) \
	ROW(METRIC_ENTRY_COUNT, entry_count, false, true) \
	ROW(METRIC_LONGEST_ENTRY_SECONDS, longest_entry_seconds, false, false) \
	ROW(METRIC_BEST_DAY_SECONDS, best_day_seconds, false, false) \
	ROW(METRIC_BEST_WEEK_SECONDS, best_week_seconds, false, false) \
	ROW(METRIC_CURRENT_STREAK_DAYS, current_streak_days, false, false) \
	ROW(METRIC_LONGEST_STREAK_DAYS, longest_streak_days, false, false) \
	ROW(METRIC_ACTIVE_DAYS, active_days, false, true) \
	ROW(METRIC_PROJECTS_CREATED, projects_created, false, false) \
	ROW(METRIC_PROJECTS_CONTRIBUTED, projects_contributed, false, false) \
	ROW(METRIC_BADGES_EARNED, badges_earned, false, false) \
	ROW(METRIC_ACCOUNT_AGE_DAYS, account_age_days, false, false)

typedef enum Metric
{
#define METRIC_IDENTIFIER(identifier, name, of_project, of_days) identifier,
	TT_METRICS(METRIC_IDENTIFIER)
#undef METRIC_IDENTIFIER
	METRIC_COUNT
} Metric;

#define TT_CRITERIA_MAX_LEVELS 8
#define TT_CRITERIA_MAX_CONDITIONS 64
#define TT_CRITERIA_MAX_DAYS 3660

typedef struct Criteria Criteria;

/*
 * The value of a metric for the user in question (who that is, arg knows):
 * of project_id alone when that is not 0, of the last_days days alone, today
 * included, when that is not 0.
 */
typedef double (*CriteriaLookup) (Metric metric, int64 project_id, int last_days, void *arg);

/*
 * Compile criteria into one chunk of memory in context. Raises TT422
 * invalid_criteria, with the path of the first fault in the detail, e.g.
 * {"path": "$.all[1].gte"}; then nothing is left in context.
 */
extern Criteria *tt_criteria_parse(Jsonb *json, MemoryContext context);

/*
 * Do the criteria hold? Looks up, in the order written, no more than decides
 * the answer.
 */
extern bool tt_criteria_hold(const Criteria *criteria, CriteriaLookup lookup, void *arg);

/*
 * How near the criteria are to holding: 1 when they do, else from 0 to below
 * 1. A gte, gt or eq condition is worth have / need, any other 0 or 1; "all" is
 * worth its least member, "any" its best, and "not" is 0 or 1.
 *
 * Appends what is missing to remaining as a JSON list, empty when they hold:
 * {"metric", "have", "need", "compare", ["project_id"], ["last_days"]} for each
 * condition to meet, of an "any" for those of its best member alone. compare
 * is what have must be to need (gte gt lte lt eq ne), turned round in a "not".
 */
extern double tt_criteria_progress(const Criteria *criteria, CriteriaLookup lookup, void *arg,
								   StringInfo remaining);

/* The metrics that the criteria use: bit 1 << metric for each. */
extern uint32 tt_criteria_metrics(const Criteria *criteria);

#endif
