/*
 * entry_rules.h: what one row of time_entries must be, whoever writes it.
 */
#ifndef TT_ENTRY_RULES_H
#define TT_ENTRY_RULES_H

#include "timetrackr.h"

#include "commands/trigger.h"

/*
 * BEFORE ROW on time_entries: lock the user, check and normalise the row, and
 * set what only the server may set. Returns the row to store. Raises TT4xx as
 * entry_rules.c says. Needs tt_spi_begin(); the row is in the caller's context.
 */
extern HeapTuple tt_entry_normalise(TriggerData *trigger, MemoryContext result);

/* Raise 409 entry_running, naming the entry. */
extern TT_NORETURN void tt_raise_running(int64 entry_id);

/* The whole second at or before t. */
extern TimestampTz tt_whole_second(TimestampTz t);

/*
 * Raise 422 unless t is a time an entry may start or end at: finite, not
 * before 1900, at most 60 s in the future. field names it in the error.
 */
extern void tt_require_time(TimestampTz t, const char *field);

/* The code of what tt_require_time() would raise, and in *detail its words with field; NULL: nothing. */
extern const char *tt_time_fault(TimestampTz t, const char *field, const char **detail);

#endif
