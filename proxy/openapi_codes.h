/*
 * openapi_codes.h - the codes of errors that the comment of a function lists.
 *
 * A comment ends with "Errors: 409 email_taken, username_taken; 422 too_long."
 * There, every word with an underscore is a code of the status before it, unless
 * it names an argument or a function; what stands in parentheses is not read.
 * "as f" takes over the errors of function f, of the statuses before it if there are any.
 */
#ifndef TIMETRACKR_OPENAPI_CODES_H
#define TIMETRACKR_OPENAPI_CODES_H

#include <stddef.h>

#include "catalog.h"

#define OPENAPI_CODES_MAX 64
#define OPENAPI_CODE_SIZE 64

/* What comes before the list of errors in a comment. */
#define OPENAPI_ERRORS_MARK "Errors: "

struct openapi_code
{
	int			status;
	char		name[OPENAPI_CODE_SIZE];
};

struct openapi_codes
{
	struct openapi_code list[OPENAPI_CODES_MAX];
	size_t		count;
};

/* Add a code unless it is there. */
void		openapi_add_code(struct openapi_codes *codes, int status, const char *name, size_t length);

/* The codes that the operation of a route has of its own: its function's, and those of missing rows. */
void		openapi_find_codes(const struct catalog *catalog, const struct catalog_route *route,
							   struct openapi_codes *codes);

#endif
