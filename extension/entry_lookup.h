/*
 * entry_lookup.h: finding entries of a user: by id, the one that runs, the last
 * one, and those in a stretch of time. Each is a look into one index.
 */
#ifndef TT_ENTRY_LOOKUP_H
#define TT_ENTRY_LOOKUP_H

#include "timetrackr.h"

typedef struct FoundEntry
{
	int64		id;
	TimestampTz start;
	TimestampTz end;			/* DT_NOEND while it runs */
	bool		flagged;
} FoundEntry;

/* Find an entry by its id; false when there is none. */
extern bool tt_find_entry(int64 user_id, int64 entry_id, FoundEntry *entry);

/* Find the entry that runs; false when none does. */
extern bool tt_find_running(int64 user_id, FoundEntry *entry);

/* Find the entry that started last; false when there is none. */
extern bool tt_find_last(int64 user_id, FoundEntry *entry);

/* Go through the entries that start in [from, to), in order of start. */
extern void tt_entries_between(int64 user_id, TimestampTz from, TimestampTz to,
							   void (*visit) (const FoundEntry *entry, void *arg), void *arg);

#endif
