/*
 * home_plan.c: a planner hook in front of Citus' own (see home_plan.h).
 *
 * Functions in FROM become subqueries before Citus looks for its tables. When the
 * only source of a statement is a registered function and its user at home
 * here, their tables become his shards; when he is not, the function must stay
 * one, or Citus could not send the call to where he is. A statement on small
 * tables alone is one on this node's copies. What remains is Citus' to plan.
 */
#include "home_plan.h"

#include "home.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/planner.h"
#include "parser/parse_relation.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* More than any plan costs. */
#define COST_OF_ANY_USER 1e20

static planner_hook_type next_planner = NULL;
static needs_fmgr_hook_type next_needs_fmgr_hook = NULL;

/* While a statement is planned: the function that is not to become a subquery. */
static Oid	kept_function = InvalidOid;

/* Between tt_home_plan_begin() and tt_home_plan_end(). */
static bool home_is_given = false;
static TtHome given_home;

void
tt_home_plan_begin(TtHome home)
{
	home_is_given = true;
	given_home = home;
}

void
tt_home_plan_end(void)
{
	home_is_given = false;
}

/* PostgreSQL makes no subquery of a function that somebody wants to watch. */
static bool
is_watched(Oid function)
{
	return function == kept_function || (next_needs_fmgr_hook != NULL && next_needs_fmgr_hook(function));
}

/* functions become subqueries */

static bool expand_functions(Node *node, void *arg);

/* Of SELECT … UNION SELECT … the query whose columns give the names; of any other itself. */
static Query *
first_query(Query *query)
{
	while (query->setOperations != NULL)
	{
		Node	   *left = query->setOperations;

		while (IsA(left, SetOperationStmt))
			left = ((SetOperationStmt *) left)->larg;
		query = rt_fetch(castNode(RangeTblRef, left)->rtindex, query->rtable)->subquery;
	}
	return query;
}

/* Citus writes the query as text again: its columns are known by the function's names. */
static void
name_columns(Query *query, List *names)
{
	ListCell   *column;
	ListCell   *name = list_head(names);
	Query	   *first = first_query(query);

	if (first != query)
		name_columns(first, names);
	foreach(column, query->targetList)
	{
		TargetEntry *target = lfirst(column);

		if (target->resjunk || name == NULL)
			continue;
		target->resname = pstrdup(strVal(lfirst(name)));
		name = lnext(names, name);
	}
}

static void
expand_function(RangeTblEntry *entry, PlannerInfo *root)
{
	Query	   *query;

	/* Named and default arguments are put in their places, constants computed. */
	entry->functions = (List *) eval_const_expressions(root, (Node *) entry->functions);
	query = inline_set_returning_function(root, entry);
	if (query == NULL)
		return;
	name_columns(query, entry->eref->colnames);
	entry->rtekind = RTE_SUBQUERY;
	entry->subquery = query;
	entry->security_barrier = false;
	entry->functions = NIL;
	(void) expand_functions((Node *) query, root);
}

/* All functions in FROM of a query and of those in it that can. */
static bool
expand_functions(Node *node, void *arg)
{
	PlannerInfo *root = arg;
	Query	   *outer = root->parse;
	Query	   *query;
	ListCell   *cell;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, expand_functions, arg);
	query = (Query *) node;
	(void) query_tree_walker(query, expand_functions, arg, 0);
	root->parse = query;
	foreach(cell, query->rtable)
	{
		RangeTblEntry *entry = lfirst(cell);

		if (entry->rtekind == RTE_FUNCTION)
			expand_function(entry, root);
	}
	root->parse = outer;
	return false;
}

/* tables become shards */

static int
columns_of(Oid relation)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	int			count;

	if (!HeapTupleIsValid(tuple))
		return 0;
	count = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;
	ReleaseSysCache(tuple);
	return count;
}

/*
 * The columns of a table and of its shards have the same numbers, unless one was dropped from
 * the table. Then a small table remains Citus' to find, and distribute() has refused any other.
 */
static void
put_shard(Query *query, RangeTblEntry *entry, TtHome home)
{
	const Oid	schema = get_rel_namespace(entry->relid);
	const char *name;
	Oid			shard;

	if (schema != get_namespace_oid("timetrackr", true))
		return;
	name = tt_home_table(get_rel_name(entry->relid), home);
	shard = name == NULL ? InvalidOid : get_relname_relid(name, schema);
	if (OidIsValid(shard) && columns_of(shard) == columns_of(entry->relid))
		tt_set_relation(query, entry, shard);
}

