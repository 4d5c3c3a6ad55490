/*
 * backend.c: fuzz targets of the extension, as SQL functions for a single-user
 * backend: fuzz_csv(arguments), fuzz_criteria(arguments) and fuzz_image(arguments) run libFuzzer with
 * these arguments and do not return, but for an error in them.
 *
 * Errors that a user can cause are caught; any other one is a finding. What a
 * parser allocates lies in a memory context where the address sanitizer sees each chunk (exact.h).
 */
#include "postgres.h"

#include <signal.h>

#include "criteria.h"
#include "csv.h"
#include "day.h"
#include "entry_rules.h"
#include "error.h"
#include "exact.h"
#include "image.h"
#include "import_formats.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

PG_MODULE_MAGIC;
PG_FUNCTION_INFO_V1(fuzz_csv);
PG_FUNCTION_INFO_V1(fuzz_criteria);
PG_FUNCTION_INFO_V1(fuzz_image);

#define ARGUMENTS_MAX 32

extern int	LLVMFuzzerRunDriver(int *argc, char ***argv, int (*target) (const uint8_t *data, size_t size));

#define CLAIM(condition) do { if (!(condition)) abort(); } while (0)

/* ---- what the parsers call that lies in files with SQL ---- */

pg_tz *
tt_find_timezone(const char *name)
{
	return strlen(name) < 60 && pg_tzset(name) != NULL && strcasecmp(name, "localtime") != 0 ? pg_tzset(name) : NULL;
}

pg_tz *
tt_timezone(const char *name)
{
	return tt_find_timezone(name);
}

const char *
tt_time_fault(TimestampTz time, const char *what, const char **detail)
{
	*detail = what;
	return time > INT64CONST(900000000) * USECS_PER_SEC ? "time_in_future" : NULL;
}

/* ---- running ---- */

/* Call parse(); an error must be one that a user can cause. */
static void
run(void (*parse) (const char *text, int length), const uint8_t *data, size_t size)
{
	MemoryContext context = exact_context_create(TopMemoryContext);
	MemoryContext caller = MemoryContextSwitchTo(context);
	/* exactly so many bytes: neither parser may look behind them */
	char	   *text = malloc(Max(size, 1));

	CLAIM(text != NULL);
	memcpy(text, data, size);
	PG_TRY();
	{
		parse(text, (int) size);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		/* of ours, or PostgreSQL's about JSON, encoding and numbers */
		if (strncmp(unpack_sql_state(error->sqlerrcode), "TT4", 3) != 0 &&
			ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_DATA_EXCEPTION &&
			error->sqlerrcode != ERRCODE_PROGRAM_LIMIT_EXCEEDED &&
			error->sqlerrcode != ERRCODE_STATEMENT_TOO_COMPLEX && error->sqlerrcode != ERRCODE_UNTRANSLATABLE_CHARACTER)
		{
			fprintf(stderr, "%s %s\n", unpack_sql_state(error->sqlerrcode), error->message);
			abort();
		}
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	free(text);
}

static void
drive(const char *arguments, int (*target) (const uint8_t *data, size_t size))
{
	static char *argv[ARGUMENTS_MAX];
	char	  **place = argv;
	int			argc = 0;

	argv[argc++] = "fuzz";
	for (char *word = strtok(pstrdup(arguments), " "); word != NULL; word = strtok(NULL, " "))
	{
		if (argc == ARGUMENTS_MAX)
			elog(ERROR, "too many arguments");
		argv[argc++] = strdup(word);
	}
	/* libFuzzer leaves signals alone that somebody handles; its time limit is one of them */
	pqsignal(SIGALRM, SIG_DFL);
	pqsignal(SIGINT, SIG_DFL);
	pqsignal(SIGTERM, SIG_DFL);
	LLVMFuzzerRunDriver(&argc, &place, target);
}

/* ---- the targets ---- */

/* What was read must be fit to be stored. */
static void
check_line(const ImportLine *line)
{
	CLAIM(line->line >= 1 && line->outcome != IMPORT_DUPLICATE);
	if (line->outcome == IMPORT_FAULT)
	{
		CLAIM(line->code != NULL && line->detail != NULL);
		return;
	}
	CLAIM(line->end > line->start && line->start % USECS_PER_SEC == 0 && line->end % USECS_PER_SEC == 0);
	CLAIM(line->timezone != NULL && line->project_id >= PG_INT64_MIN);
	CLAIM(pg_mbstrlen(line->note) <= TT_NOTE_MAX_CHARS);
	CLAIM(line->tags[0] == '{' && line->tags[strlen(line->tags) - 1] == '}');
}

static void
parse_csv(const char *text, int length)
{
	static const char *const zones[] = {"UTC", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia"};
	ImportOptions options = {.timezone = zones[0]};
	ImportLines lines;

	if (length == 0)
		return;
	/* the first byte chooses how to read */
	options.timezone = zones[text[0] & 3];
	options.order_given = (text[0] & 4) != 0;
	options.order = (text[0] & 8) != 0 ? DAY_FIRST : MONTH_FIRST;
	text++;
	length--;
	/* as an argument of type text is: of the database's encoding, without NUL */
	if (memchr(text, '\0', length) != NULL || !pg_verify_mbstr(PG_UTF8, text, length, true))
		return;
	tt_import_read(text, length, &options, &lines);
	for (int i = 0; i < lines.count; i++)
		check_line(&lines.lines[i]);
}

static double
lookup(Metric metric, int64 project_id, int last_days, void *arg)
{
	CLAIM(metric < METRIC_COUNT && project_id >= 0 && last_days >= 0 && last_days <= TT_CRITERIA_MAX_DAYS);
	++*(int *) arg;
	return (double) metric * 3600;
}

static void
parse_criteria(const char *text, int length)
{
	char	   *copy = pnstrdup(text, length);
	Jsonb	   *json;
	Criteria   *criteria;
	StringInfoData remaining;
	double		fraction;
	int			lookups = 0;
	bool		holds;

	if (!pg_verify_mbstr(PG_UTF8, copy, strlen(copy), true))
		return;
	json = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(copy)));
	criteria = tt_criteria_parse(json, CurrentMemoryContext);
	holds = tt_criteria_hold(criteria, lookup, &lookups);
	CLAIM(lookups >= 1 && lookups <= TT_CRITERIA_MAX_CONDITIONS);
	CLAIM(tt_criteria_metrics(criteria) != 0);
	initStringInfo(&remaining);
	fraction = tt_criteria_progress(criteria, lookup, &lookups, &remaining);
	CLAIM(fraction >= 0 && fraction <= 1 && (fraction >= 1) == holds);
	/* what is told is JSON, and nothing when nothing is missing */
	(void) DirectFunctionCall1(jsonb_in, CStringGetDatum(remaining.data));
	CLAIM((strcmp(remaining.data, "[]") == 0) == holds);
}

