/*
 * relay_metrics.h - what a relay of this process counts, for whoever shows it.
 *
 * Written by the relays' thread, read by any. The depth of the outbox and the
 * like are not counted but known to the database: see timetrackr.relay_status() and outbound_status().
 */
#ifndef TIMETRACKR_RELAY_METRICS_H
#define TIMETRACKR_RELAY_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct relay_metrics
{
	/* Since the start of the process. */
	_Atomic uint64_t events;	/* put into the stream */
	_Atomic uint64_t batches;	/* that had events */
	_Atomic uint64_t failures;	/* times that an event could not be applied, and will be retried or is dead */
	_Atomic uint64_t deaths;	/* events moved to dead_events */
	_Atomic uint64_t elections; /* times that this process became the leader */
	_Atomic uint64_t delivered; /* requests to webhooks that were answered with 2xx */
	_Atomic uint64_t undelivered;	/* and those that were not */
	_Atomic uint64_t mailed;	/* mails that the mail server has taken */
	_Atomic uint64_t mails_refused; /* times that it has said no to one */
	_Atomic uint64_t mails_undelivered; /* and that it did not come to that: no connection, certificate or password was good */

	/* While this process leads, some seconds old at most; else 0. */
	_Atomic int64_t leads;		/* 1: yes */
	_Atomic int64_t outbox_depth;	/* events, those that wait for a retry included */
	_Atomic int64_t outbox_age_ms;	/* of the oldest event that is due */
	_Atomic int64_t retrying;	/* events that failed at least once */
	_Atomic int64_t dead;		/* rows of dead_events */
	_Atomic int64_t deliveries_waiting; /* to webhooks, be it for their next attempt */
	_Atomic int64_t deliveries_late_ms; /* for how long one has been due that nobody sends */
	_Atomic int64_t webhooks_failing;
	_Atomic int64_t webhooks_disabled;	/* for their failures */
	_Atomic int64_t mails_waiting;	/* 0 without a mail server */
	_Atomic int64_t mails_late_ms;
	_Atomic int64_t inward_stuck;	/* 1: no events are carried from this node to the first */
	_Atomic int64_t outward_stuck;	/* 1: nor from there to this one */
};

/*
 * What the relays of all nodes count, one after the other in an array, as one: sums, and of ages the highest. `leads` is
 * the first one's.
 */
void		relay_metrics_sum(const struct relay_metrics *relays, size_t count, struct relay_metrics *sum);

static inline void
relay_count(_Atomic uint64_t *counter, uint64_t count)
{
	atomic_fetch_add_explicit(counter, count, memory_order_relaxed);
}

#endif
