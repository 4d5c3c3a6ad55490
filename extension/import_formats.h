/*
 * import_formats.h: the files that can be imported, told apart by their
 * header, and their records as lines. What is in the database already does not matter here.
 */
#ifndef TT_IMPORT_FORMATS_H
#define TT_IMPORT_FORMATS_H

#include "import.h"
#include "import_times.h"

/* How to read a file. */
typedef struct ImportOptions
{
	const char *timezone;		/* of local times in it */
	bool		order_given;
	DayMonthOrder	order;			/* of days and months; else found out */
} ImportOptions;

/*
 * Read length bytes of a file into lines, each new or a fault. Raises 422
 * unknown_format when the header is none of ours, too_many_lines. What it
 * allocates stays in the current context.
 */
extern void tt_import_read(const char *text, int length, const ImportOptions *options,
						   ImportLines *lines);

#endif
