/*
 * watchdog.h - tells the supervisor that every event loop still turns.
 */
#ifndef TIMETRACKR_WATCHDOG_H
#define TIMETRACKR_WATCHDOG_H

#include <stdatomic.h>

struct worker;

struct watchdog
{
	struct worker **workers;
	int			count;
	atomic_uint silent;			/* loops that have not answered yet */
};

/*
 * When all loops have answered since the last beat, tell the supervisor, and ask them again. Loops write to the
 * watchdog until they have ended.
 */
void		watchdog_beat(struct watchdog *watchdog);

/* Ms between two beats; 0: none are wanted. */
long		watchdog_interval(void);

#endif
