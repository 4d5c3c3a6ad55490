/*
 * row.c: fields of the rows a trigger sees (see row.h).
 */
#include "row.h"

#include "access/htup_details.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/rel.h"

int
tt_row_column(TupleDesc columns, const char *name)
{
	for (int i = 0; i < columns->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(columns, i);

		if (!column->attisdropped && strcmp(NameStr(column->attname), name) == 0)
			return i + 1;
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("the table has no column \"%s\"", name),
			 errhint("Run SELECT timetrackr.install().")));
}

static Datum
get(HeapTuple row, TupleDesc columns, const char *name, bool *isnull)
{
	return heap_getattr(row, tt_row_column(columns, name), columns, isnull);
}

int64
tt_row_int64(HeapTuple row, TupleDesc columns, const char *name)
{
	bool		isnull;
	Datum		value = get(row, columns, name, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

int32
tt_row_int32(HeapTuple row, TupleDesc columns, const char *name)
{
	bool		isnull;
	Datum		value = get(row, columns, name, &isnull);

	return isnull ? 0 : DatumGetInt32(value);
}

bool
tt_row_bool(HeapTuple row, TupleDesc columns, const char *name)
{
	bool		isnull;
	Datum		value = get(row, columns, name, &isnull);

	return !isnull && DatumGetBool(value);
}

char *
tt_row_text(HeapTuple row, TupleDesc columns, const char *name)
{
	bool		isnull;
	Datum		value = get(row, columns, name, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

bool
tt_row_changed(TriggerData *trigger, const char *name)
{
	TupleDesc	columns = RelationGetDescr(trigger->tg_relation);
	Form_pg_attribute column = TupleDescAttr(columns, tt_row_column(columns, name) - 1);
	bool		old_null;
	bool		new_null;
	Datum		old_value = get(trigger->tg_trigtuple, columns, name, &old_null);
	Datum		new_value = get(trigger->tg_newtuple, columns, name, &new_null);

	if (old_null || new_null)
		return old_null != new_null;
	return !datum_image_eq(old_value, new_value, column->attbyval, column->attlen);
}

HeapTuple
tt_row_subject(TriggerData *trigger)
{
	return TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple
		: trigger->tg_trigtuple;
}
