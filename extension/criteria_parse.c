/*
 * criteria_parse.c: parses and checks badge criteria (see criteria.h). What is
 * made of the compiled tree is in criteria.c.
 *
 * A node of the JSON is {"all": [node, …]}, {"any": [node, …]}, {"not": node}
 * or a condition.
 */
#include "criteria_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "lib/stringinfo.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/memutils.h"

/*
 * Every condition has at most TT_CRITERIA_MAX_LEVELS - 1 groups around it, and
 * no group is empty. The condition that is one too many may come after the
 * groups around it.
 */
#define MAX_NODES ((TT_CRITERIA_MAX_CONDITIONS + 1) * TT_CRITERIA_MAX_LEVELS)

typedef struct Parser
{
	StringInfoData path;		/* of the value being read, for faults */
	int			conditions;
	Criteria   *criteria;		/* with room for MAX_NODES */
} Parser;

#define METRIC_NAME(identifier, name, of_project, of_days) " " #name
#define METRIC_NAMES TT_METRICS(METRIC_NAME)

static const char *const group_names[] = {
	[NODE_ALL] = "all",
	[NODE_ANY] = "any",
	[NODE_NOT] = "not",
};

PG_FUNCTION_INFO_V1(tt_check_criteria);

static void parse_node(Parser *parser, const JsonbValue *value, int level);

/* Raise invalid_criteria: what is wrong with the value at the parser's path. */
static _Noreturn void
fault(Parser *parser, const char *problem)
{
	StringInfoData detail;

	initStringInfo(&detail);
	appendStringInfoString(&detail, "{\"path\": ");
	escape_json(&detail, parser->path.data);
	appendStringInfoChar(&detail, '}');
	tt_raise(422, "invalid_criteria", "criteria", detail.data,
			 "Criteria at %s: %s.", parser->path.data, problem);
}

/*
 * Step down to a member of the object, or an element of the array, at the
 * parser's path. Returns what step_up() needs to come back.
 */
static int
step_to_member(Parser *parser, const char *key, int length)
{
	int			here = parser->path.len;
	bool		plain = length > 0;

	for (int i = 0; i < length; i++)
		plain = plain && ((key[i] >= 'a' && key[i] <= 'z') || (key[i] >= 'A' && key[i] <= 'Z') ||
						  key[i] == '_' || (i > 0 && key[i] >= '0' && key[i] <= '9'));
	if (plain)
	{
		appendStringInfoChar(&parser->path, '.');
		appendBinaryStringInfo(&parser->path, key, length);
	}
	else
	{
		appendStringInfoChar(&parser->path, '[');
		escape_json(&parser->path, pnstrdup(key, length));
		appendStringInfoChar(&parser->path, ']');
	}
	return here;
}

static int
step_to_element(Parser *parser, int index)
{
	int			here = parser->path.len;

	appendStringInfo(&parser->path, "[%d]", index);
	return here;
}

static void
step_up(Parser *parser, int here)
{
	parser->path.len = here;
	parser->path.data[here] = '\0';
}

static bool
is_name(const JsonbValue *string, const char *name)
{
	return string->val.string.len == strlen(name) &&
		memcmp(string->val.string.val, name, string->val.string.len) == 0;
}

/* The value of a member, or NULL. */
static JsonbValue *
member_of(JsonbContainer *object, const char *key)
{
	return getKeyJsonValueFromContainer(object, key, strlen(key), NULL);
}

/* Put a node behind those there are. Returns its index. */
static int
add_node(Parser *parser, CriteriaNode node)
{
	Criteria   *criteria = parser->criteria;

	if (criteria->count >= MAX_NODES)
		elog(ERROR, "timetrackr: criteria have more than %d nodes", MAX_NODES);
	criteria->nodes[criteria->count] = node;
	criteria->nodes[criteria->count].end = criteria->count + 1;
	return criteria->count++;
}

