/*
 * json.c: rows and arrays as JSON (see json.h), and json(record) in SQL. How
 * single values look is the business of jsontext.c.
 *
 * How to write a row is found out once per row type and session, and kept: a
 * prepared statement that returns one row must not look every column's type
 * up each time.
 */
#include "json.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "jsontext.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "utils/array.h"
#include "utils/hsearch.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

/*
 * So many row types does a session remember. More than an application has;
 * but a session that goes on making row types must not grow for ever.
 */
#define SHAPES_MAX 500

typedef struct Writer Writer;

/* Append a value of the writer's type; the value is not null. */
typedef void (*WriteFunction) (StringInfo out, Datum value, Writer *writer);

/* How to write values of one type. */
struct Writer
{
	Oid			type;			/* not a domain */
	WriteFunction write;
	FmgrInfo	function;		/* output or cast function of other types */
	Writer	   *element;		/* of an array; NULL when each value tells its own */
};

typedef struct Column
{
	char	   *key;			/* {"name": or ,"name": or NULL for a dropped column */
	int			key_length;
	Writer		writer;
} Column;

/* How to write rows of one row type. */
typedef struct Shape
{
	MemoryContext context;		/* holds all of it */
	uint64		identifier;		/* changes when the row type does */
	TupleDesc	desc;
	Column		columns[FLEXIBLE_ARRAY_MEMBER];
} Shape;

typedef struct ShapeKey
{
	Oid			type;
	int32		typmod;
} ShapeKey;

typedef struct ShapeEntry
{
	ShapeKey	key;
	Shape	   *shape;
} ShapeEntry;

PG_FUNCTION_INFO_V1(tt_json);

static void prepare_writer(Writer *writer, Oid type, MemoryContext context);

/* ---- scalars ---- */

static void
write_bool(StringInfo out, Datum value, Writer *writer)
{
	tt_json_bool(out, DatumGetBool(value));
}

static void
write_int2(StringInfo out, Datum value, Writer *writer)
{
	tt_json_integer(out, DatumGetInt16(value));
}

static void
write_int4(StringInfo out, Datum value, Writer *writer)
{
	tt_json_integer(out, DatumGetInt32(value));
}

static void
write_int8(StringInfo out, Datum value, Writer *writer)
{
	tt_json_integer(out, DatumGetInt64(value));
}

static void
write_float4(StringInfo out, Datum value, Writer *writer)
{
	tt_json_float4(out, DatumGetFloat4(value));
}

static void
write_float8(StringInfo out, Datum value, Writer *writer)
{
	tt_json_float8(out, DatumGetFloat8(value));
}

static void
write_numeric(StringInfo out, Datum value, Writer *writer)
{
	tt_json_numeric(out, DatumGetNumeric(value));
}

static void
write_text(StringInfo out, Datum value, Writer *writer)
{
	text	   *string = DatumGetTextPP(value);

	tt_json_string(out, VARDATA_ANY(string), VARSIZE_ANY_EXHDR(string));
}

