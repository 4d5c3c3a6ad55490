/*
 * csv.h: reading CSV (RFC 4180) record by record. Knows nothing of what the
 * fields mean; writing is csvtext.c's.
 */
#ifndef TT_CSV_H
#define TT_CSV_H

#include "timetrackr.h"

#include "lib/stringinfo.h"

#define TT_CSV_FIELDS_MAX 64

typedef struct CsvReader
{
	const char *at;				/* what is left */
	const char *end;
	int			line;			/* of at, from 1 */
	StringInfoData text;		/* of the fields of the present record */
} CsvReader;

typedef struct CsvRecord
{
	int			line;			/* at which it begins */
	int			count;
	const char *fields[TT_CSV_FIELDS_MAX];	/* valid until the next record is read */
	const char *fault;			/* why it is malformed; NULL: it is not */
} CsvRecord;

/* Begin to read length bytes without NUL, which stay where they are. A byte order mark is stepped over. */
extern void tt_csv_open(CsvReader *reader, const char *text, int length);

/*
 * Read the next record; false: there is none. Lines end with LF or CRLF; empty
 * ones are passed over. A malformed record ends with its line, or with the
 * text when a quote is never closed.
 */
extern bool tt_csv_next(CsvReader *reader, CsvRecord *record);

#endif
