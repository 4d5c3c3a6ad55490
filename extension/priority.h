/*
 * priority.h: backends that stand back when others want the processor.
 */
#ifndef TT_PRIORITY_H
#define TT_PRIORITY_H

#include "timetrackr.h"

/* The assign hook of timetrackr.nice. */
extern void tt_priority_assign(int nice, void *extra);

#endif
