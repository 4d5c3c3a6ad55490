/*
 * watchdog.c - asks every event loop whether it turns (see watchdog.h).
 */
#include "watchdog.h"

#include "supervisor.h"
#include "worker.h"

/* So many beats fit into the time after which the supervisor loses patience. */
#define BEATS 3

long
watchdog_interval(void)
{
	long		limit = supervisor_watchdog_ms();

	return limit == 0 ? 0 : limit < BEATS ? 1 : limit / BEATS;
}

void
watchdog_beat(struct watchdog *watchdog)
{
	if (atomic_load(&watchdog->silent) > 0)
		return;
	supervisor_alive();
	atomic_store(&watchdog->silent, (unsigned) watchdog->count);
	for (int i = 0; i < watchdog->count; i++)
		/* one that cannot be asked, as memory is out, is asked next time */
		if (!worker_ask(watchdog->workers[i], &watchdog->silent))
			atomic_fetch_sub(&watchdog->silent, 1);
}
