/*
 * sentry.h - errors, told to a server of Sentry's kind (SENTRY_DSN).
 *
 * Reports are taken by any thread and sent by one of their own, so that nobody waits for that server. What has
 * happened already within the last minute is counted, and told once more at the minute's end.
 */
#ifndef TIMETRACKR_SENTRY_H
#define TIMETRACKR_SENTRY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "sentry_event.h"

struct sentry;

/* What became of reports; any thread may read it. */
struct sentry_counters
{
	_Atomic uint64_t sent;		/* and taken */
	_Atomic uint64_t failed;	/* refused, or not taken after several attempts */
	_Atomic uint64_t repeated;	/* not sent: the same had just been */
	_Atomic uint64_t dropped;	/* too many different ones at once, or the server wanted none */
};

/* Start its thread. NULL when no DSN is set, or, then with `failed` set, when the system refuses something. */
struct sentry *sentry_start(const struct config *config, bool *failed);

/* Report an event; it is copied. Any thread may call it. NULL is fine: nothing is reported. */
void		sentry_report(struct sentry *sentry, const struct sentry_event *event);

/* Send what is still there, for 2 s at most, and end. NULL is fine. */
void		sentry_stop(struct sentry *sentry);

/* Of NULL they are all 0. */
const struct sentry_counters *sentry_counters(const struct sentry *sentry);

#endif
