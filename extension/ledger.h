/*
 * ledger.h: seconds by day, in memory: what a history adds up to while it is
 * played back. Grows in the caller's memory context; needs no clean-up but its.
 */
#ifndef TT_LEDGER_H
#define TT_LEDGER_H

#include "timetrackr.h"

#include "utils/date.h"

typedef struct LedgerDay
{
	DateADT		day;
	int64		seconds;
} LedgerDay;

/* Days in ascending order, those with seconds alone. All zero: an empty one. */
typedef struct Ledger
{
	LedgerDay  *days;
	int			count;
	int			capacity;
	int64		seconds;		/* of all days */
} Ledger;

/* Add seconds, over 0, to day; returns what it has then. Cheap near the end. */
extern int64 tt_ledger_add(Ledger *ledger, DateADT day, int64 seconds);

/* Seconds, and how many days, from first on. */
extern int64 tt_ledger_seconds_since(const Ledger *ledger, DateADT first);
extern int	tt_ledger_days_since(const Ledger *ledger, DateADT first);

/*
 * The run of consecutive days with at least least seconds that day, one of
 * them, is in.
 */
extern void tt_ledger_run(const Ledger *ledger, DateADT day, int64 least,
						  DateADT *first, DateADT *last);

#endif
