/*
 * document.h - rows → one JSON object, whose members are an object or an array each.
 */
#ifndef TIMETRACKR_DOCUMENT_H
#define TIMETRACKR_DOCUMENT_H

#include <stdbool.h>

#include "db.h"
#include "text.h"

/* Longest name of a member, with its NUL. */
#define DOCUMENT_NAME_MAX 64

/* How far it has come. All zero: not begun. */
struct document
{
	char		section[DOCUMENT_NAME_MAX]; /* the member being written */
	bool		many;			/* it is an array */
	bool		has_items;
};

/*
 * Append rows of a statement of SHAPE_DOCUMENT. Each has a section and an item
 * of it; one that is many begins with a row without item.
 */
void		document_add_rows(struct document *document, struct text *text, const struct db_result *result);

/* Append what is missing behind the last row. */
void		document_end(struct document *document, struct text *text);

#endif
