/*
 * entry_row.h: a row of time_entries as C sees it, read from tuples and slots.
 * No rules here.
 */
#ifndef TT_ENTRY_ROW_H
#define TT_ENTRY_ROW_H

#include "timetrackr.h"

#include "access/htup.h"
#include "executor/tuptable.h"
#include "pgtime.h"

typedef enum EntryColumn
{
	COLUMN_USER_ID,
	COLUMN_ID,
	COLUMN_PROJECT_ID,
	COLUMN_START_TIME,
	COLUMN_END_TIME,
	COLUMN_DURATION,
	COLUMN_TIMEZONE,
	COLUMN_NOTE,
	COLUMN_TAGS,
	COLUMN_FLAGGED,
	COLUMN_CREATED_AT,
	COLUMN_UPDATED_AT,
	ENTRY_COLUMNS
} EntryColumn;

/* Attribute numbers of the columns, as the table has them now. */
typedef struct EntryColumns
{
	AttrNumber	number[ENTRY_COLUMNS];
} EntryColumns;

/* What derived rows are made from. */
typedef struct EntryRow
{
	int64		user_id;
	int64		id;
	int64		project_id;
	TimestampTz start_time;
	TimestampTz end_time;		/* DT_NOEND while it runs */
	bool		counts;			/* ended and not flagged */
	pg_tz	   *timezone;
} EntryRow;

/* Find the columns in desc; a missing one is an error. */
extern void tt_entry_columns(TupleDesc desc, EntryColumns *columns);

/* Read the row in slot. */
extern void tt_entry_from_slot(TupleTableSlot *slot, const EntryColumns *columns, EntryRow *row);

/* Length of an ended entry in seconds. */
static inline int64
tt_entry_seconds(const EntryRow *row)
{
	return (row->end_time - row->start_time) / USECS_PER_SEC;
}

#endif
