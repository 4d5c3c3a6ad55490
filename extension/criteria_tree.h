/*
 * criteria_tree.h: compiled badge criteria, shared by what builds them and
 * what evaluates them. Everybody else sees them through criteria.h.
 */
#ifndef TT_CRITERIA_TREE_H
#define TT_CRITERIA_TREE_H

#include "criteria.h"

typedef enum NodeKind { NODE_ALL, NODE_ANY, NODE_NOT, NODE_CONDITION } NodeKind;

/* Each beside its opposite: one is the other ^ 1. */
typedef enum Comparison
{
	COMPARE_GTE,
	COMPARE_LT,
	COMPARE_GT,
	COMPARE_LTE,
	COMPARE_EQ,
	COMPARE_NE					/* nobody writes it: it is an eq inside a not */
} Comparison;

typedef struct CriteriaNode
{
	NodeKind	kind;
	int			end;			/* index after this node's last descendant */
	/* The rest is that of a condition. */
	Metric		metric;
	Comparison	comparison;
	double		threshold;
	int64		project_id;		/* 0: none */
	int			last_days;		/* 0: none */
} CriteriaNode;

/* Nodes lie in one array, each before its children. */
struct Criteria
{
	uint32		metrics;
	int			count;
	CriteriaNode nodes[FLEXIBLE_ARRAY_MEMBER];
};

typedef struct MetricRule
{
	const char *name;
	bool		of_project;		/* takes project_id */
	bool		of_days;		/* takes last_days */
} MetricRule;

/* By Metric. */
extern const MetricRule tt_metric_rules[];

/* By Comparison, as in JSON; "ne" is only ever shown. */
extern const char *const tt_comparison_names[];

#endif
