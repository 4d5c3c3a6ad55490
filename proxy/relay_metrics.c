/*
 * relay_metrics.c - adds up what the relays of several nodes count (see relay_metrics.h).
 */
#include "relay_metrics.h"

#define ADD(member) atomic_fetch_add(&sum->member, atomic_load_explicit(&relay->member, memory_order_relaxed))

/* No other thread knows of the sum. */
static void
raise_to(_Atomic int64_t *highest, const _Atomic int64_t *value)
{
	int64_t		found = atomic_load_explicit(value, memory_order_relaxed);

	if (found > atomic_load(highest))
		atomic_store(highest, found);
}

static void
add(struct relay_metrics *sum, const struct relay_metrics *relay)
{
	ADD(events);
	ADD(batches);
	ADD(failures);
	ADD(deaths);
	ADD(elections);
	ADD(delivered);
	ADD(undelivered);
	ADD(mailed);
	ADD(mails_refused);
	ADD(mails_undelivered);
	ADD(outbox_depth);
	ADD(retrying);
	ADD(dead);
	ADD(deliveries_waiting);
	ADD(webhooks_failing);
	ADD(webhooks_disabled);
	ADD(mails_waiting);
	ADD(inward_stuck);
	ADD(outward_stuck);
	raise_to(&sum->outbox_age_ms, &relay->outbox_age_ms);
	raise_to(&sum->deliveries_late_ms, &relay->deliveries_late_ms);
	raise_to(&sum->mails_late_ms, &relay->mails_late_ms);
}

void
relay_metrics_sum(const struct relay_metrics *relays, size_t count, struct relay_metrics *sum)
{
	*sum = (struct relay_metrics) {0};
	atomic_store(&sum->leads, atomic_load_explicit(&relays[0].leads, memory_order_relaxed));
	for (size_t i = 0; i < count; i++)
		add(sum, &relays[i]);
}
