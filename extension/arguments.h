/*
 * arguments.h: reading the arguments of SQL-callable functions.
 */
#ifndef TT_ARGUMENTS_H
#define TT_ARGUMENTS_H

#include "timetrackr.h"

/* The acting user: argument 0. NULL raises 401 invalid_token. */
extern int64 tt_viewer(FunctionCallInfo fcinfo);

/* A bigint that must be given, else 422 missing_field naming it. */
extern int64 tt_required_int64(FunctionCallInfo fcinfo, int argument, const char *name);

/* A text that must be given, else 422 missing_field: without the blanks around it. */
extern char *tt_required_text(FunctionCallInfo fcinfo, int argument, const char *name);

/* The same, exactly as given: passwords and tokens. */
extern char *tt_required_secret(FunctionCallInfo fcinfo, int argument, const char *name);

/* The label of an enum that must be given, else 422 missing_field. */
extern char *tt_required_enum(FunctionCallInfo fcinfo, int argument, const char *name);

/* A copy of s without the ASCII blanks around it. */
extern char *tt_trim(const char *s);

/*
 * Is the argument of a PATCH function to be applied? given, a text[] argument
 * number, lists the fields the client named; without it every argument that
 * is not NULL applies. NULL then clears. given is the last argument: a call with
 * fewer is that of an older version, and an error.
 */
extern bool tt_is_given(FunctionCallInfo fcinfo, int argument, const char *name, int given);

#endif
