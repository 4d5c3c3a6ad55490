/*
 * change.h: from the rows a statement changed to everything derived from them.
 */
#ifndef TT_CHANGE_H
#define TT_CHANGE_H

#include "timetrackr.h"

#include "commands/trigger.h"

/* AFTER STATEMENT on time_entries: derive from its transition tables. */
extern void tt_entries_changed(TriggerData *trigger);

#endif
