/*
 * exporter.h - the listener for Prometheus: GET /metrics on an address of its
 * own, and nothing else. It runs in a thread of its own, so that a scrape
 * delays no request, and a worker that is stuck no scrape.
 */
#ifndef TIMETRACKR_EXPORTER_H
#define TIMETRACKR_EXPORTER_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"
#include "linger.h"
#include "worker.h"

/* Most connections, and descriptors that it needs. */
#define EXPORTER_CONNECTIONS 16
#define EXPORTER_DESCRIPTORS (EXPORTER_CONNECTIONS + LINGER_MAX + 8)

struct exporter;

/*
 * Listen at METRICS_LISTEN. `shared` must outlive it. NULL, with "METRICS_LISTEN: why" in
 * `why`, when the address is wrong or taken, or the system refuses something.
 */
struct exporter *exporter_create(const struct worker_shared *shared, char *why, size_t why_size);

/* Start its thread. False when the system refuses it. */
bool		exporter_start(struct exporter *exporter);

/* End its thread, before the workers are freed; NULL is fine. */
void		exporter_end(struct exporter *exporter);

/* Free it; NULL is fine. */
void		exporter_free(struct exporter *exporter);

/* Can its address be listened on, apart from being taken just now? Else "METRICS_LISTEN: why" in `why`. */
bool		exporter_check(const struct config *config, char *why, size_t why_size);

#endif
