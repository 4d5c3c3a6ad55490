/*
 * timeline.c: rows of timeline_events. The event of an entry is found by its
 * entry_id, so that editing or deleting the entry corrects it.
 */
#include "timeline.h"

#include "home.h"
#include "spi.h"
#include "table.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

static TtQuery put_entries = {
	"INSERT INTO timetrackr.timeline_events"
	" (user_id, event_type, event_data, project_id, entry_id, occurred_at)"
	" SELECT $1, 'time_entry_completed',"
	" jsonb_build_object('entry_id', e.entry_id, 'project_id', e.project_id, 'duration_seconds', e.seconds),"
	" e.project_id, e.entry_id, e.ended_at"
	" FROM (SELECT unnest($2) AS entry_id, unnest($3) AS project_id,"
	" unnest($4) AS seconds, unnest($5) AS ended_at) e"
	" ON CONFLICT (user_id, entry_id) WHERE entry_id IS NOT NULL"
	" DO UPDATE SET event_data = excluded.event_data,"
	" project_id = excluded.project_id,"
	" occurred_at = excluded.occurred_at",
	5, {INT8OID, INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID, TIMESTAMPTZARRAYOID}, TT_AT_HOME
};

static TtQuery remove_entry = {
	"DELETE FROM timetrackr.timeline_events WHERE user_id = $1 AND entry_id = $2",
	2, {INT8OID, INT8OID}, TT_AT_HOME
};

static TtQuery remove_user = {
	"DELETE FROM timetrackr.timeline_events WHERE user_id = $1",
	1, {INT8OID}, TT_AT_HOME
};

/* The condition is that of an index. */
static TtQuery remove_project = {
	"DELETE FROM timetrackr.timeline_events WHERE project_id = $1 AND entry_id IS NULL",
	1, {INT8OID}, TT_AT_EACH_HOME
};

enum { USER_ID, EVENT_ID, EVENT_TYPE, EVENT_DATA, PROJECT_ID, ENTRY_ID, OCCURRED_AT };

static TtTable timeline_events = {
	"timeline_events", NULL, 2, 7,
	{
		[USER_ID] = {"user_id", INT8OID},
		[EVENT_ID] = {"id", INT8OID, true},
		[EVENT_TYPE] = {"event_type", TEXTOID},
		[EVENT_DATA] = {"event_data", JSONBOID},
		[PROJECT_ID] = {"project_id", INT8OID},
		[ENTRY_ID] = {"entry_id", INT8OID},
		[OCCURRED_AT] = {"occurred_at", TIMESTAMPTZOID},
	}
};

void
tt_timeline_add(int64 user_id, const char *event_type, const char *data,
				int64 project_id, TimestampTz occurred_at)
{
	TtRows	   *rows;

	/* Of what happens to a small table each node's triggers hear: each writes what is of its own users. */
	if (!tt_is_home(user_id))
		return;
	rows = tt_rows_open(&timeline_events, user_id);
	tt_rows_new(rows);
	tt_rows_set(rows, USER_ID, Int64GetDatum(user_id));
	tt_rows_set(rows, EVENT_TYPE, CStringGetTextDatum(event_type));
	tt_rows_set(rows, EVENT_DATA, DirectFunctionCall1(jsonb_in, CStringGetDatum(data)));
	if (project_id != 0)
		tt_rows_set(rows, PROJECT_ID, Int64GetDatum(project_id));
	tt_rows_set(rows, OCCURRED_AT, TimestampTzGetDatum(occurred_at));
	tt_rows_insert(rows);
	tt_rows_close(rows);
}

static void
add_entry(TtRows *rows, const EntryRow *entry, Datum event_type)
{
	char		text[160];
	Datum		data;

	snprintf(text, sizeof(text),
			 "{\"entry_id\": " INT64_FORMAT ", \"project_id\": " INT64_FORMAT
			 ", \"duration_seconds\": " INT64_FORMAT "}",
			 entry->id, entry->project_id, tt_entry_seconds(entry));
	data = DirectFunctionCall1(jsonb_in, CStringGetDatum(text));
	tt_rows_new(rows);
	tt_rows_set(rows, USER_ID, Int64GetDatum(entry->user_id));
	tt_rows_set(rows, EVENT_TYPE, event_type);
	tt_rows_set(rows, EVENT_DATA, data);
	tt_rows_set(rows, PROJECT_ID, Int64GetDatum(entry->project_id));
	tt_rows_set(rows, ENTRY_ID, Int64GetDatum(entry->id));
	tt_rows_set(rows, OCCURRED_AT, TimestampTzGetDatum(entry->end_time));
	tt_rows_insert(rows);
	pfree(DatumGetPointer(data));
}

void
tt_timeline_add_entries(const EntryRow *const *entries, int nentries)
{
	Datum		event_type;
	TtRows	   *rows;

	if (nentries == 0)
		return;
	event_type = CStringGetTextDatum("time_entry_completed");
	rows = tt_rows_open(&timeline_events, entries[0]->user_id);
	for (int i = 0; i < nentries; i++)
		add_entry(rows, entries[i], event_type);
	tt_rows_close(rows);
}

void
tt_timeline_put_entries(int64 user_id, const EntryRow *const *entries, int nentries)
{
	TtArray		ids = tt_array(INT8OID, nentries);
	TtArray		projects = tt_array(INT8OID, nentries);
	TtArray		seconds = tt_array(INT8OID, nentries);
	TtArray		ends = tt_array(TIMESTAMPTZOID, nentries);
	Datum		args[5] = {Int64GetDatum(user_id)};

	if (nentries == 0)
		return;
	for (int i = 0; i < nentries; i++)
	{
		tt_array_add(&ids, Int64GetDatum(entries[i]->id));
		tt_array_add(&projects, Int64GetDatum(entries[i]->project_id));
		tt_array_add(&seconds, Int64GetDatum(tt_entry_seconds(entries[i])));
		tt_array_add(&ends, TimestampTzGetDatum(entries[i]->end_time));
	}
	args[1] = tt_array_datum(&ids);
	args[2] = tt_array_datum(&projects);
	args[3] = tt_array_datum(&seconds);
	args[4] = tt_array_datum(&ends);
	(void) tt_query(&put_entries, args, NULL);
}

void
tt_timeline_remove_entry(int64 user_id, int64 entry_id)
{
	Datum		args[] = {Int64GetDatum(user_id), Int64GetDatum(entry_id)};

	(void) tt_query(&remove_entry, args, NULL);
}

void
tt_timeline_remove_user(int64 user_id)
{
	Datum		args[] = {Int64GetDatum(user_id)};

	(void) tt_query(&remove_user, args, NULL);
}

void
tt_timeline_remove_project(int64 project_id)
{
	Datum		args[] = {Int64GetDatum(project_id)};

	(void) tt_query(&remove_project, args, NULL);
}
