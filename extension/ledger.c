/*
 * ledger.c: seconds by day (see ledger.h): a sorted array that is added to and
 * read near its end, as a history is played back in order.
 */
#include "ledger.h"

/* Index of the first day that is not before day. */
static int
position_of(const Ledger *ledger, DateADT day)
{
	int			low = 0;
	int			high = ledger->count;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (ledger->days[middle].day < day)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
grow(Ledger *ledger)
{
	ledger->capacity = Max(8, ledger->capacity * 2);
	ledger->days = ledger->days == NULL
		? palloc(ledger->capacity * sizeof(LedgerDay))
		: repalloc(ledger->days, ledger->capacity * sizeof(LedgerDay));
}

int64
tt_ledger_add(Ledger *ledger, DateADT day, int64 seconds)
{
	int			at = position_of(ledger, day);

	ledger->seconds += seconds;
	if (at < ledger->count && ledger->days[at].day == day)
		return ledger->days[at].seconds += seconds;
	if (ledger->count == ledger->capacity)
		grow(ledger);
	memmove(&ledger->days[at + 1], &ledger->days[at], (ledger->count - at) * sizeof(LedgerDay));
	ledger->days[at] = (LedgerDay) {day, seconds};
	ledger->count++;
	return seconds;
}

int64
tt_ledger_seconds_since(const Ledger *ledger, DateADT first)
{
	int64		seconds = 0;

	for (int i = ledger->count - 1; i >= 0 && ledger->days[i].day >= first; i--)
		seconds += ledger->days[i].seconds;
	return seconds;
}

int
tt_ledger_days_since(const Ledger *ledger, DateADT first)
{
	return ledger->count - position_of(ledger, first);
}

void
tt_ledger_run(const Ledger *ledger, DateADT day, int64 least, DateADT *first, DateADT *last)
{
	const LedgerDay *days = ledger->days;
	int			at = position_of(ledger, day);
	int			low = at;
	int			high = at;

	while (low > 0 && days[low - 1].day == days[low].day - 1 && days[low - 1].seconds >= least)
		low--;
	while (high < ledger->count - 1 && days[high + 1].day == days[high].day + 1 &&
		   days[high + 1].seconds >= least)
		high++;
	*first = days[low].day;
	*last = days[high].day;
}
