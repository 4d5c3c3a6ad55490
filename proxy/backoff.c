/*
 * backoff.c - doubling delays with jitter.
 */
#include "backoff.h"

#include <sys/random.h>

#define DELAY_LEAST 100			/* ms */

void
backoff_reset(struct backoff *backoff)
{
	backoff->delay = DELAY_LEAST;
}

uint64_t
backoff_wait(struct backoff *backoff)
{
	uint64_t	delay = backoff->delay;
	uint16_t	random = UINT16_MAX;

	backoff->delay = delay * 2 < backoff->most ? delay * 2 : backoff->most;
	/* Without random bytes the whole delay will do. */
	if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t) sizeof random)
		return delay;
	return delay / 2 + delay / 2 * random / UINT16_MAX;
}

bool
backoff_is_long(const struct backoff *backoff)
{
	return backoff->delay >= backoff->most;
}