/* Whatever it says of the bytes, it has looked at none behind them, and at the end of a header. */
static void
parse_image(const char *text, int length)
{
	const uint8 *bytes = (const uint8 *) text;
	Image		image;
	Image		cut;
	bool		is_image = tt_image_read(bytes, length, &image);

	CLAIM(image.type == tt_image_type(bytes, length));
	CLAIM(is_image ? image.type != IMAGE_NONE && image.width >= 1 && image.height >= 1 && length >= 13
		  : image.width == 0 && image.height == 0);
	CLAIM((tt_image_media_type(image.type)[0] != '\0') == (image.type != IMAGE_NONE));
	/* what is shorter may be no picture, but no other one */
	if (length > 0 && tt_image_read(bytes, length - 1, &cut))
		CLAIM(is_image && cut.type == image.type && cut.width == image.width && cut.height == image.height);
}

static int
csv_target(const uint8_t *data, size_t size)
{
	run(parse_csv, data, size);
	return 0;
}

static int
criteria_target(const uint8_t *data, size_t size)
{
	run(parse_criteria, data, size);
	return 0;
}

static int
image_target(const uint8_t *data, size_t size)
{
	run(parse_image, data, size);
	return 0;
}

Datum
fuzz_csv(PG_FUNCTION_ARGS)
{
	drive(text_to_cstring(PG_GETARG_TEXT_PP(0)), csv_target);
	PG_RETURN_VOID();
}

Datum
fuzz_criteria(PG_FUNCTION_ARGS)
{
	drive(text_to_cstring(PG_GETARG_TEXT_PP(0)), criteria_target);
	PG_RETURN_VOID();
}

Datum
fuzz_image(PG_FUNCTION_ARGS)
{
	drive(text_to_cstring(PG_GETARG_TEXT_PP(0)), image_target);
	PG_RETURN_VOID();
}
