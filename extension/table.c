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
#include "access/sysattr.h"
#include "access/xact.h"
#include "catalog/pg_type_d.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "parser/parse_relation.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* The rows written by one kind of command, as the table's statement triggers see them. */
typedef struct Statement
{
	bool		begun;
	TransitionCaptureState *capture;	/* NULL: no trigger asks for the rows */
} Statement;

/* What writing needs; made for the first row that is written. */
typedef struct Writer
{
	EState	   *estate;
	ResultRelInfo *result;
	ResultRelInfo *captured;	/* the same without row triggers */
	EPQState	epq;
	TupleTableSlot *slot;		/* the row to be written */
	Bitmapset **updated;		/* columns that are set; NULL: nothing depends on which */
	Statement	statements[CMD_INSERT + 1];
} Writer;

struct TtRows
{
	TtTable    *table;
	const TtLayout *layout;
	Relation	relation;
	Relation	index;			/* NULL until something is looked for, as scan */
	IndexScanDesc scan;
	int			scan_keys;		/* how many columns scan compares */
	Snapshot	snapshot;
	TupleTableSlot *found;
	TupleTableSlot *current;	/* the row found, or the one just inserted */
	Writer	   *writer;			/* NULL until something is written */
};

TtRows *
tt_rows_open(TtTable *table, int64 user_id)
{
	TtRows	   *rows = palloc0(sizeof(TtRows));

	rows->table = table;
	rows->relation = tt_layout_open(table, user_id, &rows->layout);
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
		rows->index = index_open(rows->layout->index, RowExclusiveLock);
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
	return slot_getattr(rows->current, rows->layout->number[column], isnull);
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

char *
tt_rows_text(TtRows *rows, int column)
{
	bool		isnull;
	Datum		value = tt_rows_datum(rows, column, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
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

/* Does it matter which columns an update sets? */
static bool
has_dependents(Relation relation)
{
	const TupleConstr *constraints = RelationGetDescr(relation)->constr;

	return relation->trigdesc != NULL || (constraints != NULL && constraints->has_generated_stored);
}

/* Where triggers look for the columns that a statement sets: in a range table of this one table. */
static Bitmapset **
updated_columns(Relation relation, EState *estate)
{
	RangeTblEntry *entry = makeNode(RangeTblEntry);
	List	   *rights = NIL;

	entry->rtekind = RTE_RELATION;
	entry->relid = RelationGetRelid(relation);
	entry->relkind = relation->rd_rel->relkind;
	entry->rellockmode = RowExclusiveLock;
	return tt_range_table(estate, entry, rights);
}

static Writer *
begin_writing(TtRows *rows)
{
	Writer	   *writer = palloc0(sizeof(Writer));

	writer->estate = CreateExecutorState();
	writer->estate->es_snapshot = rows->snapshot;
	writer->estate->es_output_cid = GetCurrentCommandId(true);
	writer->result = makeNode(ResultRelInfo);
	if (has_dependents(rows->relation))
		writer->updated = updated_columns(rows->relation, writer->estate);
	InitResultRelInfo(writer->result, rows->relation, writer->updated == NULL ? 0 : 1, NULL, 0);
#ifdef TT_KEEPS_CHECKS
	writer->result->ri_ConstraintExprs = rows->layout->checks;
#endif
	ExecOpenIndices(writer->result, false);
	writer->captured = makeNode(ResultRelInfo);
	*writer->captured = *writer->result;
	writer->captured->ri_TrigDesc = NULL;
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

void
tt_rows_new(TtRows *rows)
{
	TupleTableSlot *slot = cleared_slot(rows);
	EState	   *estate = rows->writer->estate;
	ListCell   *cell;

	memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts * sizeof(bool));
	foreach(cell, rows->layout->defaults)
	{
		const TtDefault *one = lfirst(cell);

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

static void
set(TtRows *rows, int column, Datum value, bool isnull)
{
	Writer	   *writer = rows->writer;
	AttrNumber	number = rows->layout->number[column];

	writer->slot->tts_values[number - 1] = value;
	writer->slot->tts_isnull[number - 1] = isnull;
	if (writer->updated != NULL)
		*writer->updated = bms_add_member(*writer->updated, number - FirstLowInvalidHeapAttributeNumber);
}

void
tt_rows_set(TtRows *rows, int column, Datum value)
{
	set(rows, column, value, false);
}

void
tt_rows_set_null(TtRows *rows, int column)
{
	set(rows, column, (Datum) 0, true);
}

/* What comes before the first row that a command of this kind writes. */
static TransitionCaptureState *
begin_statement(TtRows *rows, CmdType command)
{
	Writer	   *writer = rows->writer;
	Statement  *statement = &writer->statements[command];
	TriggerDesc *triggers = writer->result->ri_TrigDesc;

	if (statement->begun)
		return statement->capture;
	statement->begun = true;
	PreventCommandIfReadOnly(command == CMD_INSERT ? "INSERT" : "UPDATE");
	if (triggers == NULL)
		return NULL;
	statement->capture = MakeTransitionCaptureState(triggers, RelationGetRelid(rows->relation), command);
	if (command == CMD_INSERT)
		ExecBSInsertTriggers(writer->estate, writer->result);
	else
		ExecBSUpdateTriggers(writer->estate, writer->result);
	return statement->capture;
}

/* Was the row stored? A row trigger may have kept it out. */
static bool
is_written(const Writer *writer)
{
	return ItemPointerIsValid(&writer->slot->tts_tid);
}

/* As a statement of each kind that has been begun ends. */
static void
end_statements(Writer *writer)
{
	const Statement *statements = writer->statements;

	if (statements[CMD_INSERT].begun)
		ExecASInsertTriggers(writer->estate, writer->result, statements[CMD_INSERT].capture);
	if (statements[CMD_UPDATE].begun)
		ExecASUpdateTriggers(writer->estate, writer->result, statements[CMD_UPDATE].capture);
}

void
tt_rows_insert(TtRows *rows)
{
	Writer	   *writer = rows->writer;
	TransitionCaptureState *capture = begin_statement(rows, CMD_INSERT);

	ExecSimpleRelationInsert(writer->result, writer->estate, ExecStoreVirtualTuple(writer->slot));
	if (capture != NULL && is_written(writer))
		ExecARInsertTriggers(writer->estate, writer->captured, writer->slot, NIL, capture);
	ResetPerTupleExprContext(writer->estate);
	rows->current = writer->slot;
}

void
tt_rows_update(TtRows *rows)
{
	Writer	   *writer = rows->writer;
	TransitionCaptureState *capture = begin_statement(rows, CMD_UPDATE);

	ExecSimpleRelationUpdate(writer->result, writer->estate, &writer->epq, rows->found,
							 ExecStoreVirtualTuple(writer->slot));
	if (capture != NULL && is_written(writer))
		ExecARUpdateTriggers(writer->estate, writer->captured, NULL, NULL, &rows->found->tts_tid, NULL,
							 writer->slot, NIL, capture, false);
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
	end_statements(writer);
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
