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

/* Every TtTable with layouts. */
static List *known_tables = NIL;

static void
on_relcache_change(Datum arg, Oid relid)
{
	ListCell   *cell;

	foreach(cell, known_tables)
	{
		const TtTable *table = lfirst(cell);

		for (int i = 0; i < table->nlayouts; i++)
		{
			TtLayout   *layout = table->layouts[i];

			if (relid == InvalidOid || relid == layout->relation || relid == layout->index || relid == layout->origin)
				layout->valid = false;
		}
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

/* Indexes of a shard end in its number, as it does. */
static Oid
named_index(const TtTable *table, Relation relation)
{
	const char *ending = RelationGetRelationName(relation) + strlen(table->name);

	return get_relname_relid(psprintf("%s%s", table->index, ending), RelationGetNamespace(relation));
}

static Oid
index_oid(const TtTable *table, Relation relation)
{
	Oid			oid = table->index == NULL ? primary_key(relation) : named_index(table, relation);

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

/*
 * An identity column has a default, too: the next value of its sequence. That
 * of a shard has none: it is the table's.
 */
static void
find_defaults(const TtTable *table, Relation relation, Relation origin, TtLayout *layout)
{
	TupleDesc	desc = RelationGetDescr(relation);

	for (int number = 1; number <= desc->natts; number++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, number - 1);
		Expr	   *value;
		TtDefault  *found;

		if (column->attisdropped || column->attgenerated != '\0' || is_set(table, layout, number))
			continue;
		value = (Expr *) build_column_default(origin, tt_row_column(RelationGetDescr(origin), NameStr(column->attname)));
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

static Oid
table_oid(const char *name)
{
	Oid			oid = get_relname_relid(name, get_namespace_oid("timetrackr", false));

	if (!OidIsValid(oid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("there is no table timetrackr.%s", name),
				 errhint("Run SELECT timetrackr.install().")));
	return oid;
}

static TtLayout *
read_layout(const TtTable *table, TtHome home, Relation relation)
{
	Relation	origin = table_open(table_oid(table->name), AccessShareLock);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "timetrackr table layout",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext outer = MemoryContextSwitchTo(context);
	TtLayout   *layout = palloc0(sizeof(TtLayout));

	layout->context = context;
	layout->valid = true;
	layout->home = home;
	layout->relation = RelationGetRelid(relation);
	layout->origin = RelationGetRelid(origin);
	if (relation->rd_rel->relkind != RELKIND_RELATION)
		raise_unsuitable(table, "is no plain table");
	find_columns(table, RelationGetDescr(relation), layout);
	find_index(table, relation, layout);
	find_defaults(table, relation, origin, layout);
#ifdef TT_KEEPS_CHECKS
	find_checks(relation, layout);
#endif
	MemoryContextSwitchTo(outer);
	MemoryContextSetParent(context, CacheMemoryContext);
	table_close(origin, AccessShareLock);
	return layout;
}

static Oid
oid_at_home(const TtTable *table, int64 user_id, TtHome home)
{
	const char *name = tt_home_table(table->name, home);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("the rows of user " INT64_FORMAT " are on another node", user_id),
				 errhint("Call the function outside of a transaction block, so that it runs there.")));
	return table_oid(name);
}

static TtLayout **
find_layout(const TtTable *table, TtHome home)
{
	for (int i = 0; i < table->nlayouts; i++)
	{
		if (table->layouts[i]->home == home)
			return &table->layouts[i];
	}
	return NULL;
}

static void
add_layout(TtTable *table, TtLayout *layout)
{
	MemoryContext outer = MemoryContextSwitchTo(TopMemoryContext);

	if (table->nlayouts == 0)
	{
		known_tables = lappend(known_tables, table);
		table->layouts = palloc(sizeof(TtLayout *));
	}
	else
		table->layouts = repalloc(table->layouts, (table->nlayouts + 1) * sizeof(TtLayout *));
	table->layouts[table->nlayouts++] = layout;
	MemoryContextSwitchTo(outer);
}

static void
keep_layout(TtTable *table, TtLayout *layout)
{
	TtLayout  **kept = find_layout(table, layout->home);

	if (kept == NULL)
	{
		add_layout(table, layout);
		return;
	}
	/* Who opened the table before may still use it. */
	MemoryContextSetParent((*kept)->context, TopTransactionContext);
	*kept = layout;
}

Relation
tt_layout_open(TtTable *table, int64 user_id, const TtLayout **layout)
{
	const TtHome home = user_id == TT_NOBODY ? TT_NO_HOME : tt_home(user_id);
	TtLayout  **kept = find_layout(table, home);
	Relation	relation;

	/* To get the lock is to hear of what was altered before. */
	if (kept != NULL && (*kept)->valid)
	{
		*layout = *kept;
		relation = table_open((*layout)->relation, RowExclusiveLock);
		if ((*layout)->valid)
			return relation;
		table_close(relation, RowExclusiveLock);
	}
	relation = table_open(oid_at_home(table, user_id, home), RowExclusiveLock);
	*layout = read_layout(table, home, relation);
	keep_layout(table, (TtLayout *) *layout);
	return relation;
}
