/*
 * relay.h - from PostgreSQL's outbox to the boards in Redis.
 *
 * Every proxy runs one, on one of its loops, with a database connection of its
 * own. One of them leads (session advisory lock) and works; the others wait to
 * take over. Without Redis the leader only moves events from the
 * outbox to the stream.
 */
#ifndef TIMETRACKR_RELAY_H
#define TIMETRACKR_RELAY_H

#include "board.h"
#include "config.h"
#include "loop.h"
#include "relay_metrics.h"

struct relay;

/*
 * Start on a loop. `config` must outlive it (database_url, redis and event_ttl are used), and so
 * must `identity`, which it keeps up to date for the leaderboards of all threads, and `metrics`.
 * NULL when memory is out.
 */
struct relay *relay_open(struct loop *loop, const struct config *config,
						 struct board_identity *identity, struct relay_metrics *metrics);

/* Stop; locks are released, a batch on its way is rolled back and done by the next leader. */
void		relay_close(struct relay *relay);

#endif