static bool
put_shards(Node *node, void *arg)
{
	const TtHome *home = arg;
	Query	   *query;
	ListCell   *cell;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, put_shards, arg);
	query = (Query *) node;
	foreach(cell, query->rtable)
	{
		RangeTblEntry *entry = lfirst(cell);

		if (entry->rtekind == RTE_RELATION)
			put_shard(query, entry, *home);
	}
	return query_tree_walker(query, put_shards, arg, 0);
}

static bool
is_distributed(const RangeTblEntry *entry)
{
	return entry->rtekind == RTE_RELATION &&
		get_rel_namespace(entry->relid) == get_namespace_oid("timetrackr", true) &&
		tt_home_table(get_rel_name(entry->relid), TT_NO_HOME) == NULL;
}

/* Is there a table in it whose rows are on several nodes, or does it lock rows, which are to be locked on all? */
static bool
needs_nodes(Node *node, void *arg)
{
	Query	   *query;
	ListCell   *cell;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, needs_nodes, arg);
	query = (Query *) node;
	if (query->hasForUpdate)
		return true;
	foreach(cell, query->rtable)
	{
		if (is_distributed(lfirst(cell)))
			return true;
	}
	return query_tree_walker(query, needs_nodes, arg, 0);
}

/* statements */

/* The call of a registered function that is all that a query reads; NULL: it is another query. */
static FuncExpr *
only_call(const Query *query, PlannerInfo *root)
{
	RangeTblEntry *entry;
	Node	   *call;

	if (query->commandType != CMD_SELECT || list_length(query->rtable) != 1)
		return NULL;
	entry = linitial(query->rtable);
	if (entry->rtekind != RTE_FUNCTION || list_length(entry->functions) != 1)
		return NULL;
	call = linitial_node(RangeTblFunction, entry->functions)->funcexpr;
	if (!IsA(call, FuncExpr) || tt_home_argument(((FuncExpr *) call)->funcid) < 0)
		return NULL;
	entry->functions = (List *) eval_const_expressions(root, (Node *) entry->functions);
	return (FuncExpr *) linitial_node(RangeTblFunction, entry->functions)->funcexpr;
}

static PlannerInfo *
make_root(Query *query, ParamListInfo params)
{
	PlannerInfo *root = makeNode(PlannerInfo);

	root->parse = query;
	root->query_level = 1;
	root->planner_cxt = CurrentMemoryContext;
	root->glob = makeNode(PlannerGlobal);
	root->glob->boundParams = params;
	return root;
}

/* Whose call is it, and is his home here? */
static TtHome
home_of_call(const FuncExpr *call)
{
	const Const *user = list_nth(call->args, tt_home_argument(call->funcid));

	return IsA(user, Const) && !user->constisnull ? tt_home(DatumGetInt64(user->constvalue)) : TT_NO_HOME;
}

/* Returns the function that is to stay one. */
static Oid
prepare_query(Query *query, ParamListInfo params)
{
	PlannerInfo *root = make_root(query, params);
	const FuncExpr *call = home_is_given ? NULL : only_call(query, root);
	const TtHome home = home_is_given ? given_home : call == NULL ? TT_NO_HOME : home_of_call(call);

	if (call != NULL && home == TT_NO_HOME)
		return call->funcid;
	(void) expand_functions((Node *) query, root);
	if (home_is_given || home != TT_NO_HOME || (query->commandType == CMD_SELECT && !needs_nodes((Node *) query, NULL)))
		(void) put_shards((Node *) query, (void *) &home);
	return InvalidOid;
}

static PlannedStmt *
plan(Query *query, const char *text, int cursor_options, ParamListInfo params)
{
	const Oid	outer = kept_function;
	bool		is_of_any_user;
	PlannedStmt *planned;

	kept_function = tt_is_distributed() ? prepare_query(query, params) : InvalidOid;
	is_of_any_user = OidIsValid(kept_function) && params == NULL;
	planned = next_planner != NULL ? next_planner(query, text, cursor_options, params)
		: standard_planner(query, text, cursor_options, params);
	kept_function = outer;
	/* A plan for all users knows nobody's home: PostgreSQL is to prefer one for each. */
	if (is_of_any_user)
		planned->planTree->total_cost = COST_OF_ANY_USER;
	return planned;
}

void
tt_home_plan_init(void)
{
	next_planner = planner_hook;
	planner_hook = plan;
	next_needs_fmgr_hook = needs_fmgr_hook;
	needs_fmgr_hook = is_watched;
}
