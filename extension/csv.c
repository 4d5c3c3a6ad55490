/*
 * csv.c: a reader of CSV (see csv.h). Pure: no catalog, no SPI.
 */
#include "csv.h"

static bool
at_line_end(const CsvReader *reader)
{
	const char *at = reader->at;

	return at == reader->end || *at == '\n' ||
		(*at == '\r' && (at + 1 == reader->end || at[1] == '\n'));
}

/* Step over the end of a line. */
static void
end_line(CsvReader *reader)
{
	if (reader->at < reader->end && *reader->at == '\r')
		reader->at++;
	if (reader->at < reader->end && *reader->at == '\n')
		reader->at++;
	reader->line++;
}

static void
take(CsvReader *reader)
{
	if (*reader->at == '\n')
		reader->line++;
	appendStringInfoCharMacro(&reader->text, *reader->at);
	reader->at++;
}

/* The field from its opening quote to its closing one; a fault or NULL. */
static const char *
read_quoted(CsvReader *reader)
{
	reader->at++;
	while (reader->at < reader->end)
	{
		if (*reader->at != '"')
			take(reader);
		else if (reader->at + 1 < reader->end && reader->at[1] == '"')
		{
			reader->at++;
			take(reader);
		}
		else
		{
			reader->at++;
			return at_line_end(reader) || *reader->at == ','
				? NULL : "there is text behind a closing quote";
		}
	}
	return "a quote is never closed";
}

static const char *
read_field(CsvReader *reader)
{
	if (!at_line_end(reader) && *reader->at == '"')
		return read_quoted(reader);
	while (!at_line_end(reader) && *reader->at != ',')
		take(reader);
	return NULL;
}

void
tt_csv_open(CsvReader *reader, const char *text, int length)
{
	bool		has_mark = length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0;

	reader->at = text + (has_mark ? 3 : 0);
	reader->end = text + length;
	reader->line = 1;
	initStringInfo(&reader->text);
}

bool
tt_csv_next(CsvReader *reader, CsvRecord *record)
{
	int			starts[TT_CSV_FIELDS_MAX];
	bool		more = true;

	while (reader->at < reader->end && at_line_end(reader))
		end_line(reader);
	if (reader->at == reader->end)
		return false;
	resetStringInfo(&reader->text);
	record->line = reader->line;
	record->count = 0;
	record->fault = NULL;
	while (more && record->fault == NULL)
	{
		if (record->count == TT_CSV_FIELDS_MAX)
		{
			record->fault = "there are too many fields";
			break;
		}
		starts[record->count++] = reader->text.len;
		record->fault = read_field(reader);
		appendStringInfoChar(&reader->text, '\0');
		more = !at_line_end(reader) && *reader->at == ',';
		reader->at += more;
	}
	while (!at_line_end(reader))
		reader->at++;
	end_line(reader);
	for (int i = 0; i < record->count; i++)
		record->fields[i] = reader->text.data + starts[i];
	return true;
}
