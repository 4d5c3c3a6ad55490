/*
 * home.c: finds the shards of a user (see home.h), by the hash of his id and
 * the catalogs pg_dist_partition, pg_dist_shard, pg_dist_placement and
 * pg_dist_local_group, which Citus keeps the same on every node.
 */
#include "home.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace_d.h"
#include "catalog/pg_proc_d.h"
#include "catalog/pg_type_d.h"
#include "error.h"
#include "executor/executor.h"
#include "parser/parse_func.h"
#include "row.h"
#include "storage/lock.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(tt_is_distributed_here);
PG_FUNCTION_INFO_V1(tt_is_home_here);
PG_FUNCTION_INFO_V1(tt_node_number);

#define SCHEMA "timetrackr"

/* pg_dist_partition.partmethod; .repmodel; pg_dist_placement.shardstate */
#define BY_HASH 'h'
#define BY_NOTHING 'n'
#define COPIED_BY_2PC 't'
#define PLACEMENT_ACTIVE 1

typedef struct Shard
{
	int64		id;
	int32		first_hash;		/* of a distributed table: it has the hashes from here on */
	bool		here;			/* on this node */
} Shard;

/* A table that Citus knows. */
typedef struct CitusTable
{
	Oid			oid;
	char		name[NAMEDATALEN];
	bool		copied;			/* whole on every node, as its only shard */
	int			count;
	Shard	   *shards;			/* by first_hash */
} CitusTable;

/* A function that Citus calls at the home of one of its arguments. */
typedef struct CitusFunction
{
	Oid			oid;
	int			argument;
} CitusFunction;

typedef struct Map
{
	MemoryContext context;
	Oid			totals_oid;		/* of timetrackr.user_totals */
	int32		group;			/* of nodes: this node's; 0 is the coordinator's */
	int			count;			/* 0: nothing is distributed */
	CitusTable *tables;
	int			nfunctions;
	CitusFunction *functions;
	const CitusTable *totals;	/* that of user_totals; NULL: it is not distributed */
} Map;

static Map *map = NULL;
static bool map_is_valid = false;

static void
on_relcache_change(Datum arg, Oid relid)
{
	if (map == NULL || relid == InvalidOid || relid == map->totals_oid)
		map_is_valid = false;
	for (int i = 0; map_is_valid && i < map->count; i++)
		map_is_valid = relid != map->tables[i].oid;
}

void
tt_home_init(void)
{
	CacheRegisterRelcacheCallback(on_relcache_change, (Datum) 0);
}

/* reading the catalogs */

/* Call visit for each row of a catalog, if there is such a one. */
static void
scan_catalog(const char *name, void (*visit) (HeapTuple row, TupleDesc columns, Map *target), Map *target)
{
	Oid			oid = get_relname_relid(name, PG_CATALOG_NAMESPACE);
	Relation	catalog;
	SysScanDesc scan;
	HeapTuple	row;

	if (!OidIsValid(oid))
		return;
	catalog = table_open(oid, AccessShareLock);
	scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	while ((row = systable_getnext(scan)) != NULL)
		visit(row, RelationGetDescr(catalog), target);
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
}

static Datum
field(HeapTuple row, TupleDesc columns, const char *name, bool *isnull)
{
	return heap_getattr(row, tt_row_column(columns, name), columns, isnull);
}

static void
add_table(HeapTuple row, TupleDesc columns, Map *target)
{
	bool		isnull;
	Oid			oid = DatumGetObjectId(field(row, columns, "logicalrelid", &isnull));
	char		method = DatumGetChar(field(row, columns, "partmethod", &isnull));
	bool		copied = method == BY_NOTHING &&
		DatumGetChar(field(row, columns, "repmodel", &isnull)) == COPIED_BY_2PC;
	const char *name = get_rel_name(oid);
	CitusTable *table;

	if (name == NULL || get_rel_namespace(oid) != get_namespace_oid(SCHEMA, true) ||
		(method != BY_HASH && !copied))
		return;
	target->tables = target->tables == NULL ? palloc(sizeof(CitusTable))
		: repalloc(target->tables, (target->count + 1) * sizeof(CitusTable));
	table = &target->tables[target->count++];
	*table = (CitusTable) {.oid = oid, .copied = copied};
	strlcpy(table->name, name, sizeof(table->name));
}

static CitusTable *
table_of(const Map *target, Oid oid)
{
	for (int i = 0; i < target->count; i++)
	{
		if (target->tables[i].oid == oid)
			return &target->tables[i];
	}
	return NULL;
}

