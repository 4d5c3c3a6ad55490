/*
 * entry_lookup.c: finds entries by the indexes of time_entries (entry_lookup.h).
 */
#include "entry_lookup.h"

#include "catalog/pg_type_d.h"
#include "miscadmin.h"
#include "table.h"

#define WHAT_IS_FOUND {"end_time", TIMESTAMPTZOID}, {"flagged", BOOLOID}

static TtTable by_id = {
	"time_entries", NULL, 2, 5,
	{{"user_id", INT8OID}, {"id", INT8OID}, {"start_time", TIMESTAMPTZOID}, WHAT_IS_FOUND}
};

static TtTable running = {
	"time_entries", "time_entries_running", 1, 5,
	{{"user_id", INT8OID}, {"id", INT8OID}, {"start_time", TIMESTAMPTZOID}, WHAT_IS_FOUND}
};

static TtTable by_start = {
	"time_entries", "time_entries_start", 3, 5,
	{{"user_id", INT8OID}, {"start_time", TIMESTAMPTZOID}, {"id", INT8OID}, WHAT_IS_FOUND}
};

/* id and start_time are columns 1 and 2, one way or the other. */
static void
read_entry(TtRows *rows, int id, int start, FoundEntry *entry)
{
	bool		isnull;

	entry->id = tt_rows_int64(rows, id);
	entry->start = tt_rows_int64(rows, start);
	entry->end = DatumGetTimestampTz(tt_rows_datum(rows, 3, &isnull));
	if (isnull)
		entry->end = DT_NOEND;
	entry->flagged = DatumGetBool(tt_rows_datum(rows, 4, &isnull));
}

/* The entry with these keys, of which the first is the user, from a table whose columns 1 and 2 are its id and its start. */
static bool
find_one(TtTable *table, const Datum *keys, FoundEntry *entry)
{
	TtRows	   *rows = tt_rows_open(table, DatumGetInt64(keys[0]));
	bool		found = tt_rows_find(rows, keys);

	if (found)
		read_entry(rows, 1, 2, entry);
	tt_rows_close(rows);
	return found;
}

bool
tt_find_entry(int64 user_id, int64 entry_id, FoundEntry *entry)
{
	return find_one(&by_id, (Datum[]) {Int64GetDatum(user_id), Int64GetDatum(entry_id)}, entry);
}

bool
tt_find_running(int64 user_id, FoundEntry *entry)
{
	return find_one(&running, (Datum[]) {Int64GetDatum(user_id)}, entry);
}

bool
tt_find_last(int64 user_id, FoundEntry *entry)
{
	TtRows	   *rows = tt_rows_open(&by_start, user_id);
	bool		found;

	tt_rows_seek(rows, (Datum[]) {Int64GetDatum(user_id)}, 1);
	found = tt_rows_previous(rows);
	if (found)
		read_entry(rows, 2, 1, entry);
	tt_rows_close(rows);
	return found;
}

void
tt_entries_between(int64 user_id, TimestampTz from, TimestampTz to,
				   void (*visit) (const FoundEntry *entry, void *arg), void *arg)
{
	TtRows	   *rows = tt_rows_open(&by_start, user_id);
	FoundEntry	entry;

	tt_rows_seek_from(rows, (Datum[]) {Int64GetDatum(user_id), TimestampTzGetDatum(from)}, 2);
	while (tt_rows_next(rows))
	{
		CHECK_FOR_INTERRUPTS();
		read_entry(rows, 2, 1, &entry);
		if (entry.start >= to)
			break;
		visit(&entry, arg);
	}
	tt_rows_close(rows);
}
