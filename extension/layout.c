/*
 * layout.c: finds a table's columns, index and defaults (see layout.h). Tables
 * are their owner's to alter: a column may be added, and a value that is read
 * as another type could end the server.
 */
#include "layout.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "row.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* Every TtTable with a layout. */
static List *known_tables = NIL;

static void
on_relcache_change(Datum arg, Oid relid)
{
	ListCell   *cell;

	foreach(cell, known_tables)
	{
		TtLayout   *layout = ((TtTable *) lfirst(cell))->layout;

		if (relid == InvalidOid || relid == layout->relation || relid == layout->index)
			layout->valid = false;
	}
}

/* A function that a default or a constraint calls may be part of its expression. */
static void
on_function_change(Datum arg, int cacheid, uint32 hashvalue)
{
	on_relcache_change(arg, InvalidOid);
}

void
tt_layout_init(void)
{
	CacheRegisterRelcacheCallback(on_relcache_change, (Datum) 0);
	CacheRegisterSyscacheCallback(PROCOID, on_function_change, (Datum) 0);
}

static void
raise_unsuitable(const TtTable *table, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table timetrackr.%s %s", table->name, what),
			 errhint("It must be as SELECT timetrackr.install() makes it; columns may be added.")));
}

static void
find_columns(const TtTable *table, TupleDesc desc, TtLayout *layout)
{
	for (int i = 0; i < table->ncolumns; i++)
	{
		const TtColumn *column = &table->columns[i];

		layout->number[i] = tt_row_column(desc, column->name);
		if (TupleDescAttr(desc, layout->number[i] - 1)->atttypid != column->type)
			raise_unsuitable(table, psprintf("has another type than %s for column \"%s\"",
											 format_type_be(column->type), column->name));
	}
}

static Oid
primary_key(Relation relation)
{
	/* Whoever asks for the list finds out which one it is. */
	list_free(RelationGetIndexList(relation));
	return relation->rd_pkindex;
}

static Oid
index_oid(const TtTable *table, Relation relation)
{
	Oid			oid = table->index == NULL ? primary_key(relation)
		: get_relname_relid(table->index, RelationGetNamespace(relation));

	if (!OidIsValid(oid))
		raise_unsuitable(table, psprintf("has no %s", table->index == NULL ? "primary key" : table->index));
	return oid;
}

/* It must be of this table, and in the order that its scans are read in. */
static bool
is_suitable(const TtTable *table, Relation index, const TtLayout *layout)
{
	if (index->rd_index->indrelid != layout->relation || !index->rd_index->indisvalid ||
		index->rd_rel->relam != BTREE_AM_OID ||
		IndexRelationGetNumberOfKeyAttributes(index) != table->nkeys)
		return false;
	for (int i = 0; i < table->nkeys; i++)
	{
		if (index->rd_index->indkey.values[i] != layout->number[i] || index->rd_indoption[i] != 0)
			return false;
	}
	return true;
}

static void
find_index(const TtTable *table, Relation relation, TtLayout *layout)
{
	Relation	index;

	layout->index = index_oid(table, relation);
	index = index_open(layout->index, AccessShareLock);
	if (!is_suitable(table, index, layout))
		raise_unsuitable(table, psprintf("has an unsuitable index %s", RelationGetRelationName(index)));
	index_close(index, AccessShareLock);
}

/* Will whoever inserts a row set this column? */
static bool
is_set(const TtTable *table, const TtLayout *layout, int number)
{
	for (int i = 0; i < table->ncolumns; i++)
	{
		if (layout->number[i] == number)
			return !table->columns[i].by_default;
	}
	return false;
}

/* An identity column has a default, too: the next value of its sequence. */
static void
find_defaults(const TtTable *table, Relation relation, TtLayout *layout)
{
	TupleDesc	desc = RelationGetDescr(relation);

	for (int number = 1; number <= desc->natts; number++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, number - 1);
		Expr	   *value;
		TtDefault  *found;

		if (column->attisdropped || column->attgenerated != '\0' || is_set(table, layout, number))
			continue;
		value = (Expr *) build_column_default(relation, number);
		if (value == NULL)
			continue;
		found = palloc(sizeof(TtDefault));
		*found = (TtDefault) {number, ExecInitExpr(expression_planner(value), NULL)};
		layout->defaults = lappend(layout->defaults, found);
	}
}

#ifdef TT_KEEPS_CHECKS
/* PostgreSQL reads them from their text for each statement that writes. */
static void
find_checks(Relation relation, TtLayout *layout)
{
	const TupleConstr *constraints = RelationGetDescr(relation)->constr;
	int			count = constraints == NULL ? 0 : constraints->num_check;

	if (count == 0)
		return;
	layout->checks = palloc(count * sizeof(ExprState *));
	for (int i = 0; i < count; i++)
	{
		Expr	   *check = expression_planner(stringToNode(constraints->check[i].ccbin));

		layout->checks[i] = ExecInitExpr(check, NULL);
	}
}
#endif

static TtLayout *
read_layout(const TtTable *table, Relation relation)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "timetrackr table layout",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext outer = MemoryContextSwitchTo(context);
	TtLayout   *layout = palloc0(sizeof(TtLayout));

	layout->context = context;
	layout->valid = true;
	layout->relation = RelationGetRelid(relation);
	if (relation->rd_rel->relkind != RELKIND_RELATION)
		raise_unsuitable(table, "is no plain table");
	find_columns(table, RelationGetDescr(relation), layout);
	find_index(table, relation, layout);
	find_defaults(table, relation, layout);
#ifdef TT_KEEPS_CHECKS
	find_checks(relation, layout);
#endif
	MemoryContextSwitchTo(outer);
	MemoryContextSetParent(context, CacheMemoryContext);
	return layout;
}

static Oid
table_oid(const TtTable *table)
{
	Oid			oid = get_relname_relid(table->name, get_namespace_oid("timetrackr", false));

	if (!OidIsValid(oid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("there is no table timetrackr.%s", table->name),
				 errhint("Run SELECT timetrackr.install().")));
	return oid;
}

static void
keep_layout(TtTable *table, TtLayout *layout)
{
	if (table->layout == NULL)
	{
		MemoryContext outer = MemoryContextSwitchTo(TopMemoryContext);

		known_tables = lappend(known_tables, table);
		MemoryContextSwitchTo(outer);
	}
	else
		/* Who opened the table before may still use it. */
		MemoryContextSetParent(table->layout->context, TopTransactionContext);
	table->layout = layout;
}

Relation
tt_layout_open(TtTable *table, const TtLayout **layout)
{
	Relation	relation;

	/* To get the lock is to hear of what was altered before. */
	if (table->layout != NULL && table->layout->valid)
	{
		relation = table_open(table->layout->relation, RowExclusiveLock);
		if (table->layout->valid)
		{
			*layout = table->layout;
			return relation;
		}
		table_close(relation, RowExclusiveLock);
	}
	relation = table_open(table_oid(table), RowExclusiveLock);
	keep_layout(table, read_layout(table, relation));
	*layout = table->layout;
	return relation;
}
