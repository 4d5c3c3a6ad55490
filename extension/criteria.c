/*
 * criteria.c: holds compiled badge criteria against metrics: are they met, and
 * if not, how far off are they? Where they come from is in criteria_parse.c.
 */
#include "criteria_tree.h"

#include <math.h>

#include "jsontext.h"

const MetricRule tt_metric_rules[METRIC_COUNT] = {
#define METRIC_RULE(identifier, name, of_project, of_days) [identifier] = {#name, of_project, of_days},
	TT_METRICS(METRIC_RULE)
#undef METRIC_RULE
};

StaticAssertDecl(METRIC_COUNT <= 32, "tt_criteria_metrics() has a bit for each metric");

const char *const tt_comparison_names[] = {
	[COMPARE_GTE] = "gte",
	[COMPARE_LT] = "lt",
	[COMPARE_GT] = "gt",
	[COMPARE_LTE] = "lte",
	[COMPARE_EQ] = "eq",
	[COMPARE_NE] = "ne",
};

static bool
compare(double value, Comparison comparison, double threshold)
{
	switch (comparison)
	{
		case COMPARE_GTE:
			return value >= threshold;
		case COMPARE_LT:
			return value < threshold;
		case COMPARE_GT:
			return value > threshold;
		case COMPARE_LTE:
			return value <= threshold;
		case COMPARE_EQ:
			return value == threshold;
		case COMPARE_NE:
			return value != threshold;
	}
	pg_unreachable();
}

static bool
node_holds(const Criteria *criteria, int self, CriteriaLookup lookup, void *arg)
{
	const CriteriaNode *node = &criteria->nodes[self];

	switch (node->kind)
	{
		case NODE_CONDITION:
			return compare(lookup(node->metric, node->project_id, node->last_days, arg),
						   node->comparison, node->threshold);
		case NODE_NOT:
			return !node_holds(criteria, self + 1, lookup, arg);
		case NODE_ALL:
			for (int i = self + 1; i < node->end; i = criteria->nodes[i].end)
				if (!node_holds(criteria, i, lookup, arg))
					return false;
			return true;
		case NODE_ANY:
			for (int i = self + 1; i < node->end; i = criteria->nodes[i].end)
				if (node_holds(criteria, i, lookup, arg))
					return true;
			return false;
	}
	pg_unreachable();
}

bool
tt_criteria_hold(const Criteria *criteria, CriteriaLookup lookup, void *arg)
{
	return node_holds(criteria, 0, lookup, arg);
}

uint32
tt_criteria_metrics(const Criteria *criteria)
{
	return criteria->metrics;
}

/* progress */

/* What was measured of a node; have is a condition's. */
typedef struct Measure
{
	double		fraction;
	double		have;
} Measure;

typedef struct Survey
{
	const Criteria *criteria;
	CriteriaLookup lookup;
	void	   *arg;
	Measure    *measures;		/* by node */
} Survey;

/* What a condition asks for; inside a "not", the opposite of what it says. */
static Comparison
asked_of(const CriteriaNode *node, bool negated)
{
	return negated ? (Comparison) (node->comparison ^ 1) : node->comparison;
}

/* Inside a "not", an "all" is met by one member that fails, an "any" by no less than all. */
static bool
one_will_do(const CriteriaNode *node, bool negated)
{
	return (node->kind == NODE_ANY) != negated;
}

static double
condition_fraction(const CriteriaNode *node, bool negated, double have)
{
	double		need = node->threshold;

	if (compare(have, asked_of(node, negated), need))
		return 1;
	if (negated || node->comparison == COMPARE_LT || node->comparison == COMPARE_LTE)
		return 0;
	/* Metrics are whole numbers. */
	if (node->comparison == COMPARE_GT)
		need = floor(need) + 1;
	return have >= 0 && have < need ? have / need : 0;
}

/* Measure a node and all below it. */
static double
survey_node(Survey *survey, int self, bool negated)
{
	const CriteriaNode *nodes = survey->criteria->nodes;
	const CriteriaNode *node = &nodes[self];
	Measure    *measure = &survey->measures[self];

	if (node->kind == NODE_CONDITION)
	{
		measure->have = survey->lookup(node->metric, node->project_id, node->last_days, survey->arg);
		measure->fraction = condition_fraction(node, negated, measure->have);
	}
	else if (node->kind == NODE_NOT)
		measure->fraction = survey_node(survey, self + 1, !negated) >= 1 ? 1 : 0;
	else
	{
		bool		best = one_will_do(node, negated);

		measure->fraction = best ? 0 : 1;
		for (int i = self + 1; i < node->end; i = nodes[i].end)
		{
			double		member = survey_node(survey, i, negated);

			measure->fraction = best ? Max(measure->fraction, member) : Min(measure->fraction, member);
		}
	}
	return measure->fraction;
}

static void
tell_condition(const Survey *survey, int self, bool negated, StringInfo out)
{
	const CriteriaNode *node = &survey->criteria->nodes[self];

	if (out->data[out->len - 1] != '[')
		appendStringInfoString(out, ", ");
	appendStringInfo(out, "{\"metric\": \"%s\", \"have\": ", tt_metric_rules[node->metric].name);
	tt_json_float8(out, survey->measures[self].have);
	appendStringInfoString(out, ", \"need\": ");
	tt_json_float8(out, node->threshold);
	appendStringInfo(out, ", \"compare\": \"%s\"", tt_comparison_names[asked_of(node, negated)]);
	if (node->project_id != 0)
		appendStringInfo(out, ", \"project_id\": " INT64_FORMAT, node->project_id);
	if (node->last_days != 0)
		appendStringInfo(out, ", \"last_days\": %d", node->last_days);
	appendStringInfoChar(out, '}');
}

/* Append the conditions still to meet for a node that does not hold. */
static void
tell_remaining(const Survey *survey, int self, bool negated, StringInfo out)
{
	const CriteriaNode *nodes = survey->criteria->nodes;
	const CriteriaNode *node = &nodes[self];
	double		fraction = survey->measures[self].fraction;

	if (fraction >= 1)
		return;
	if (node->kind == NODE_CONDITION)
		tell_condition(survey, self, negated, out);
	else if (node->kind == NODE_NOT)
		tell_remaining(survey, self + 1, !negated, out);
	else
	{
		for (int i = self + 1; i < node->end; i = nodes[i].end)
		{
			if (one_will_do(node, negated) && survey->measures[i].fraction < fraction)
				continue;
			tell_remaining(survey, i, negated, out);
			if (one_will_do(node, negated))
				return;
		}
	}
}

double
tt_criteria_progress(const Criteria *criteria, CriteriaLookup lookup, void *arg, StringInfo remaining)
{
	Survey		survey = {criteria, lookup, arg, palloc(criteria->count * sizeof(Measure))};
	double		fraction = survey_node(&survey, 0, false);

	appendStringInfoChar(remaining, '[');
	tell_remaining(&survey, 0, false, remaining);
	appendStringInfoChar(remaining, ']');
	pfree(survey.measures);
	return fraction;
}
