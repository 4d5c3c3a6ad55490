/*
 * document.c - puts a JSON object together (see document.h). The columns read
 * are those that statement.c put into the statement.
 */
#include "document.h"

#include <stdio.h>
#include <string.h>

#define ITEM_COLUMN 2
#define SECTION_COLUMN 3
#define MANY_COLUMN 5

static void
begin_section(struct document *document, struct text *text, const char *section, bool many)
{
	if (document->many)
		text_add_char(text, ']');
	text_add_char(text, document->section[0] == '\0' ? '{' : ',');
	text_add_json(text, section);
	text_add(text, many ? ":[" : ":");
	snprintf(document->section, sizeof document->section, "%s", section);
	document->many = many;
	document->has_items = false;
}

void
document_add_rows(struct document *document, struct text *text, const struct db_result *result)
{
	for (int i = 0; i < db_result_rows(result); i++)
	{
		const char *section = db_result_value(result, i, SECTION_COLUMN);
		const char *many = db_result_value(result, i, MANY_COLUMN);
		const char *item = db_result_value(result, i, ITEM_COLUMN);

		if (section == NULL || many == NULL)
			continue;
		if (strcmp(section, document->section) != 0)
			begin_section(document, text, section, *many == 't');
		if (item == NULL)
			continue;
		if (document->has_items)
			text_add_char(text, ',');
		text_add_bytes(text, item, db_result_length(result, i, ITEM_COLUMN));
		document->has_items = true;
	}
}

void
document_end(struct document *document, struct text *text)
{
	if (document->section[0] == '\0')
		text_add_char(text, '{');
	text_add(text, document->many ? "]}" : "}");
	*document = (struct document) {0};
}
