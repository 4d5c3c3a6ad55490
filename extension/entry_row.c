/*
 * entry_row.c: reading rows of time_entries by column name.
 */
#include "entry_row.h"

#include "catalog/pg_type_d.h"
#include "day.h"
#include "utils/builtins.h"

/* In the order of EntryColumn. */
static const struct
{
	const char *name;
	Oid			type;
}			known_columns[ENTRY_COLUMNS] = {
	{"user_id", INT8OID},
	{"id", INT8OID},
	{"project_id", INT8OID},
	{"start_time", TIMESTAMPTZOID},
	{"end_time", TIMESTAMPTZOID},
	{"duration", INT8OID},
	{"timezone", TEXTOID},
	{"note", TEXTOID},
	{"tags", TEXTARRAYOID},
	{"flagged", BOOLOID},
	{"created_at", TIMESTAMPTZOID},
	{"updated_at", TIMESTAMPTZOID},
};

/* The table is its owner's to alter; a value read as another type could end the server. */
static void
require_type(Form_pg_attribute attribute, Oid type)
{
	if (attribute->atttypid != type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of table timetrackr.time_entries must be of type %s",
						NameStr(attribute->attname), format_type_be(type))));
}

void
tt_entry_columns(TupleDesc desc, EntryColumns *columns)
{
	int			found = 0;

	/* Both lists have the same order, so this is one pass in practice. */
	for (int pass = 0; pass < ENTRY_COLUMNS && found < ENTRY_COLUMNS; pass++)
	{
		for (int i = 0; i < desc->natts && found < ENTRY_COLUMNS; i++)
		{
			Form_pg_attribute attribute = TupleDescAttr(desc, i);

			if (!attribute->attisdropped &&
				strcmp(NameStr(attribute->attname), known_columns[found].name) == 0)
			{
				require_type(attribute, known_columns[found].type);
				columns->number[found++] = attribute->attnum;
			}
		}
	}
	if (found < ENTRY_COLUMNS)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("table timetrackr.time_entries has no column \"%s\"", known_columns[found].name)));
}

static Datum
column(TupleTableSlot *slot, const EntryColumns *columns, EntryColumn which, bool *isnull)
{
	return slot_getattr(slot, columns->number[which], isnull);
}

void
tt_entry_from_slot(TupleTableSlot *slot, const EntryColumns *columns, EntryRow *row)
{
	bool		isnull;
	Datum		end_time;
	char		timezone[TZ_STRLEN_MAX + 1];

	row->user_id = DatumGetInt64(column(slot, columns, COLUMN_USER_ID, &isnull));
	row->id = DatumGetInt64(column(slot, columns, COLUMN_ID, &isnull));
	row->project_id = DatumGetInt64(column(slot, columns, COLUMN_PROJECT_ID, &isnull));
	row->start_time = DatumGetTimestampTz(column(slot, columns, COLUMN_START_TIME, &isnull));
	text_to_cstring_buffer(DatumGetTextPP(column(slot, columns, COLUMN_TIMEZONE, &isnull)),
						   timezone, sizeof(timezone));
	row->timezone = tt_timezone(timezone);

	end_time = column(slot, columns, COLUMN_END_TIME, &isnull);
	row->end_time = isnull ? DT_NOEND : DatumGetTimestampTz(end_time);
	row->counts = !isnull &&
		!DatumGetBool(column(slot, columns, COLUMN_FLAGGED, &isnull));
}
