/*
 * call.h: arguments and results of SQL-callable functions.
 */
#ifndef TT_CALL_H
#define TT_CALL_H

#include "timetrackr.h"

/* Argument n as text without blanks around it; TT422 missing_field when NULL. */
extern char *tt_required_text(FunctionCallInfo fcinfo, int n, const char *field);

/* Argument n as text, exactly as given; TT422 missing_field when NULL. */
extern char *tt_required_secret(FunctionCallInfo fcinfo, int n, const char *field);

/* Argument n, a bigint; TT422 missing_field when NULL. */
extern int64 tt_required_int64(FunctionCallInfo fcinfo, int n, const char *field);

/* A copy of s without the ASCII blanks around it. */
extern char *tt_trim(const char *s);

/* Argument n, the acting user; TT401 invalid_token when NULL. */
extern int64 tt_viewer(FunctionCallInfo fcinfo, int n);

/* Raise TT401 invalid_token: the acting user is not there (any more). */
extern void tt_no_viewer(void) pg_attribute_noreturn();

/*
 * The function's row result, made of values and nulls (one per OUT column) and
 * allocated in context, which is to outlive tt_spi_end().
 */
extern Datum tt_row_result(FunctionCallInfo fcinfo, MemoryContext context,
						   Datum *values, bool *nulls);

/*
 * The same, made of the columns of the first row of the last query, which must
 * be those of the function.
 */
extern Datum tt_query_result(FunctionCallInfo fcinfo, MemoryContext context);

/*
 * Does a function that changes given fields change this one, its argument n?
 * given is its argument given_n, a text[]: the names of the fields to change.
 * NULL: those whose argument is not NULL.
 */
extern bool tt_is_given(FunctionCallInfo fcinfo, int n, const char *field, int given_n);

#endif
