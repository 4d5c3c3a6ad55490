/*
 * relay.h - from PostgreSQL's outbox to the boards in Redis.
 *
 * Every proxy runs one, on one of its loops, with a database connection of its
 * own. One of them leads (session advisory lock) and works; the others wait to
 * take over. Without Redis the leader only moves events from the
 * outbox to the stream. The leader's process also sends webhooks and mails (sender.h).
 */
#ifndef TIMETRACKR_RELAY_H
#define TIMETRACKR_RELAY_H

#include "audit.h"
#include "board.h"
#include "config.h"
#include "loop.h"
#include "relay_metrics.h"

struct redis_metrics;
struct relay;
struct sentry;

/* All that is pointed to must outlive it. */
struct relay_options
{
	const struct config *config;
	const char *url;			/* of the database */
	const char *node;			/* for the log: which of the other nodes it is; NULL: the first, or the only one */
	const struct config_redis *redis;	/* where the boards are; NULL, or without a host: nowhere */
	struct board_identity *identity;	/* kept up to date, for the leaderboards of all threads */
	struct relay_metrics *metrics;
	struct redis_metrics *redis_metrics;
	struct sentry *sentry;		/* where events that are given up are reported, and that it has not been working for long; NULL: nowhere */
	void		(*leads) (void *arg, bool leads);	/* it leads, or no longer so; NULL: not told */
	void	   *arg;
};

/* Start on a loop. NULL when memory is out. */
struct relay *relay_open(struct loop *loop, const struct relay_options *options);

/* What it counts when it compares Redis with PostgreSQL; lives as long as it does. Any thread may read it. */
const struct audit_counters *relay_audit_counters(const struct relay *relay);

/* Stop; locks are released, a batch on its way is rolled back and done by the next leader. */
void		relay_close(struct relay *relay);

#endif