static void
add_shard(HeapTuple row, TupleDesc columns, Map *target)
{
	bool		isnull;
	CitusTable *table = table_of(target, DatumGetObjectId(field(row, columns, "logicalrelid", &isnull)));
	Datum		first;
	Shard	   *shard;

	if (table == NULL)
		return;
	table->shards = table->shards == NULL ? palloc(sizeof(Shard))
		: repalloc(table->shards, (table->count + 1) * sizeof(Shard));
	shard = &table->shards[table->count++];
	*shard = (Shard) {.id = tt_row_int64(row, columns, "shardid")};
	first = field(row, columns, "shardminvalue", &isnull);
	if (!isnull)
		shard->first_hash = pg_strtoint32(TextDatumGetCString(first));
}

static void
note_group(HeapTuple row, TupleDesc columns, Map *target)
{
	target->group = tt_row_int32(row, columns, "groupid");
}

static void
note_placement(HeapTuple row, TupleDesc columns, Map *target)
{
	int64		id = tt_row_int64(row, columns, "shardid");

	if (tt_row_int32(row, columns, "groupid") != target->group ||
		tt_row_int32(row, columns, "shardstate") != PLACEMENT_ACTIVE)
		return;
	for (int i = 0; i < target->count; i++)
	{
		for (int j = 0; j < target->tables[i].count; j++)
			target->tables[i].shards[j].here |= target->tables[i].shards[j].id == id;
	}
}

static void
add_function(HeapTuple row, TupleDesc columns, Map *target)
{
	bool		isnull;
	Oid			class = DatumGetObjectId(field(row, columns, "classid", &isnull));
	int32		argument = DatumGetInt32(field(row, columns, "distribution_argument_index", &isnull));

	if (class != ProcedureRelationId || isnull)
		return;
	target->functions = target->functions == NULL ? palloc(sizeof(CitusFunction))
		: repalloc(target->functions, (target->nfunctions + 1) * sizeof(CitusFunction));
	target->functions[target->nfunctions++] =
		(CitusFunction) {DatumGetObjectId(field(row, columns, "objid", &isnull)), argument};
}

static int
compare_shards(const void *a, const void *b)
{
	const Shard *x = a;
	const Shard *y = b;

	return (x->first_hash > y->first_hash) - (x->first_hash < y->first_hash);
}

static Map *
read_map(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "timetrackr shards",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext outer = MemoryContextSwitchTo(context);
	Map		   *read = palloc0(sizeof(Map));

	read->context = context;
	read->totals_oid = get_relname_relid("user_totals", get_namespace_oid(SCHEMA, true));
	scan_catalog("pg_dist_partition", add_table, read);
	if (read->count > 0)
	{
		scan_catalog("pg_dist_local_group", note_group, read);
		scan_catalog("pg_dist_shard", add_shard, read);
		scan_catalog("pg_dist_placement", note_placement, read);
		scan_catalog("pg_dist_object", add_function, read);
	}
	for (int i = 0; i < read->count; i++)
		qsort(read->tables[i].shards, read->tables[i].count, sizeof(Shard), compare_shards);
	read->totals = table_of(read, read->totals_oid);
	MemoryContextSwitchTo(outer);
	MemoryContextSetParent(context, CacheMemoryContext);
	return read;
}

/* What is read may change while it is read: then it is read again. An error leaves no map. */
static const Map *
current_map(void)
{
	while (map == NULL || !map_is_valid)
	{
		Map		   *old = map;

		map = NULL;
		if (old != NULL)
			MemoryContextDelete(old->context);
		map_is_valid = true;
		map = read_map();
		tt_codes_in_hints = map->totals != NULL;
		/* Before there are tables nothing tells when there are. */
		if (!OidIsValid(map->totals_oid))
		{
			map_is_valid = false;
			break;
		}
	}
	return map;
}

/* users */

bool
tt_is_distributed(void)
{
	return current_map()->totals != NULL;
}

void
tt_refuse_truncate(void)
{
	if (tt_is_distributed())
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("TRUNCATE leaves what is derived of the rows on several nodes"),
				errhint("DELETE takes it along."));
}

/* is_distributed() */
Datum
tt_is_distributed_here(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(tt_is_distributed());
}

/* Where in each distributed table the shard of a user is. */
static int
position_of(const CitusTable *table, int64 user_id)
{
	int32		hash = DatumGetInt32(DirectFunctionCall1(hashint8, Int64GetDatum(user_id)));
	int			position = 0;

	while (position < table->count - 1 && table->shards[position + 1].first_hash <= hash)
		position++;
	return position;
}

