/*
 * backoff.h - how long to wait before the next try: doubling from 100 ms up to
 * a limit, with jitter, so that many clients do not come back at once.
 */
#ifndef TIMETRACKR_BACKOFF_H
#define TIMETRACKR_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

struct backoff
{
	uint64_t	delay;			/* ms */
	uint64_t	most;			/* ms */
};

/* The next try is the first one again. */
void		backoff_reset(struct backoff *backoff);

/* How many ms to wait now: half to the whole of the delay, which doubles for the next time. */
uint64_t	backoff_wait(struct backoff *backoff);

/* Has the delay grown to its limit? Then another failure is no news. */
bool		backoff_is_long(const struct backoff *backoff);

#endif
