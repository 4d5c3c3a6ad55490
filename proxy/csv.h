/*
 * csv.h - rows as CSV (RFC 4180): a header line with the columns' names, then
 * one line for each row, which timetrackr.csv() has written.
 */
#ifndef TIMETRACKR_CSV_H
#define TIMETRACKR_CSV_H

#include "catalog.h"
#include "text.h"

#define CSV_CONTENT_TYPE "text/csv; charset=utf-8; header=present"

/* Add the header line. */
void		csv_add_header(struct text *text, const struct catalog_route *route);

/* Add the rows of a read's result; those without a record only say that viewer and user exist. */
void		csv_add_rows(struct text *text, const struct db_result *result);

#endif
