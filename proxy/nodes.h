/*
 * nodes.h - the other nodes of a distributed database (EVENT_DATABASE_URLS): each has a relay of its own, and
 * its events are carried to the first node, whose stream clients hear, and back.
 */
#ifndef TIMETRACKR_NODES_H
#define TIMETRACKR_NODES_H

#include <stdbool.h>

#include "config.h"
#include "loop.h"
#include "relay_metrics.h"

struct nodes;
struct sentry;

/*
 * Start on a loop. `config` must outlive it, and so must `sentry` and `metrics`, which has one of each
 * node, in the order of the setting. NULL when memory is out.
 */
struct nodes *nodes_open(struct loop *loop, const struct config *config, struct relay_metrics *metrics,
						 struct sentry *sentry);

/* For relay_options.leads, with the nodes as arg: who leads the relay of the first node carries events. */
void		nodes_lead(void *arg, bool leads);

/* Stop. NULL is fine. */
void		nodes_close(struct nodes *nodes);

#endif
