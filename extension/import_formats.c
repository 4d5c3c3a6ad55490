/*
 * import_formats.c: reads the formats of files (see import_formats.h): our own
 * export, which has instants, and the detailed exports of Toggl and Clockify,
 * which have local dates and times without a zone.
 */
#include "import_formats.h"

#include "csv.h"
#include "csvtext.h"
#include "day.h"
#include "entry_rules.h"
#include "error.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

/* The fields that are read; each has one column, or none. */
typedef enum Field
{
	FIELD_PROJECT,
	FIELD_PROJECT_ID,
	FIELD_START,				/* an instant, or the time of day */
	FIELD_START_DATE,
	FIELD_END,
	FIELD_END_DATE,
	FIELD_DURATION,
	FIELD_TIMEZONE,
	FIELD_NOTE,
	FIELD_TAGS,
	FIELDS
} Field;

/* A column's name in a header, in any case, and the field it is. */
typedef struct ColumnName
{
	const char *name;
	Field		field;
} ColumnName;

static const ColumnName own_columns[] = {
	{"project", FIELD_PROJECT},
	{"project_id", FIELD_PROJECT_ID},
	{"start_time", FIELD_START},
	{"end_time", FIELD_END},
	{"timezone", FIELD_TIMEZONE},
	{"note", FIELD_NOTE},
	{"tags", FIELD_TAGS},
	{NULL}
};

/* Toggl has Duration, Clockify Duration (h); Toggl has called its end both ways. */
static const ColumnName local_columns[] = {
	{"project", FIELD_PROJECT},
	{"start date", FIELD_START_DATE},
	{"start time", FIELD_START},
	{"end date", FIELD_END_DATE},
	{"stop date", FIELD_END_DATE},
	{"end time", FIELD_END},
	{"stop time", FIELD_END},
	{"duration", FIELD_DURATION},
	{"duration (h)", FIELD_DURATION},
	{"description", FIELD_NOTE},
	{"tags", FIELD_TAGS},
	{NULL}
};

/* Where the fields of a file are, and how to read them. */
typedef struct Layout
{
	int			columns[FIELDS];	/* -1: there is none */
	bool		is_local;
	const ImportOptions *options;
	DayMonthOrder	order;
	pg_tz	   *tz;
} Layout;

/* ---- header ---- */

/* Find the columns by name; does the header have those without which there is no entry? */
static bool
match_header(Layout *layout, const ColumnName *names, const CsvRecord *header, bool is_local)
{
	layout->is_local = is_local;
	for (int i = 0; i < FIELDS; i++)
		layout->columns[i] = -1;
	for (int i = header->count - 1; i >= 0; i--)
	{
		for (const ColumnName *known = names; known->name != NULL; known++)
		{
			if (pg_strcasecmp(known->name, header->fields[i]) == 0)
				layout->columns[known->field] = i;
		}
	}
	return layout->columns[FIELD_PROJECT] >= 0 &&
		layout->columns[FIELD_START] >= 0 && layout->columns[FIELD_END] >= 0 &&
		(!is_local || (layout->columns[FIELD_START_DATE] >= 0 && layout->columns[FIELD_END_DATE] >= 0));
}

static void
read_header(Layout *layout, CsvReader *reader)
{
	CsvRecord	header;

	if (!tt_csv_next(reader, &header) || header.fault != NULL ||
		(!match_header(layout, own_columns, &header, false) &&
		 !match_header(layout, local_columns, &header, true)))
		tt_raise(422, "unknown_format", "csv", NULL,
				 "the header is none of an own export, nor of a detailed one of Toggl or Clockify");
}

/* A field of a record; "" when it has none. */
static const char *
field_of(const Layout *layout, const CsvRecord *record, Field field)
{
	int			column = layout->columns[field];

	return column >= 0 && column < record->count ? record->fields[column] : "";
}

