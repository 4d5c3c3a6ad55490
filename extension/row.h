/*
 * row.h: fields of the rows a trigger sees, found by column name: a restored
 * table may have its columns in another order.
 */
#ifndef TT_ROW_H
#define TT_ROW_H

#include "timetrackr.h"

#include "access/htup.h"
#include "access/tupdesc.h"
#include "commands/trigger.h"

/* Number of the column, from 1. */
extern int	tt_row_column(TupleDesc columns, const char *name);

/* NULL counts as 0 / NULL text. Text is palloc'd. */
extern int64 tt_row_int64(HeapTuple row, TupleDesc columns, const char *name);
extern int32 tt_row_int32(HeapTuple row, TupleDesc columns, const char *name);
extern bool tt_row_bool(HeapTuple row, TupleDesc columns, const char *name);
extern char *tt_row_text(HeapTuple row, TupleDesc columns, const char *name);

/* In an UPDATE trigger: does the column differ between old and new row? */
extern bool tt_row_changed(TriggerData *trigger, const char *name);

/* In a row trigger: the row as it is after the event, or was before a DELETE. */
extern HeapTuple tt_row_subject(TriggerData *trigger);

#endif