static void
write_bytea(StringInfo out, Datum value, Writer *writer)
{
	bytea	   *bytes = DatumGetByteaPP(value);

	tt_json_base64(out, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
}

static void
write_date(StringInfo out, Datum value, Writer *writer)
{
	tt_json_date(out, DatumGetDateADT(value));
}

static void
write_timestamp(StringInfo out, Datum value, Writer *writer)
{
	tt_json_timestamp(out, DatumGetTimestamp(value));
}

static void
write_timestamptz(StringInfo out, Datum value, Writer *writer)
{
	tt_json_timestamptz(out, DatumGetTimestampTz(value));
}

static void
write_json(StringInfo out, Datum value, Writer *writer)
{
	text	   *json = DatumGetTextPP(value);

	appendBinaryStringInfo(out, VARDATA_ANY(json), VARSIZE_ANY_EXHDR(json));
}

static void
write_jsonb(StringInfo out, Datum value, Writer *writer)
{
	Jsonb	   *json = DatumGetJsonbP(value);

	(void) JsonbToCString(out, &json->root, VARSIZE(json));
}

/* A type with a cast to json. */
static void
write_cast(StringInfo out, Datum value, Writer *writer)
{
	write_json(out, FunctionCall1(&writer->function, value), writer);
}

/* A type that JSON has no value for: its output, as a string. */
static void
write_output(StringInfo out, Datum value, Writer *writer)
{
	char	   *string = OutputFunctionCall(&writer->function, value);

	tt_json_string(out, string, strlen(string));
	pfree(string);
}

/* ---- arrays ---- */

/* Append one dimension and those below it; *next counts elements appended. */
static void
append_dimension(StringInfo out, Writer *element, int ndim, const int *dims,
				 const Datum *values, const bool *nulls, int *next)
{
	appendStringInfoCharMacro(out, '[');
	for (int i = 0; i < dims[0]; i++)
	{
		if (i > 0)
			appendStringInfoCharMacro(out, ',');
		if (ndim > 1)
		{
			append_dimension(out, element, ndim - 1, dims + 1, values, nulls, next);
			continue;
		}
		if (nulls[*next])
			tt_json_null(out);
		else
			element->write(out, values[*next], element);
		(*next)++;
	}
	appendStringInfoCharMacro(out, ']');
}

static void
write_array(StringInfo out, Datum value, Writer *writer)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	Writer		own;
	Writer	   *element = writer->element;
	int16		length;
	bool		by_value;
	char		align;
	Datum	   *values;
	bool	   *nulls;
	int			count;
	int			next = 0;

	if (ARR_NDIM(array) == 0)
	{
		appendBinaryStringInfo(out, "[]", 2);
		return;
	}
	if (element == NULL)
	{
		element = &own;
		prepare_writer(element, ARR_ELEMTYPE(array), CurrentMemoryContext);
	}
	get_typlenbyvalalign(ARR_ELEMTYPE(array), &length, &by_value, &align);
	deconstruct_array(array, ARR_ELEMTYPE(array), length, by_value, align,
					  &values, &nulls, &count);
	append_dimension(out, element, ARR_NDIM(array), ARR_DIMS(array), values, nulls, &next);
	pfree(values);
	pfree(nulls);
}

/* ---- rows ---- */

static void
write_row(StringInfo out, Datum value, Writer *writer)
{
	tt_json_row(out, value);
}

/* The text before a column's value. */
static void
prepare_key(Column *column, const char *name, bool first)
{
	StringInfoData key;

	initStringInfo(&key);
	appendStringInfoChar(&key, first ? '{' : ',');
	tt_json_string(&key, name, strlen(name));
	appendStringInfoChar(&key, ':');
	column->key = pnstrdup(key.data, key.len);
	column->key_length = key.len;
	pfree(key.data);
}

/* Find out how to write rows of a type. All of it is in one context. */
static Shape *
make_shape(Oid type, int32 typmod)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "timetrackr JSON shape",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	TupleDesc	desc = lookup_rowtype_tupdesc_copy(type, typmod);
	Shape	   *shape = palloc0(offsetof(Shape, columns) + desc->natts * sizeof(Column));
	bool		first = true;

	shape->context = context;
	shape->identifier = assign_record_type_identifier(type, typmod);
	shape->desc = desc;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (attribute->attisdropped)
			continue;
		prepare_key(&shape->columns[i], NameStr(attribute->attname), first);
		prepare_writer(&shape->columns[i].writer, attribute->atttypid, context);
		first = false;
	}
	MemoryContextSwitchTo(caller);
	return shape;
}

/*
 * The shape of a row type. *kept tells whether the session keeps it; else the
 * caller deletes its context. What is kept is never freed, for a caller up the
 * stack may be using it still; so shapes of changed row types count as well.
 */
static Shape *
find_shape(Oid type, int32 typmod, bool *kept)
{
	static HTAB *shapes = NULL;
	static int	shapes_kept = 0;
	ShapeKey	key = {.type = type,.typmod = typmod};
	ShapeEntry *entry;
	Shape	   *shape;

	if (shapes == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(ShapeKey),.entrysize = sizeof(ShapeEntry)};

		shapes = hash_create("timetrackr JSON shapes", 64, &control, HASH_ELEM | HASH_BLOBS);
	}
	*kept = true;
	entry = hash_search(shapes, &key, HASH_FIND, NULL);
	if (entry != NULL && entry->shape->identifier == assign_record_type_identifier(type, typmod))
		return entry->shape;

	shape = make_shape(type, typmod);
	*kept = shapes_kept < SHAPES_MAX;
	if (*kept)
	{
		entry = hash_search(shapes, &key, HASH_ENTER, NULL);
		MemoryContextSetParent(shape->context, TopMemoryContext);
		entry->shape = shape;
		shapes_kept++;
	}
	return shape;
}