/* Days and months are in the order that the first telling date of the file has. */
static void
find_order(Layout *layout, CsvReader reader)
{
	CsvRecord	record;

	layout->order = layout->options->order;
	if (layout->options->order_given || !layout->is_local)
		return;
	layout->order = MONTH_FIRST;
	initStringInfo(&reader.text);
	while (tt_csv_next(&reader, &record))
	{
		if (record.fault == NULL &&
			(tt_tells_order(field_of(layout, &record, FIELD_START_DATE), &layout->order) ||
			 tt_tells_order(field_of(layout, &record, FIELD_END_DATE), &layout->order)))
			break;
	}
	pfree(reader.text.data);
}

/* ---- texts ---- */

/* A copy without the blanks around it. */
static char *
trimmed(const char *text)
{
	size_t		length;

	while (*text == ' ' || *text == '\t')
		text++;
	length = strlen(text);
	while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t'))
		length--;
	return pnstrdup(text, length);
}

/* What an own export was made from: without the apostrophe that csvtext.c puts before a formula. */
static const char *
unmarked(const Layout *layout, const char *text)
{
	if (!layout->is_local && text[0] == '\'' && tt_csv_is_formula(text, strlen(text)))
		return text + 1;
	return text;
}

static void
add_tag(StringInfo literal, const char *tag)
{
	appendStringInfoString(literal, literal->len > 1 ? ",\"" : "\"");
	for (; *tag != '\0'; tag++)
	{
		if (*tag == '"' || *tag == '\\')
			appendStringInfoChar(literal, '\\');
		appendStringInfoChar(literal, *tag);
	}
	appendStringInfoChar(literal, '"');
}

/* Tags are a record of CSV within the field. */
static void
read_tags(const Layout *layout, const char *text, ImportLine *line)
{
	StringInfoData literal;
	CsvReader	reader;
	CsvRecord	record;
	int			count = 0;

	initStringInfo(&literal);
	appendStringInfoChar(&literal, '{');
	tt_csv_open(&reader, text, strlen(text));
	while (line->outcome == IMPORT_NEW && tt_csv_next(&reader, &record))
	{
		for (int i = 0; i < record.count; i++)
		{
			const char *tag = layout->is_local ? trimmed(record.fields[i]) : record.fields[i];

			if (*tag == '\0')
				continue;
			if (record.fault != NULL || ++count > TT_TAGS_MAX || pg_mbstrlen(tag) > TT_TAG_MAX_CHARS)
			{
				tt_import_fault(line, "invalid_tags",
								psprintf("tags must be at most %d, of at most %d characters",
										 TT_TAGS_MAX, TT_TAG_MAX_CHARS));
				break;
			}
			add_tag(&literal, tag);
		}
	}
	pfree(reader.text.data);
	appendStringInfoChar(&literal, '}');
	line->tags = literal.data;
}

static void
read_texts(const Layout *layout, const CsvRecord *record, ImportLine *line)
{
	const char *project = unmarked(layout, field_of(layout, record, FIELD_PROJECT));

	line->project = trimmed(project);
	if (*line->project == '\0')
		line->project = NULL;
	line->project_id = strtoi64(field_of(layout, record, FIELD_PROJECT_ID), NULL, 10);
	line->note = pstrdup(unmarked(layout, field_of(layout, record, FIELD_NOTE)));
	if (pg_mbstrlen(line->note) > TT_NOTE_MAX_CHARS)
		tt_import_fault(line, "too_long", psprintf("the note has more than %d characters", TT_NOTE_MAX_CHARS));
	else
		read_tags(layout, unmarked(layout, field_of(layout, record, FIELD_TAGS)), line);
}

/* ---- times ---- */

/*
 * Of the instants that local start and end may be, take those that are as far
 * apart as the duration says; else the first ones.
 */
static void
choose_instants(const TimestampTz *starts, int nstarts, const TimestampTz *ends, int nends,
				const char *duration, ImportLine *line)
{
	int64		seconds;

	line->start = starts[0];
	line->end = ends[0];
	if ((nstarts == 1 && nends == 1) || !tt_read_duration(duration, &seconds))
		return;
	for (int i = 0; i < nstarts * nends; i++)
	{
		if (ends[i % nends] - starts[i / nends] != seconds * USECS_PER_SEC)
			continue;
		line->start = starts[i / nends];
		line->end = ends[i % nends];
		return;
	}
}

