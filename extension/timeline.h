/*
 * timeline.h: rows of timeline_events.
 */
#ifndef TT_TIMELINE_H
#define TT_TIMELINE_H

#include "timetrackr.h"

/*
 * Add an event. data is a JSON object as text; project_id 0 means none.
 * Needs tt_spi_begin().
 */
extern void tt_timeline_add(int64 user_id, const char *event_type, const char *data,
							int64 project_id, TimestampTz occurred_at);

/* A counting entry appeared or changed: add its event, or bring it up to date. */
extern void tt_timeline_put_entry(int64 user_id, int64 entry_id, int64 project_id,
								  int64 seconds, TimestampTz ended_at);

/* A counting entry is gone: remove its event. */
extern void tt_timeline_remove_entry(int64 user_id, int64 entry_id);

#endif