/* A number's decimal digits. NaN and infinity are not in JSON. */
static char *
digits_of(Parser *parser, const JsonbValue *value)
{
	if (value->type != jbvNumeric)
		fault(parser, "must be a number");
	return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
}

static double
parse_threshold(Parser *parser, const JsonbValue *value)
{
	const char *digits = digits_of(parser, value);
	double		threshold;

	errno = 0;
	threshold = strtod(digits, NULL);
	/* Too large, or so small that it would turn into zero. */
	if (errno == ERANGE)
		fault(parser, "must be a number that fits double precision");
	return threshold;
}

/* A whole number from 1 to most. */
static int64
parse_count(Parser *parser, const JsonbValue *value, int64 most)
{
	const char *digits = digits_of(parser, value);
	char	   *end;
	long long	count;

	errno = 0;
	count = strtoll(digits, &end, 10);
	if (errno != 0 || *end != '\0' || count < 1 || count > most)
		fault(parser, psprintf("must be a whole number from 1 to " INT64_FORMAT, most));
	return count;
}

static Metric
parse_metric(Parser *parser, const JsonbValue *value)
{
	if (value->type == jbvString)
		for (int i = 0; i < METRIC_COUNT; i++)
			if (is_name(value, tt_metric_rules[i].name))
				return (Metric) i;
	fault(parser, "must be one of" METRIC_NAMES);
}

/* Read one member of a condition into node; *compared counts comparisons. */
static void
parse_condition_member(Parser *parser, const JsonbValue *key, const JsonbValue *value,
					   CriteriaNode *node, int *compared)
{
	for (int i = 0; i < COMPARE_NE; i++)
	{
		if (!is_name(key, tt_comparison_names[i]))
			continue;
		if (++*compared > 1)
			fault(parser, "a condition has only one of gte, gt, lte, lt, eq");
		node->comparison = (Comparison) i;
		node->threshold = parse_threshold(parser, value);
		return;
	}
	if (is_name(key, "metric"))
		node->metric = parse_metric(parser, value);
	else if (is_name(key, "project_id"))
		node->project_id = parse_count(parser, value, PG_INT64_MAX);
	else if (is_name(key, "last_days"))
		node->last_days = (int) parse_count(parser, value, TT_CRITERIA_MAX_DAYS);
	else
		fault(parser, "is not known in criteria");
}

/* Refuse a filter that the condition's metric does not take. */
static void
check_filters(Parser *parser, const CriteriaNode *node)
{
	const MetricRule *rule = &tt_metric_rules[node->metric];

	if (node->project_id != 0 && !rule->of_project)
	{
		(void) step_to_member(parser, "project_id", strlen("project_id"));
		fault(parser, psprintf("does not go with %s", rule->name));
	}
	if (node->last_days != 0 && !rule->of_days)
	{
		(void) step_to_member(parser, "last_days", strlen("last_days"));
		fault(parser, psprintf("does not go with %s", rule->name));
	}
}

/* {"metric": …, "gte": …, …} */
static void
parse_condition(Parser *parser, JsonbContainer *object)
{
	JsonbIterator *members = JsonbIteratorInit(object);
	JsonbIteratorToken token;
	JsonbValue	key;
	JsonbValue	value;
	CriteriaNode		node = {.kind = NODE_CONDITION};
	int			compared = 0;

	if (++parser->conditions > TT_CRITERIA_MAX_CONDITIONS)
		fault(parser, psprintf("is one condition more than %d", TT_CRITERIA_MAX_CONDITIONS));
	if (member_of(object, "metric") == NULL)
		fault(parser, "must have one of all, any, not, metric");

	while ((token = JsonbIteratorNext(&members, &key, true)) != WJB_DONE)
	{
		int			here;

		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&members, &value, true);
		here = step_to_member(parser, key.val.string.val, key.val.string.len);
		parse_condition_member(parser, &key, &value, &node, &compared);
		step_up(parser, here);
	}
	if (compared == 0)
		fault(parser, "must have one of gte, gt, lte, lt, eq");
	check_filters(parser, &node);
	parser->criteria->metrics |= UINT32_C(1) << node.metric;
	(void) add_node(parser, node);
}