static bool
read_local_times(const Layout *layout, const CsvRecord *record, ImportLine *line)
{
	TimestampTz starts[2];
	TimestampTz ends[2];
	int64		start;
	int64		end;
	int			nstarts;

	line->timezone = layout->options->timezone;
	if (!tt_read_local(field_of(layout, record, FIELD_START_DATE),
					   field_of(layout, record, FIELD_START), layout->order, &start) ||
		!tt_read_local(field_of(layout, record, FIELD_END_DATE),
					   field_of(layout, record, FIELD_END), layout->order, &end))
		return false;
	nstarts = tt_local_instants(start, layout->tz, starts);
	choose_instants(starts, nstarts, ends, tt_local_instants(end, layout->tz, ends),
					field_of(layout, record, FIELD_DURATION), line);
	return true;
}

static bool
read_instants(const Layout *layout, const CsvRecord *record, ImportLine *line)
{
	const char *timezone = field_of(layout, record, FIELD_TIMEZONE);

	line->timezone = *timezone != '\0' ? pstrdup(timezone) : layout->options->timezone;
	return tt_read_instant(field_of(layout, record, FIELD_START), &line->start) &&
		tt_read_instant(field_of(layout, record, FIELD_END), &line->end);
}

/* The rules of a single entry, as entry_rules.c has them. */
static void
check_times(ImportLine *line)
{
	const char *detail;
	const char *code = tt_time_fault(line->start, "the start", &detail);

	if (code == NULL)
		code = tt_time_fault(line->end, "the end", &detail);
	if (code != NULL)
		tt_import_fault(line, code, detail);
	else if (line->end <= line->start)
		tt_import_fault(line, "end_not_after_start", "the end must be at least a second after the start");
	else if (tt_find_timezone(line->timezone) == NULL)
		tt_import_fault(line, "invalid_timezone", "there is no such time zone");
}

/* ---- lines ---- */

static ImportLine *
add_line(ImportLines *lines)
{
	if (lines->count == TT_IMPORT_LINES_MAX)
		tt_raise(422, "too_many_lines", "csv", NULL,
				 "the file has more than %d lines: import it in parts", TT_IMPORT_LINES_MAX);
	if (lines->count == lines->capacity)
	{
		lines->capacity = Max(64, lines->capacity * 2);
		lines->lines = lines->lines == NULL
			? palloc(lines->capacity * sizeof(ImportLine))
			: repalloc(lines->lines, lines->capacity * sizeof(ImportLine));
	}
	return &lines->lines[lines->count++];
}

static void
read_line(const Layout *layout, const CsvRecord *record, ImportLine *line)
{
	bool		has_times;

	*line = (ImportLine) {.line = record->line,.outcome = IMPORT_NEW,.new_project = -1};
	if (record->fault != NULL)
	{
		tt_import_fault(line, "malformed_csv", record->fault);
		return;
	}
	read_texts(layout, record, line);
	if (line->outcome == IMPORT_FAULT)
		return;
	has_times = layout->is_local ? read_local_times(layout, record, line) : read_instants(layout, record, line);
	if (has_times)
		check_times(line);
	else
		tt_import_fault(line, "invalid_time", "start and end must be times of this format");
}

void
tt_import_read(const char *text, int length, const ImportOptions *options, ImportLines *lines)
{
	Layout		layout = {.options = options,.tz = tt_timezone(options->timezone)};
	CsvReader	reader;
	CsvRecord	record;

	*lines = (ImportLines) {NULL, 0, 0};
	tt_csv_open(&reader, text, length);
	read_header(&layout, &reader);
	find_order(&layout, reader);
	while (tt_csv_next(&reader, &record))
	{
		CHECK_FOR_INTERRUPTS();
		read_line(&layout, &record, add_line(lines));
	}
}
