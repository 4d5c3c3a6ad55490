/*
 * csvtext.h: fields of CSV (RFC 4180), appended to a text. What a record is
 * made of is csvrow.c's; reading CSV is csv.c's.
 */
#ifndef TT_CSVTEXT_H
#define TT_CSVTEXT_H

#include "timetrackr.h"

#include "lib/stringinfo.h"

/* Append length bytes as a field, quoted where it must be. */
extern void tt_csv_field(StringInfo out, const char *text, int length);

/* The same for text that a user wrote: one that looks like a formula gets an apostrophe in front. */
extern void tt_csv_safe_field(StringInfo out, const char *text, int length);

/* Would a spreadsheet take it for a formula, maybe behind apostrophes? */
extern bool tt_csv_is_formula(const char *text, int length);

#endif
