/*
 * worker.h - one thread with everything it needs to serve: loop, HTTP, lanes.
 */
#ifndef TIMETRACKR_WORKER_H
#define TIMETRACKR_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "board.h"
#include "cache.h"
#include "catalog.h"
#include "config.h"
#include "limit.h"
#include "live_quota.h"
#include "metrics.h"
#include "relay_metrics.h"

struct sentry;
struct statics;
struct tls_identity;
struct worker;

/* What all workers share; read-only, or safe to share, and outlives them. */
struct worker_shared
{
	const struct config *config;
	const struct catalog *catalog;
	struct limits *limits;
	struct address_quota *address_quota;
	struct tls_identity *tls;	/* at first; NULL: no TLS */
	struct live_quota *live_quota;
	struct relay_metrics *relay_metrics;	/* of the first node, and of each of EVENT_DATABASE_URLS */
	struct metrics *metrics;
	struct writes *writes;		/* what this process has written, for its caches */
	struct cache_counters *cache_counters;	/* one for each worker */
	struct sentry *sentry;		/* NULL: errors are not reported */
	struct board_identity *identity;	/* whose boards in Redis to believe */
	atomic_uint *unready;		/* workers that lack a connection; all of them at first */
	atomic_uint *starting;		/* workers that never had all of PostgreSQL's; likewise */
	const char *openapi;
	const struct statics *files;
	unsigned	connections;	/* most HTTP connections of a worker */
};

/*
 * Make a worker that serves a listening socket, which it takes over. Worker 0
 * also carries the relay. NULL when the system refuses something.
 */
struct worker *worker_create(const struct worker_shared *shared, int number, int listen_fd);

/* Start its thread. False when the system refuses it. */
bool		worker_start(struct worker *worker);

/*
 * Have it use this identity for new connections; it holds it. Any thread may call it. False: memory is
 * out, and it goes on with the one it has.
 */
bool		worker_use_tls(struct worker *worker, struct tls_identity *identity);

/* The same for the public keys of the identity provider: tokens of other keys are refused from then on. */
bool		worker_use_provider_keys(struct worker *worker, struct digest_keys *keys);

/* Have its loop take one off the number: it turns. Any thread may call it. False: memory is out. */
bool		worker_ask(struct worker *worker, atomic_uint *silent);

/* Have it finish what is under way, for 10 s at most, and end. Any thread may call it. */
void		worker_end(struct worker *worker);

/* Wait for its thread to end. False when it ended because of a failure. */
bool		worker_join(struct worker *worker);

void		worker_free(struct worker *worker);

#endif
