/*
 * import.h: a line of a file that is imported, on its way from text to entry.
 */
#ifndef TT_IMPORT_H
#define TT_IMPORT_H

#include "timetrackr.h"

#define TT_IMPORT_LINES_MAX 100000

typedef enum ImportOutcome { IMPORT_NEW, IMPORT_DUPLICATE, IMPORT_FAULT } ImportOutcome;

typedef struct ImportLine
{
	int			line;			/* in the file, from 1 */
	ImportOutcome outcome;
	const char *code;			/* of a fault */
	const char *detail;
	const char *project;		/* its name; NULL: none is named */
	int64		project_id;		/* that the file says, 0: none; once resolved, the entry's */
	int			new_project;	/* index of a project to be made, -1: none */
	TimestampTz start;			/* whole seconds */
	TimestampTz end;
	const char *timezone;
	const char *note;
	const char *tags;			/* as PostgreSQL writes a text[] */
} ImportLine;

/* The lines of a file, in their order. */
typedef struct ImportLines
{
	ImportLine *lines;
	int			count;
	int			capacity;
} ImportLines;

/* Note what is wrong with a line; detail is a sentence for people. */
static inline void
tt_import_fault(ImportLine *line, const char *code, const char *detail)
{
	line->outcome = IMPORT_FAULT;
	line->code = code;
	line->detail = detail;
}

#endif
