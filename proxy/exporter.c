/*
 * exporter.c - a service without database, tokens or limits, whose only route is
 * /metrics: the HTTP side, its time limits and its log are those of any worker.
 */
#include "exporter.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "address_quota.h"
#include "http.h"
#include "log.h"
#include "net.h"
#include "request.h"

static const struct catalog_route metrics_route = {
	.method = METHOD_GET,
	.path = "/metrics",
	.builtin = BUILTIN_METRICS,
	.access = ACCESS_OPTIONAL,
	.shape = SHAPE_TEXT,
	.status = 200,
	.segments = {{.text = "metrics", .length = 7, .param = -1}},
	.segment_count = 1,
	.limit = -1,
	.viewer = -1,
	.document = -1,
};

struct exporter
{
	pthread_t	thread;
	bool		runs;
	struct loop *loop;
	struct http *http;
	struct catalog_route route;
	struct catalog catalog;
	struct loop_hook log_hook;
	struct service service;
};

/* Say which setting is to blame, whatever name the reason begins with. */
static void
blame(char *why, size_t why_size, const char *reason)
{
	const char *colon = strstr(reason, ": ");

	snprintf(why, why_size, "METRICS_LISTEN: %s", colon != NULL ? colon + 2 : reason);
}

bool
exporter_check(const struct config *config, char *why, size_t why_size)
{
	char		reason[256];

	if (config->metrics_host == NULL || net_check(config->metrics_host, config->metrics_port, reason, sizeof reason))
		return true;
	blame(why, why_size, reason);
	return false;
}

static int
flush_log(void *arg)
{
	(void) arg;
	log_flush();
	return -1;
}

static void *
run(void *arg)
{
	struct exporter *exporter = arg;

	if (!loop_run(exporter->loop))
		log_event(LEVEL_ERROR, "loop_failed", "error", strerror(errno), NULL);
	log_finish();
	return NULL;
}

static bool
fill_service(struct exporter *exporter, const struct worker_shared *shared)
{
	struct service *service = &exporter->service;

	exporter->route = metrics_route;
	exporter->catalog = (struct catalog) {.routes = &exporter->route, .route_count = 1};
	service->loop = exporter->loop;
	service->config = shared->config;
	service->catalog = &exporter->catalog;
	service->metrics = worker_metrics_create(1);
	service->address_quota = address_quota_create(0, &shared->config->trusted_proxies);
	service->scraped = shared;
	return service->metrics != NULL && service->address_quota != NULL &&
		getrandom(&service->id_prefix, sizeof service->id_prefix, 0) == sizeof service->id_prefix;
}

struct exporter *
exporter_create(const struct worker_shared *shared, char *why, size_t why_size)
{
	struct exporter *exporter = calloc(1, sizeof *exporter);
	int			port = shared->config->metrics_port;
	int			fd;
	char		reason[256];

	if (exporter != NULL)
		exporter->loop = loop_create();
	blame(why, why_size, "the system has not enough memory or descriptors");
	if (exporter == NULL || exporter->loop == NULL || !fill_service(exporter, shared))
	{
		exporter_free(exporter);
		return NULL;
	}
	if (!net_listen_anew(shared->config->metrics_host, &port, &fd, 1, reason, sizeof reason))
	{
		blame(why, why_size, reason);
		exporter_free(exporter);
		return NULL;
	}
	exporter->http = http_create(&exporter->service, fd, EXPORTER_CONNECTIONS);
	if (exporter->http == NULL)
	{
		close(fd);
		exporter_free(exporter);
		return NULL;
	}
	loop_hook_start(exporter->loop, &exporter->log_hook, flush_log, exporter);
	return exporter;
}

bool
exporter_start(struct exporter *exporter)
{
	exporter->runs = pthread_create(&exporter->thread, NULL, run, exporter) == 0;
	return exporter->runs;
}

void
exporter_end(struct exporter *exporter)
{
	if (exporter == NULL || !exporter->runs)
		return;
	loop_stop(exporter->loop);
	pthread_join(exporter->thread, NULL);	/* cannot fail: it is joined once */
	exporter->runs = false;
}

void
exporter_free(struct exporter *exporter)
{
	if (exporter == NULL)
		return;
	http_free(exporter->http);
	request_free_spare(&exporter->service);
	if (exporter->loop != NULL)
		loop_timer_stop(exporter->loop, &exporter->service.refusal_logged);
	address_quota_free(exporter->service.address_quota);
	free(exporter->service.metrics);
	loop_free(exporter->loop);
	free(exporter);
}