TtHome
tt_home(int64 user_id)
{
	const CitusTable *totals = current_map()->totals;
	const Shard *shard;

	if (totals == NULL)
		return TT_NO_HOME;
	shard = &totals->shards[position_of(totals, user_id)];
	return shard->here ? shard->id : TT_NO_HOME;
}

bool
tt_is_home(int64 user_id)
{
	return !tt_is_distributed() || tt_home(user_id) != TT_NO_HOME;
}

/* is_home(user_id); strict */
Datum
tt_is_home_here(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(tt_is_home(PG_GETARG_INT64(0)));
}

TtHome
tt_next_home(TtHome home)
{
	const CitusTable *totals = current_map()->totals;
	TtHome		next = TT_NO_HOME;

	for (int i = 0; totals != NULL && i < totals->count; i++)
	{
		const Shard *shard = &totals->shards[i];

		if (shard->here && shard->id > home && (next == TT_NO_HOME || shard->id < next))
			next = shard->id;
	}
	return next;
}

void
tt_each_home(void (*visit) (TtHome home, void *arg), void *arg)
{
	TtHome		home = TT_NO_HOME;

	if (!tt_is_distributed())
		visit(TT_NO_HOME, arg);
	else
		while ((home = tt_next_home(home)) != TT_NO_HOME)
			visit(home, arg);
}

TimestampTz
tt_transaction_time(void)
{
	List	   *name = list_make2(makeString("pg_catalog"), makeString("get_current_transaction_id"));
	HeapTupleHeader row;
	bool		isnull;

	if (!tt_is_distributed())
		return GetCurrentTransactionStartTimestamp();
	row = DatumGetHeapTupleHeader(OidFunctionCall0(LookupFuncName(name, 0, NULL, false)));
	if (DatumGetInt64(GetAttributeByName(row, "transaction_number", &isnull)) == 0 || isnull)
		return GetCurrentTransactionStartTimestamp();
	return DatumGetTimestampTz(GetAttributeByName(row, "transaction_stamp", &isnull));
}

int32
tt_node(void)
{
	return current_map()->group;
}

bool
tt_is_first_node(void)
{
	return tt_node() == 0;
}

/* node_number() */
Datum
tt_node_number(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(tt_node());
}

static void
lock_shard(int64 shard_id)
{
	const Oid	types[] = {INT4OID, INT8ARRAYOID};
	List	   *name = list_make2(makeString("pg_catalog"), makeString("lock_shard_metadata"));
	Datum		id = Int64GetDatum(shard_id);

	(void) OidFunctionCall2(LookupFuncName(name, lengthof(types), types, false), Int32GetDatum(ShareLock),
							PointerGetDatum(construct_array(&id, 1, INT8OID, 8, true, TYPALIGN_DOUBLE)));
}

TtHome
tt_home_hold(int64 user_id)
{
	TtHome		home = tt_home(user_id);

	if (home == TT_NO_HOME)
		return TT_NO_HOME;
	lock_shard(home);
	/* Who waited hears of a move. */
	AcceptInvalidationMessages();
	return tt_home(user_id);
}

int
tt_home_argument(Oid function)
{
	const Map  *current = current_map();

	for (int i = 0; i < current->nfunctions; i++)
	{
		if (current->functions[i].oid == function)
			return current->functions[i].argument;
	}
	return -1;
}

/* tables */

static const CitusTable *
table_named(const char *name, size_t length)
{
	const Map  *current = current_map();

	for (int i = 0; i < current->count; i++)
	{
		if (strlen(current->tables[i].name) == length && strncmp(current->tables[i].name, name, length) == 0)
			return &current->tables[i];
	}
	return NULL;
}

/* The shard of a table that goes with home; NULL: there is none here. */
static const Shard *
shard_of(const CitusTable *table, TtHome home)
{
	const CitusTable *totals = current_map()->totals;

	if (table->copied)
		return &table->shards[0];
	for (int i = 0; totals != NULL && i < totals->count; i++)
	{
		if (totals->shards[i].id == home)
			return &table->shards[i];
	}
	return NULL;
}

const char *
tt_home_table(const char *name, TtHome home)
{
	const CitusTable *table = table_named(name, strlen(name));
	const Shard *shard;

	if (table == NULL)
		return name;
	shard = shard_of(table, home);
	return shard == NULL || !shard->here ? NULL : psprintf("%s_" INT64_FORMAT, name, shard->id);
}
