/*
 * arguments.c: reading the arguments of SQL-callable functions (arguments.h).
 */
#include "arguments.h"

#include "catalog/pg_type_d.h"
#include "error.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

int64
tt_viewer(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		tt_raise(401, "invalid_token", NULL, NULL, "no acting user is given");
	return PG_GETARG_INT64(0);
}

int64
tt_required_int64(FunctionCallInfo fcinfo, int argument, const char *name)
{
	if (PG_ARGISNULL(argument))
		tt_raise(422, "missing_field", name, NULL, "%s must be given", name);
	return PG_GETARG_INT64(argument);
}

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

char *
tt_trim(const char *s)
{
	size_t		length;

	while (is_blank(*s))
		s++;
	length = strlen(s);
	while (length > 0 && is_blank(s[length - 1]))
		length--;
	return pnstrdup(s, length);
}

char *
tt_required_secret(FunctionCallInfo fcinfo, int argument, const char *name)
{
	if (PG_ARGISNULL(argument))
		tt_raise(422, "missing_field", name, NULL, "%s must be given", name);
	return TextDatumGetCString(PG_GETARG_DATUM(argument));
}

char *
tt_required_text(FunctionCallInfo fcinfo, int argument, const char *name)
{
	return tt_trim(tt_required_secret(fcinfo, argument, name));
}

char *
tt_required_enum(FunctionCallInfo fcinfo, int argument, const char *name)
{
	if (PG_ARGISNULL(argument))
		tt_raise(422, "missing_field", name, NULL, "%s must be given", name);
	return DatumGetCString(DirectFunctionCall1(enum_out, PG_GETARG_DATUM(argument)));
}

/*
 * Between a new library and ALTER EXTENSION functions of an older version call it,
 * with fewer arguments: what is not there must not be read.
 */
static void
require_argument(FunctionCallInfo fcinfo, int argument)
{
	if (argument >= PG_NARGS())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this function is of an older version than the library"),
				 errhint("Run ALTER EXTENSION timetrackr UPDATE, then SELECT timetrackr.install().")));
}

bool
tt_is_given(FunctionCallInfo fcinfo, int argument, const char *name, int given)
{
	Datum	   *names;
	bool	   *nulls;
	int			count;

	require_argument(fcinfo, given);
	if (PG_ARGISNULL(given))
		return !PG_ARGISNULL(argument);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(given), TEXTOID, -1, false, TYPALIGN_INT,
					  &names, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (!nulls[i] && strcmp(TextDatumGetCString(names[i]), name) == 0)
			return true;
	}
	return false;
}
