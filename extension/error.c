/*
 * error.c: fills the fields of an error report as error.h describes.
 */
#include "error.h"

#include "postgres_ext.h"

bool		tt_codes_in_hints = false;

int
tt_sqlstate(int http_status)
{
	return MAKE_SQLSTATE('T', 'T',
						 '0' + http_status / 100 % 10,
						 '0' + http_status / 10 % 10,
						 '0' + http_status % 10);
}

int
tt_err(const char *code, const char *field, const char *detail)
{
	err_generic_string(PG_DIAG_CONSTRAINT_NAME, code);
	if (field != NULL)
		err_generic_string(PG_DIAG_COLUMN_NAME, field);
	if (detail != NULL)
		errdetail_internal("%s", detail);
	/* Citus hands on neither of the first two when it asks another node. */
	if (tt_codes_in_hints)
		errhint("%s%s%s", code, field == NULL ? "" : " ", field == NULL ? "" : field);
	return 0;
}

bool
tt_is_refusal(const ErrorData *error)
{
	return ERRCODE_TO_CATEGORY(error->sqlerrcode) == MAKE_SQLSTATE('T', 'T', '0', '0', '0');
}

bool
tt_violates(const ErrorData *error, const char *constraint)
{
	if (error->sqlerrcode != ERRCODE_UNIQUE_VIOLATION)
		return false;
	return error->constraint_name != NULL ? strcmp(error->constraint_name, constraint) == 0
		: strstr(error->message, constraint) != NULL;
}

void
tt_hint_codes(ErrorData *error)
{
	if (!tt_codes_in_hints || error->constraint_name == NULL || error->hint != NULL)
		return;
	error->hint = psprintf("%s%s%s", error->constraint_name, error->column_name == NULL ? "" : " ",
						   error->column_name == NULL ? "" : error->column_name);
}