/* The list of an "all" or "any". */
static void
parse_list(Parser *parser, const JsonbValue *value, int level)
{
	JsonbContainer *list;

	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		fault(parser, "must be a list");
	list = value->val.binary.data;
	if (JsonContainerSize(list) == 0)
		fault(parser, "must not be empty");

	for (uint32 i = 0; i < JsonContainerSize(list); i++)
	{
		int			here = step_to_element(parser, i);

		parse_node(parser, getIthJsonbValueFromContainer(list, i), level);
		step_up(parser, here);
	}
}

/* Refuse an object in which another key stands beside that of a group. */
static void
check_alone(Parser *parser, JsonbContainer *object, const char *group_name)
{
	JsonbIterator *members = JsonbIteratorInit(object);
	JsonbIteratorToken token;
	JsonbValue	key;

	while ((token = JsonbIteratorNext(&members, &key, true)) != WJB_DONE)
	{
		if (token != WJB_KEY || is_name(&key, group_name))
			continue;
		(void) step_to_member(parser, key.val.string.val, key.val.string.len);
		fault(parser, psprintf("cannot stand beside \"%s\"", group_name));
	}
}

/* {"all": […]}, {"any": […]} or {"not": …} */
static void
parse_group(Parser *parser, NodeKind kind, JsonbContainer *object, const JsonbValue *value, int level)
{
	int			self = add_node(parser, (CriteriaNode) {.kind = kind});
	int			here;

	check_alone(parser, object, group_names[kind]);
	here = step_to_member(parser, group_names[kind], strlen(group_names[kind]));
	if (kind == NODE_NOT)
		parse_node(parser, value, level + 1);
	else
		parse_list(parser, value, level + 1);
	step_up(parser, here);
	parser->criteria->nodes[self].end = parser->criteria->count;
}

static void
parse_node(Parser *parser, const JsonbValue *value, int level)
{
	JsonbContainer *object;

	if (level > TT_CRITERIA_MAX_LEVELS)
		fault(parser, psprintf("is nested deeper than %d levels", TT_CRITERIA_MAX_LEVELS));
	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		fault(parser, "must be an object");
	object = value->val.binary.data;

	for (int i = 0; i < lengthof(group_names); i++)
	{
		JsonbValue *members = member_of(object, group_names[i]);

		if (members != NULL)
		{
			parse_group(parser, (NodeKind) i, object, members, level);
			return;
		}
	}
	parse_condition(parser, object);
}

Criteria *
tt_criteria_parse(Jsonb *json, MemoryContext context)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "timetrackr criteria",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(scratch);
	JsonbValue	root = {.type = jbvBinary};
	Parser		parser = {.conditions = 0};
	Criteria   *result;
	Size		size;

	root.val.binary.data = &json->root;
	root.val.binary.len = VARSIZE_ANY_EXHDR(json);
	parser.criteria = palloc0(offsetof(Criteria, nodes) + MAX_NODES * sizeof(CriteriaNode));
	initStringInfo(&parser.path);
	appendStringInfoChar(&parser.path, '$');
	parse_node(&parser, &root, 1);

	size = offsetof(Criteria, nodes) + parser.criteria->count * sizeof(CriteriaNode);
	result = MemoryContextAlloc(context, size);
	memcpy(result, parser.criteria, size);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(scratch);
	return result;
}

/* check_criteria(criteria) */
Datum
tt_check_criteria(PG_FUNCTION_ARGS)
{
	pfree(tt_criteria_parse(PG_GETARG_JSONB_P(0), CurrentMemoryContext));
	PG_RETURN_BOOL(true);
}
