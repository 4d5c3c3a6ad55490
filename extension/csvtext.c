/*
 * csvtext.c: writes fields of CSV (see csvtext.h).
 *
 * Spreadsheets run a cell that starts with = + - @, a tab or a carriage
 * return as a formula, also out of a file of somebody else's text. An
 * apostrophe in front makes them show it. Text with apostrophes before such a
 * character gets one more, so that a reader can tell which ones were added.
 */
#include "csvtext.h"

bool
tt_csv_is_formula(const char *text, int length)
{
	int			i = 0;

	while (i < length && text[i] == '\'')
		i++;
	return i < length && text[i] != '\0' && strchr("=+-@\t\r", text[i]) != NULL;
}

/* A field keeps outer blanks only in quotes, for readers that strip them. */
static bool
needs_quotes(const char *text, int length)
{
	if (length == 0)
		return false;
	if (text[0] == ' ' || text[length - 1] == ' ')
		return true;
	for (int i = 0; i < length; i++)
	{
		if (text[i] == ',' || text[i] == '"' || text[i] == '\n' || text[i] == '\r')
			return true;
	}
	return false;
}

static void
append_field(StringInfo out, const char *mark, const char *text, int length)
{
	bool		quotes = needs_quotes(text, length);

	if (quotes)
		appendStringInfoChar(out, '"');
	appendStringInfoString(out, mark);
	if (!quotes)
	{
		appendBinaryStringInfo(out, text, length);
		return;
	}
	for (int i = 0; i < length; i++)
	{
		if (text[i] == '"')
			appendStringInfoChar(out, '"');
		appendStringInfoChar(out, text[i]);
	}
	appendStringInfoChar(out, '"');
}

void
tt_csv_field(StringInfo out, const char *text, int length)
{
	append_field(out, "", text, length);
}

void
tt_csv_safe_field(StringInfo out, const char *text, int length)
{
	append_field(out, tt_csv_is_formula(text, length) ? "'" : "", text, length);
}
