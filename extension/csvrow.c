/*
 * csvrow.c: csv(record) in SQL: a row as a record of CSV. How to write each
 * column is found out once per statement.
 */
#include "timetrackr.h"

#include "csvtext.h"
#include "jsontext.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(tt_csv);

/* How to write the rows of one row type; kept in fn_extra. */
typedef struct RowWriter
{
	Oid			type;
	int32		typmod;
	TupleDesc	desc;
	FmgrInfo	output[FLEXIBLE_ARRAY_MEMBER];	/* of each column */
} RowWriter;

static RowWriter *
make_writer(Oid type, int32 typmod, MemoryContext context)
{
	MemoryContext caller = MemoryContextSwitchTo(context);
	TupleDesc	desc = lookup_rowtype_tupdesc_copy(type, typmod);
	RowWriter  *writer = palloc0(offsetof(RowWriter, output) + desc->natts * sizeof(FmgrInfo));

	writer->type = type;
	writer->typmod = typmod;
	writer->desc = desc;
	for (int i = 0; i < desc->natts; i++)
	{
		Oid			function;
		bool		is_varlena;

		if (TupleDescAttr(desc, i)->attisdropped)
			continue;
		getTypeOutputInfo(TupleDescAttr(desc, i)->atttypid, &function, &is_varlena);
		fmgr_info_cxt(function, &writer->output[i], context);
	}
	MemoryContextSwitchTo(caller);
	return writer;
}

static void
append_text(StringInfo out, Datum value)
{
	text	   *string = DatumGetTextPP(value);

	tt_csv_safe_field(out, VARDATA_ANY(string), VARSIZE_ANY_EXHDR(string));
}

/* A list of texts is a record within the field. */
static void
append_list(StringInfo out, Datum value)
{
	StringInfoData list;
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, &nulls, &count);
	initStringInfo(&list);
	for (int i = 0; i < count; i++)
	{
		text	   *element = nulls[i] ? NULL : DatumGetTextPP(elements[i]);

		if (i > 0)
			appendStringInfoChar(&list, ',');
		if (element != NULL)
			tt_csv_field(&list, VARDATA_ANY(element), VARSIZE_ANY_EXHDR(element));
	}
	tt_csv_safe_field(out, list.data, list.len);
	pfree(list.data);
}

/* A time as in JSON, without its quotes; infinite ones are empty. */
static void
append_time(StringInfo out, TimestampTz instant)
{
	StringInfoData json;

	if (TIMESTAMP_NOT_FINITE(instant))
		return;
	initStringInfo(&json);
	tt_json_timestamptz(&json, instant);
	appendBinaryStringInfo(out, json.data + 1, json.len - 2);
	pfree(json.data);
}

static bool
is_number(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID ||
		type == FLOAT4OID || type == FLOAT8OID || type == NUMERICOID;
}

static void
append_value(StringInfo out, Datum value, Oid type, FmgrInfo *output)
{
	char	   *string;

	if (type == TEXTOID || type == VARCHAROID)
		append_text(out, value);
	else if (type == TEXTARRAYOID)
		append_list(out, value);
	else if (type == TIMESTAMPTZOID)
		append_time(out, DatumGetTimestampTz(value));
	else if (type == BOOLOID)
		appendStringInfoString(out, DatumGetBool(value) ? "true" : "false");
	else
	{
		string = OutputFunctionCall(output, value);
		if (is_number(type))
			tt_csv_field(out, string, strlen(string));
		else
			tt_csv_safe_field(out, string, strlen(string));
		pfree(string);
	}
}

/* csv(source) */
Datum
tt_csv(PG_FUNCTION_ARGS)
{
	HeapTupleHeader row = PG_GETARG_HEAPTUPLEHEADER(0);
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(row),.t_data = row};
	Oid			type = HeapTupleHeaderGetTypeId(row);
	int32		typmod = HeapTupleHeaderGetTypMod(row);
	RowWriter  *writer = fcinfo->flinfo->fn_extra;
	StringInfoData out;
	bool		first = true;

	if (writer == NULL || writer->type != type || writer->typmod != typmod)
		fcinfo->flinfo->fn_extra = writer = make_writer(type, typmod, fcinfo->flinfo->fn_mcxt);
	initStringInfo(&out);
	for (int i = 0; i < writer->desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(writer->desc, i);
		bool		isnull;
		Datum		value;

		if (attribute->attisdropped)
			continue;
		if (!first)
			appendStringInfoChar(&out, ',');
		first = false;
		value = heap_getattr(&tuple, i + 1, writer->desc, &isnull);
		if (!isnull)
			append_value(&out, value, attribute->atttypid, &writer->output[i]);
	}
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}
