/*
 * service.h - what the requests of one worker share. Filled in by worker.c.
 */
#ifndef TIMETRACKR_SERVICE_H
#define TIMETRACKR_SERVICE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "accelerator.h"
#include "catalog.h"
#include "config.h"
#include "lane.h"
#include "limit.h"
#include "linger.h"
#include "loop.h"
#include "metrics.h"
#include "relay_metrics.h"

struct address_quota;
struct feed;
struct identities;
struct live;
struct poll;
struct reads;
struct answer_cache;
struct rendered;
struct request;
struct sentry;
struct statics;
struct tls_identity;
struct tokens;
struct worker_shared;

struct service
{
	struct loop *loop;
	const struct config *config;
	const struct catalog *catalog;
	struct lane *lanes[LANE_COUNT];	/* LANE_BATCH is NULL when no writes share a commit */
	struct reads *reads;		/* where LANE_READ's jobs go in by, unless they need the primary's answer */
	struct poll *poll;			/* those who wait for events */
	struct feed *feed;			/* events of the whole database, as they come in */
	struct live *live;			/* the WebSockets */
	struct tokens *tokens;		/* NULL: nobody is asked for one */
	struct tls_identity *tls;	/* of new connections; NULL: no TLS */
	struct identities *identities;	/* users of the identity provider; NULL: there is none */
	struct limits *limits;
	struct address_quota *address_quota;	/* connections of each address */
	struct loop_timer refusal_logged;	/* active: not long ago */
	struct accelerator accelerators[ACCELERATOR_COUNT];	/* attempt is NULL where there is none */
	bool		(*redis_is_up) (void *state);	/* NULL: no Redis is set */
	void	   *redis;
	const struct relay_metrics *relay_metrics;	/* of this process */
	const atomic_uint *unready;	/* workers of this process that lack a connection */
	struct worker_metrics *metrics;	/* of this worker */
	struct sentry *sentry;		/* where failures are reported; NULL: nowhere */
	int			number;			/* of this worker */
	const struct worker_shared *scraped;	/* what /metrics tells of; of the exporter's requests alone */
	struct rendered *openapi;	/* the document */
	const struct statics *files;	/* what is sent as it is; NULL: nothing */
	struct answer_cache *answer_cache;	/* NULL: nothing is kept */
	char		refresh_ttl[24];	/* the setting, as a value of a call */
	uint64_t	id_prefix;		/* random: makes request ids unique over workers and restarts */
	uint64_t	id_counter;
	size_t		documents;		/* imports under way */
	size_t		images;			/* pictures that are being uploaded */
	struct lingering lingering; /* connections that are over */
	struct request *spare;		/* memory for the next requests; NULL: none */
	unsigned	spare_count;
	size_t		unfinished;		/* requests that are not answered yet */
	bool		draining;		/* shutting down: every answer ends its connection */
};

#endif
