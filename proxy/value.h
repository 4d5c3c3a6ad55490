/*
 * value.h - is this text a value of that type? For what a request carries as
 * text: path, query, cursor, and strings of a JSON body.
 */
#ifndef TIMETRACKR_VALUE_H
#define TIMETRACKR_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "catalog.h"

enum value_status
{
	VALUE_OK,
	VALUE_BAD,					/* no value of this type */
	VALUE_OUT_OF_RANGE			/* a whole number beyond the type's range */
};

/*
 * Check well-formed UTF-8 text without NUL: whole numbers in decimal, times in
 * RFC 3339 with an offset, dates as YYYY-MM-DD, true or false, labels of an enum. What passes is
 * input that PostgreSQL understands as the same value.
 */
enum value_status value_check(const struct catalog_type *type, const char *text);

/* What a value of this type looks like, for people: "a whole number", "one of day, week". */
void		value_describe(const struct catalog_type *type, char *out, size_t out_size);

#endif
