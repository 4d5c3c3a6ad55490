/*
 * table.c: rows of a table by an index (see table.h). They are found by
 * a scan of it and written as replication writes them, which sees to
 * indexes, constraints and row triggers.
 */
#include "table.h"

#include "access/genam.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type_d.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "utils/date.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* What writing needs; made for the first row that is written. */
typedef struct Writer
{
	EState	   *estate;
	ResultRelInfo *result;
	EPQState	epq;
	TupleTableSlot *slot;		/* the row to be written */
	bool		has_defaults;	/* defaults are ready: from the first new row on */
	List	   *defaults;		/* ReadyDefault */
} Writer;

/* A default that is ready to be evaluated. */
typedef struct ReadyDefault
{
	AttrNumber	number;
	ExprState  *value;
} ReadyDefault;

struct TtRows
{
	TtTable    *table;
	Relation	relation;
	AttrNumber	number[TT_TABLE_MAX_COLUMNS];
	Oid			index_oid;
	Relation	index;			/* NULL until something is looked for, as scan */
	IndexScanDesc scan;
	int			scan_keys;		/* how many columns scan compares */
	Snapshot	snapshot;
	TupleTableSlot *found;
	TupleTableSlot *current;	/* the row found, or the one just inserted */
	Writer	   *writer;			/* NULL until something is written */
};

TtRows *
tt_rows_open(TtTable *table)
{
	TtRows	   *rows = palloc0(sizeof(TtRows));
	const TtLayout *layout;

	rows->table = table;
	rows->relation = tt_layout_open(table, &layout);
	memcpy(rows->number, layout->number, sizeof(rows->number));
	rows->index_oid = layout->index;
	rows->found = table_slot_create(rows->relation, NULL);
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	rows->snapshot = GetActiveSnapshot();
	return rows;
}

/* reading */

static RegProcedure
equality_of(Oid type)
{
	switch (type)
	{
		case INT8OID:
			return F_INT8EQ;
		case DATEOID:
			return F_DATE_EQ;
		case TEXTOID:
			return F_TEXTEQ;
		case TIMESTAMPTZOID:
			return F_TIMESTAMPTZ_EQ;
		default:
			elog(ERROR, "timetrackr: type %u can't be a key", type);
	}
}

static void
end_scan(TtRows *rows)
{
	if (rows->scan != NULL)
		index_endscan(rows->scan);
	rows->scan = NULL;
}

static void
rescan(TtRows *rows, ScanKey scan_keys, int nkeys)
{
	if (rows->scan_keys != nkeys)
		end_scan(rows);
	if (rows->scan == NULL)
		rows->scan = tt_index_beginscan(rows->relation, rows->index, rows->snapshot, nkeys);
	rows->scan_keys = nkeys;
	index_rescan(rows->scan, scan_keys, nkeys, NULL, 0);
}

static void
set_equal_keys(TtRows *rows, ScanKey scan_keys, const Datum *keys, int nkeys)
{
	if (rows->index == NULL)
		rows->index = index_open(rows->index_oid, RowExclusiveLock);
	for (int i = 0; i < nkeys; i++)
		ScanKeyEntryInitialize(&scan_keys[i], 0, i + 1, BTEqualStrategyNumber, InvalidOid,
							   rows->index->rd_indcollation[i],
							   equality_of(rows->table->columns[i].type), keys[i]);
}

void
tt_rows_seek(TtRows *rows, const Datum *keys, int nkeys)
{
	ScanKeyData scan_keys[TT_TABLE_MAX_COLUMNS];

	set_equal_keys(rows, scan_keys, keys, nkeys);
	rescan(rows, scan_keys, nkeys);
}

void
tt_rows_seek_from(TtRows *rows, const Datum *keys, int nkeys)
{
	ScanKeyData scan_keys[TT_TABLE_MAX_COLUMNS];

	Assert(rows->table->columns[nkeys - 1].type == TIMESTAMPTZOID);
	set_equal_keys(rows, scan_keys, keys, nkeys - 1);
	ScanKeyEntryInitialize(&scan_keys[nkeys - 1], 0, nkeys, BTGreaterEqualStrategyNumber, InvalidOid,
						   InvalidOid, F_TIMESTAMPTZ_GE, keys[nkeys - 1]);
	rescan(rows, scan_keys, nkeys);
}

bool
tt_rows_next(TtRows *rows)
{
	rows->current = rows->found;
	return index_getnext_slot(rows->scan, ForwardScanDirection, rows->found);
}

bool
tt_rows_previous(TtRows *rows)
{
	rows->current = rows->found;
	return index_getnext_slot(rows->scan, BackwardScanDirection, rows->found);
}

bool
tt_rows_find(TtRows *rows, const Datum *keys)
{
	tt_rows_seek(rows, keys, rows->table->nkeys);
	return tt_rows_next(rows);
}

Datum
tt_rows_datum(TtRows *rows, int column, bool *isnull)
{
	return slot_getattr(rows->current, rows->number[column], isnull);
}

int64
tt_rows_int64(TtRows *rows, int column)
{
	bool		isnull;
	Datum		value = tt_rows_datum(rows, column, &isnull);

	if (isnull)
		return 0;
	switch (rows->table->columns[column].type)
	{
		case INT4OID:
		case DATEOID:
			return DatumGetInt32(value);
		case INT8OID:
		case TIMESTAMPTZOID:
			return DatumGetInt64(value);
		default:
			elog(ERROR, "timetrackr: column \"%s\" is no integer", rows->table->columns[column].name);
	}
}

