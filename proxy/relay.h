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

/*
 * Start on a loop. `config` must outlive it, and so
 * must `identity`, which it keeps up to date for the leaderboards of all threads, `metrics`, and `sentry`
 * (NULL: none), where it reports events that it gives up, and that it has not been working for long.
 * NULL when memory is out.
 */
struct relay *relay_open(struct loop *loop, const struct config *config,
						 struct board_identity *identity, struct relay_metrics *metrics,
						 struct redis_metrics *redis_metrics, struct sentry *sentry);

/* What it counts when it compares Redis with PostgreSQL; lives as long as it does. Any thread may read it. */
const struct audit_counters *relay_audit_counters(const struct relay *relay);

/* Stop; locks are released, a batch on its way is rolled back and done by the next leader. */
void		relay_close(struct relay *relay);

#endif
