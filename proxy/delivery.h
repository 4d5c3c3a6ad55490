/*
 * delivery.h - posting events to webhooks: claimed from the database, sent, and
 * noted there (sql/30_webhook_delivery.sql). When to look is the sender's business.
 */
#ifndef TIMETRACKR_DELIVERY_H
#define TIMETRACKR_DELIVERY_H

#include <stdbool.h>

#include "db.h"
#include "loop.h"
#include "relay_metrics.h"

struct deliveries;

struct delivery_options
{
	struct db  *db;
	bool		allow_private;	/* whatever address a webhook leads to */
	struct relay_metrics *metrics;
	void		(*changed) (void *arg); /* there is room again, or something is due that was not */
	void	   *arg;
};

/* NULL when memory is out. */
struct deliveries *deliveries_open(struct loop *loop, const struct delivery_options *options);

/* Claim and send what is due, as far as there is room. Nothing happens while an earlier claim is not answered. */
void		deliveries_claim(struct deliveries *deliveries);

/* Is anything under way? */
bool		deliveries_are_idle(const struct deliveries *deliveries);

/* What is under way is forgotten: it is claimed again later. NULL is fine. */
void		deliveries_close(struct deliveries *deliveries);

#endif
