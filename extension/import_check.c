/*
 * import_check.c: finds duplicates and overlaps in one pass over the lines in
 * order of start (see import_check.h).
 */
#include "import_check.h"

#include "spi.h"
#include "utils/memutils.h"

/* As in overlap.c: no entry is wider than the widest, the running one has no width. */
static TtQuery entries_around = {
	"WITH w AS (SELECT COALESCE(max(t.widest_entry), 0) * interval '1 second' AS width"
	" FROM timetrackr.user_totals t WHERE t.user_id = $1)"
	" SELECT e.id, e.project_id, e.start_time, COALESCE(e.end_time, 'infinity')"
	" FROM timetrackr.time_entries e"
	" WHERE e.user_id = $1 AND e.start_time < $3"
	" AND (e.start_time >= $2 - (SELECT w.width FROM w) OR e.end_time IS NULL)"
	" ORDER BY e.start_time, e.id",
	3, {INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID}, TT_AT_HOME
};

/* An entry that is there; reach is the latest end of those up to it, reached by entry reach_id. */
typedef struct Present
{
	int64		id;
	int64		project_id;
	TimestampTz start;
	TimestampTz end;
	TimestampTz reach;
	int64		reach_id;
} Present;

typedef struct Presents
{
	Present    *entries;
	uint64		count;
} Presents;

/* By time; those that are the same stand together. */
static int
compare_lines(const void *a, const void *b)
{
	const ImportLine *x = *(ImportLine *const *) a;
	const ImportLine *y = *(ImportLine *const *) b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->end != y->end)
		return x->end < y->end ? -1 : 1;
	if (x->project_id != y->project_id)
		return x->project_id < y->project_id ? -1 : 1;
	if (x->new_project != y->new_project)
		return x->new_project < y->new_project ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

static void
load_present(int64 user_id, TimestampTz from, TimestampTz to, Presents *present)
{
	Datum		args[3] = {Int64GetDatum(user_id), TimestampTzGetDatum(from), TimestampTzGetDatum(to)};

	present->count = tt_query(&entries_around, args, NULL);
	present->entries = palloc_extended(Max(present->count, 1) * sizeof(Present), MCXT_ALLOC_HUGE);
	for (uint64 i = 0; i < present->count; i++)
	{
		Present    *entry = &present->entries[i];
		bool		further;

		*entry = (Present) {tt_int64(i, 0), tt_int64(i, 1), tt_int64(i, 2), tt_int64(i, 3)};
		further = i == 0 || entry->end > entry[-1].reach;
		entry->reach = further ? entry->end : entry[-1].reach;
		entry->reach_id = further ? entry->id : entry[-1].reach_id;
	}
}

/* How many entries start before an instant. */
static uint64
starting_before(const Presents *present, TimestampTz instant)
{
	uint64		low = 0;
	uint64		high = present->count;

	while (low < high)
	{
		uint64		middle = low + (high - low) / 2;

		if (present->entries[middle].start < instant)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
is_present(const Presents *present, const ImportLine *line)
{
	for (uint64 i = starting_before(present, line->start);
		 i < present->count && present->entries[i].start == line->start; i++)
	{
		if (present->entries[i].end == line->end && present->entries[i].project_id == line->project_id)
			return true;
	}
	return false;
}

/* Is it the same as the line before it, which stays or repeats one that does? */
static bool
is_repeated(const ImportLine *before, const ImportLine *line)
{
	return before->outcome != IMPORT_FAULT &&
		before->start == line->start && before->end == line->end &&
		before->project_id == line->project_id && before->new_project == line->new_project;
}

/* Mark a line that reaches into an entry, or that a line before reaches into; else it stays. */
static void
check_overlap(const Presents *present, ImportLine *line, const ImportLine **widest)
{
	uint64		before = starting_before(present, line->end);

	if (tt_overlap == OVERLAP_ALLOW)
		return;
	if (before > 0 && present->entries[before - 1].reach > line->start)
		tt_import_fault(line, "entry_overlaps",
						psprintf("overlaps entry " INT64_FORMAT, present->entries[before - 1].reach_id));
	else if (*widest != NULL && (*widest)->end > line->start)
		tt_import_fault(line, "entry_overlaps", psprintf("overlaps line %d", (*widest)->line));
	else
		*widest = line;
}

void
tt_import_check(int64 user_id, ImportLines *lines)
{
	ImportLine **sorted = palloc(Max(lines->count, 1) * sizeof(ImportLine *));
	const ImportLine *widest = NULL;
	TimestampTz last_end = DT_NOBEGIN;
	Presents	present;
	int			count = 0;

	for (int i = 0; i < lines->count; i++)
	{
		if (lines->lines[i].outcome != IMPORT_NEW)
			continue;
		sorted[count++] = &lines->lines[i];
		last_end = Max(last_end, lines->lines[i].end);
	}
	if (count == 0)
		return;
	qsort(sorted, count, sizeof(ImportLine *), compare_lines);
	load_present(user_id, sorted[0]->start, last_end, &present);
	for (int i = 0; i < count; i++)
	{
		ImportLine *line = sorted[i];

		if ((line->new_project < 0 && is_present(&present, line)) || (i > 0 && is_repeated(sorted[i - 1], line)))
			line->outcome = IMPORT_DUPLICATE;
		else
			check_overlap(&present, line, &widest);
	}
}
