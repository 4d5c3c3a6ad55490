/*
 * timeline.c: rows of timeline_events. The event of an entry is found by its
 * entry_id, so that editing or deleting the entry corrects it.
 */
#include "timeline.h"

#include "spi.h"
#include "utils/builtins.h"

static TtQuery insert_event = {
	"INSERT INTO timetrackr.timeline_events (user_id, event_type, event_data, project_id, occurred_at)"
	" VALUES ($1, $2, $3::jsonb, $4, $5)",
	5, {INT8OID, TEXTOID, TEXTOID, INT8OID, TIMESTAMPTZOID}, NULL
};

static TtQuery put_entry = {
	"INSERT INTO timetrackr.timeline_events"
	" (user_id, event_type, event_data, project_id, entry_id, occurred_at)"
	" VALUES ($1, 'time_entry_completed', $2::jsonb, $3, $4, $5)"
	" ON CONFLICT (user_id, entry_id) WHERE entry_id IS NOT NULL"
	" DO UPDATE SET event_data = excluded.event_data,"
	" project_id = excluded.project_id,"
	" occurred_at = excluded.occurred_at",
	5, {INT8OID, TEXTOID, INT8OID, INT8OID, TIMESTAMPTZOID}, NULL
};

static TtQuery remove_entry = {
	"DELETE FROM timetrackr.timeline_events WHERE user_id = $1 AND entry_id = $2",
	2, {INT8OID, INT8OID}, NULL
};

void
tt_timeline_add(int64 user_id, const char *event_type, const char *data,
				int64 project_id, TimestampTz occurred_at)
{
	Datum		args[] = {Int64GetDatum(user_id), CStringGetTextDatum(event_type),
		CStringGetTextDatum(data), Int64GetDatum(project_id),
	TimestampTzGetDatum(occurred_at)};
	bool		nulls[] = {false, false, false, project_id == 0, false};

	(void) tt_query(&insert_event, args, nulls);
}

void
tt_timeline_put_entry(int64 user_id, int64 entry_id, int64 project_id,
					  int64 seconds, TimestampTz ended_at)
{
	char	   *data = psprintf("{\"entry_id\": " INT64_FORMAT ", \"project_id\": " INT64_FORMAT
								", \"duration_seconds\": " INT64_FORMAT "}",
								entry_id, project_id, seconds);
	Datum		args[] = {Int64GetDatum(user_id), CStringGetTextDatum(data),
		Int64GetDatum(project_id), Int64GetDatum(entry_id),
	TimestampTzGetDatum(ended_at)};

	(void) tt_query(&put_entry, args, NULL);
}

void
tt_timeline_remove_entry(int64 user_id, int64 entry_id)
{
	Datum		args[] = {Int64GetDatum(user_id), Int64GetDatum(entry_id)};

	(void) tt_query(&remove_entry, args, NULL);
}