bool
tt_rows_lock(TtRows *rows, LockTupleMode mode)
{
	bool		keeps_snapshot = IsolationUsesXactSnapshot();
	uint8		flags = TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS;
	ItemPointerData tid = rows->found->tts_tid;
	TM_FailureData failure;

	if (!keeps_snapshot)
		flags |= TUPLE_LOCK_FLAG_FIND_LAST_VERSION;
	switch (table_tuple_lock(rows->relation, &tid, rows->snapshot, rows->found,
							 GetCurrentCommandId(true), mode, LockWaitBlock, flags, &failure))
	{
		case TM_Ok:
			return true;
		case TM_Deleted:
			if (!keeps_snapshot)
				return false;
			/* FALLTHROUGH */
		case TM_Updated:
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("could not serialize access due to concurrent update")));
			break;
		default:
			elog(ERROR, "timetrackr: a row of %s was changed while it was read", rows->table->name);
	}
	return false;
}

/* writing */

static Writer *
begin_writing(TtRows *rows)
{
	Writer	   *writer = palloc0(sizeof(Writer));

	writer->estate = CreateExecutorState();
	writer->estate->es_snapshot = rows->snapshot;
	writer->estate->es_output_cid = GetCurrentCommandId(true);
	writer->result = makeNode(ResultRelInfo);
	InitResultRelInfo(writer->result, rows->relation, 0, NULL, 0);
	ExecOpenIndices(writer->result, false);
	tt_epq_init(&writer->epq, writer->estate);
	writer->slot = MakeSingleTupleTableSlot(RelationGetDescr(rows->relation), &TTSOpsVirtual);
	AfterTriggerBeginQuery();
	return writer;
}

static TupleTableSlot *
cleared_slot(TtRows *rows)
{
	if (rows->writer == NULL)
		rows->writer = begin_writing(rows);
	return ExecClearTuple(rows->writer->slot);
}

static void
ready_defaults(TtRows *rows)
{
	Writer	   *writer = rows->writer;
	const TtLayout *layout;
	ListCell   *cell;

	table_close(tt_layout_open(rows->table, &layout), NoLock);
	foreach(cell, layout->defaults)
	{
		const TtDefault *given = lfirst(cell);
		ReadyDefault *one = palloc(sizeof(ReadyDefault));

		*one = (ReadyDefault) {given->number, ExecPrepareExpr(given->value, writer->estate)};
		writer->defaults = lappend(writer->defaults, one);
	}
	writer->has_defaults = true;
}

void
tt_rows_new(TtRows *rows)
{
	TupleTableSlot *slot = cleared_slot(rows);
	EState	   *estate = rows->writer->estate;
	ListCell   *cell;

	if (!rows->writer->has_defaults)
		ready_defaults(rows);
	memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts * sizeof(bool));
	foreach(cell, rows->writer->defaults)
	{
		const ReadyDefault *one = lfirst(cell);

		slot->tts_values[one->number - 1] = ExecEvalExpr(one->value, GetPerTupleExprContext(estate),
														 &slot->tts_isnull[one->number - 1]);
	}
}

void
tt_rows_change(TtRows *rows)
{
	TupleTableSlot *slot = cleared_slot(rows);
	int			natts = slot->tts_tupleDescriptor->natts;

	slot_getallattrs(rows->found);
	memcpy(slot->tts_values, rows->found->tts_values, natts * sizeof(Datum));
	memcpy(slot->tts_isnull, rows->found->tts_isnull, natts * sizeof(bool));
}

void
tt_rows_set(TtRows *rows, int column, Datum value)
{
	TupleTableSlot *slot = rows->writer->slot;

	slot->tts_values[rows->number[column] - 1] = value;
	slot->tts_isnull[rows->number[column] - 1] = false;
}

void
tt_rows_set_null(TtRows *rows, int column)
{
	rows->writer->slot->tts_isnull[rows->number[column] - 1] = true;
}

void
tt_rows_insert(TtRows *rows)
{
	Writer	   *writer = rows->writer;

	ExecSimpleRelationInsert(writer->result, writer->estate, ExecStoreVirtualTuple(writer->slot));
	ResetPerTupleExprContext(writer->estate);
	rows->current = writer->slot;
}

void
tt_rows_update(TtRows *rows)
{
	Writer	   *writer = rows->writer;

	ExecSimpleRelationUpdate(writer->result, writer->estate, &writer->epq, rows->found,
							 ExecStoreVirtualTuple(writer->slot));
	ResetPerTupleExprContext(writer->estate);
}

void
tt_rows_delete(TtRows *rows)
{
	Writer	   *writer;

	(void) cleared_slot(rows);
	writer = rows->writer;
	ExecSimpleRelationDelete(writer->result, writer->estate, &writer->epq, rows->found);
}

static void
end_writing(Writer *writer)
{
	AfterTriggerEndQuery(writer->estate);
	EvalPlanQualEnd(&writer->epq);
	ExecCloseIndices(writer->result);
	ExecCloseResultRelations(writer->estate);
	ExecDropSingleTupleTableSlot(writer->slot);
	ExecResetTupleTable(writer->estate->es_tupleTable, false);
	FreeExecutorState(writer->estate);
	pfree(writer);
}

void
tt_rows_close(TtRows *rows)
{
	end_scan(rows);
	if (rows->index != NULL)
		index_close(rows->index, NoLock);
	ExecDropSingleTupleTableSlot(rows->found);
	if (rows->writer != NULL)
		end_writing(rows->writer);
	PopActiveSnapshot();
	table_close(rows->relation, NoLock);
	pfree(rows);
}
