/*
 * metrics.c - memory for what workers count: cache lines of each one's own.
 */
#include "metrics.h"

#include <stdlib.h>
#include <string.h>

struct worker_metrics *
worker_metrics_create(size_t route_count)
{
	size_t		line = _Alignof(struct worker_metrics);
	size_t		size = sizeof(struct worker_metrics) +
		(route_count + METRICS_EXTRAS) * sizeof(struct route_metrics);
	struct worker_metrics *metrics;

	size = (size + line - 1) / line * line;
	metrics = aligned_alloc(line, size);
	if (metrics != NULL)
		memset(metrics, 0, size);
	return metrics;
}

struct metrics *
metrics_create(size_t worker_count, size_t route_count)
{
	struct metrics *metrics = calloc(1, sizeof *metrics + worker_count * sizeof(struct worker_metrics *));

	if (metrics == NULL)
		return NULL;
	metrics->worker_count = worker_count;
	metrics->route_count = route_count;
	clock_gettime(CLOCK_REALTIME, &metrics->started);
	for (size_t i = 0; i < worker_count; i++)
	{
		metrics->workers[i] = worker_metrics_create(route_count);
		if (metrics->workers[i] != NULL)
			continue;
		metrics_free(metrics);
		return NULL;
	}
	return metrics;
}

void
metrics_free(struct metrics *metrics)
{
	if (metrics == NULL)
		return;
	for (size_t i = 0; i < metrics->worker_count; i++)
		free(metrics->workers[i]);
	free(metrics);
}
