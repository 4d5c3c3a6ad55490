/*
 * timeline.h: rows of timeline_events.
 */
#ifndef TT_TIMELINE_H
#define TT_TIMELINE_H

#include "entry_row.h"

/*
 * Add an event. data is a JSON object as text; project_id 0 means none.
 * Needs tt_spi_begin().
 */
extern void tt_timeline_add(int64 user_id, const char *event_type, const char *data,
							int64 project_id, TimestampTz occurred_at);

/* Entries that begin to count: add their events. */
extern void tt_timeline_add_entries(const EntryRow *const *entries, int nentries);

/*
 * Entries of one user that count now and may have events: add those, or bring
 * them up to date. One statement, however many.
 */
extern void tt_timeline_put_entries(int64 user_id, const EntryRow *const *entries, int nentries);

/* A counting entry is gone: remove its event. */
extern void tt_timeline_remove_entry(int64 user_id, int64 entry_id);

/* A user, or a project, is gone: so are its events. */
extern void tt_timeline_remove_user(int64 user_id);
extern void tt_timeline_remove_project(int64 project_id);

#endif
