/*
 * csv.c - puts lines of CSV together (see csv.h). The column read is the one
 * that catalog.c put into the statement.
 */
#include "csv.h"

#define RECORD_COLUMN 2

void
csv_add_header(struct text *text, const struct catalog_route *route)
{
	/* names of SQL columns: nothing in them needs quotes */
	for (size_t i = 0; i < route->column_count; i++)
	{
		if (i > 0)
			text_add_char(text, ',');
		text_add(text, route->columns[i].name);
	}
	text_add(text, "\r\n");
}

void
csv_add_rows(struct text *text, const struct db_result *result)
{
	for (int i = 0; i < db_result_rows(result); i++)
	{
		const char *record = db_result_value(result, i, RECORD_COLUMN);

		if (record == NULL)
			continue;
		text_add_bytes(text, record, db_result_length(result, i, RECORD_COLUMN));
		text_add(text, "\r\n");
	}
}