/* Append a row as an object. */
static void
append_columns(StringInfo out, HeapTupleHeader row, Shape *shape)
{
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(row),.t_data = row};
	int			natts = shape->desc->natts;
	bool		empty = true;
	Datum	   *values = palloc(natts * (sizeof(Datum) + sizeof(bool)));
	bool	   *nulls = (bool *) (values + natts);

	heap_deform_tuple(&tuple, shape->desc, values, nulls);
	for (int i = 0; i < natts; i++)
	{
		Column	   *column = &shape->columns[i];

		if (column->key == NULL)
			continue;
		appendBinaryStringInfo(out, column->key, column->key_length);
		if (nulls[i])
			tt_json_null(out);
		else
			column->writer.write(out, values[i], &column->writer);
		empty = false;
	}
	/* The first column's key brings the brace along. */
	if (empty)
		appendStringInfoCharMacro(out, '{');
	appendStringInfoCharMacro(out, '}');
	pfree(values);
}

void
tt_json_row(StringInfo out, Datum row)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(row);
	Shape	   *shape;
	bool		kept;

	check_stack_depth();
	shape = find_shape(HeapTupleHeaderGetTypeId(header), HeapTupleHeaderGetTypMod(header), &kept);
	append_columns(out, header, shape);
	if (!kept)
		MemoryContextDelete(shape->context);
}

/* ---- which type is written how ---- */

static const struct
{
	Oid			type;
	WriteFunction write;
}			plain_types[] = {
	{BOOLOID, write_bool},
	{INT2OID, write_int2},
	{INT4OID, write_int4},
	{INT8OID, write_int8},
	{FLOAT4OID, write_float4},
	{FLOAT8OID, write_float8},
	{NUMERICOID, write_numeric},
	{TEXTOID, write_text},
	{VARCHAROID, write_text},
	{BPCHAROID, write_text},
	{BYTEAOID, write_bytea},
	{DATEOID, write_date},
	{TIMESTAMPOID, write_timestamp},
	{TIMESTAMPTZOID, write_timestamptz},
	{JSONOID, write_json},
	{JSONBOID, write_jsonb},
};

/* Any other scalar: its cast to json, or its output as a string. */
static void
prepare_function(Writer *writer, MemoryContext context)
{
	Oid			function;
	bool		is_varlena;

	if (writer->type >= FirstNormalObjectId &&
		find_coercion_pathway(JSONOID, writer->type, COERCION_EXPLICIT,
							  &function) == COERCION_PATH_FUNC)
		writer->write = write_cast;
	else
	{
		getTypeOutputInfo(writer->type, &function, &is_varlena);
		writer->write = write_output;
	}
	fmgr_info_cxt(function, &writer->function, context);
}

/* Fill writer for values of a type; what it needs is kept in context. */
static void
prepare_writer(Writer *writer, Oid type, MemoryContext context)
{
	Oid			base = getBaseType(type);
	Oid			element = get_element_type(base);

	*writer = (Writer) {.type = base};
	for (int i = 0; i < lengthof(plain_types); i++)
		if (plain_types[i].type == base)
		{
			writer->write = plain_types[i].write;
			return;
		}
	if (base == ANYARRAYOID)
		writer->write = write_array;
	else if (OidIsValid(element))
	{
		writer->write = write_array;
		writer->element = MemoryContextAlloc(context, sizeof(Writer));
		prepare_writer(writer->element, element, context);
	}
	else if (type_is_rowtype(base))
		writer->write = write_row;
	else
		prepare_function(writer, context);
}

/* json(source) */
Datum
tt_json(PG_FUNCTION_ARGS)
{
	StringInfoData out;

	/* Write behind room for the length word: the buffer is the result. */
	initStringInfo(&out);
	out.len = VARHDRSZ;
	tt_json_row(&out, PG_GETARG_DATUM(0));
	SET_VARSIZE(out.data, out.len);
	PG_RETURN_TEXT_P((text *) out.data);
}
