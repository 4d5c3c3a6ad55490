/*
 * main.c - the command line, the start, signals and the end.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "address_quota.h"
#include "catalog.h"
#include "check.h"
#include "config.h"
#include "crash.h"
#include "exporter.h"
#include "generations.h"
#include "journal.h"
#include "limit.h"
#include "linger.h"
#include "live_quota.h"
#include "log.h"
#include "net.h"
#include "openapi.h"
#include "pages.h"
#include "reload.h"
#include "sender.h"
#include "sentry.h"
#include "supervisor.h"
#include "tls.h"
#include "watchdog.h"
#include "worker.h"

#define ENV_FILE ".env"

/* Descriptors that are not HTTP connections: standard streams, loops, databases, Redis. */
#define DESCRIPTORS_PER_WORKER (36 + LINGER_MAX)
#define DESCRIPTORS_RESERVED (64 + SENDER_DESCRIPTORS)
#define CONNECTIONS_MIN 64
#define CONNECTIONS_MAX 16384

enum command
{
	SERVE,
	CHECK,
	PRINT_OPENAPI,
	REPORT_CRASH,				/* of another process: nobody else calls it */
	REPORT_END					/* likewise, as systemd tells it */
};

static int
usage(FILE *out, int status)
{
	fprintf(out,
			"Usage: timetrackr-proxy [--check | --openapi | --version | --help]\n"
			"Serve the HTTP API of the timetrackr extension.\n"
			"\n"
			"  --check    test the settings and what they point to, and exit\n"
			"  --openapi  print the API as an OpenAPI document, and exit\n"
			"\n"
			"Settings, from the environment or a file .env in the working directory:\n");
	config_describe();
	return status;
}

static int
complain(const char *why)
{
	fprintf(stderr, "%s%s\n", journal_prefix(LEVEL_ERROR), why);
	return EXIT_FAILURE;
}

/* The same of a setting. */
static int
complain_of(const char *setting, const char *why)
{
	char		line[600];

	snprintf(line, sizeof line, "%s: %s", setting, why);
	return complain(line);
}

/* Do the settings go with a database of several nodes, or of one? */
static bool
check_nodes(const struct config *config, const struct catalog *catalog)
{
	if (config->event_url_count > 0 && !catalog->is_distributed)
		complain_of("EVENT_DATABASE_URLS", "the database is not distributed: run SELECT timetrackr.distribute()");
	else if (config->database_read_url != NULL && catalog->is_distributed)
		complain_of("DATABASE_READ_URL", "standbys answer no reads of a distributed database");
	else
		return true;
	return false;
}

/* Build the catalog; a failure is the database's setting's. */
static struct catalog *
build_catalog(const struct config *config)
{
	char		reason[512];
	struct catalog *catalog = catalog_build(config->database_url, reason, sizeof reason);

	if (catalog == NULL)
	{
		complain_of("DATABASE_URL", reason);
		return NULL;
	}
	if (!check_nodes(config, catalog))
	{
		catalog_free(catalog);
		return NULL;
	}
	if (catalog->is_distributed)
		db_plan_by_values();
	return catalog;
}

/* Test the settings without serving. */
static int
check(const struct config *config)
{
	char		why[512];

	if (!check_settings(config, why, sizeof why))
		return complain(why);
	return puts("ok") >= 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* A SIGHUP that comes while the proxy still starts waits until it can be served. */
static bool
hold_back_reloads(void)
{
	sigset_t	reload;

	sigemptyset(&reload);
	sigaddset(&reload, SIGHUP);
	return pthread_sigmask(SIG_BLOCK, &reload, NULL) == 0;
}

/* Signals are taken by main() alone; a broken pipe is an error like others. */
static bool
block_signals(sigset_t *awaited)
{
	sigemptyset(awaited);
	sigaddset(awaited, SIGTERM);
	sigaddset(awaited, SIGINT);
	sigaddset(awaited, SIGHUP);
	return signal(SIGPIPE, SIG_IGN) != SIG_ERR && pthread_sigmask(SIG_BLOCK, awaited, NULL) == 0;
}

/* Wait for a signal that ends the process; 0 when that fails. */
static int
await_end(struct watchdog *watchdog, const struct config *config, const sigset_t *awaited)
{
	long		interval = watchdog_interval();
	struct timespec limit = {.tv_sec = interval / 1000, .tv_nsec = interval % 1000 * 1000000};

	for (;;)
	{
		int			signal_number = sigtimedwait(awaited, NULL, interval > 0 ? &limit : NULL);

		if (signal_number == SIGHUP)
			reload(watchdog->workers, watchdog->count, config);
		else if (signal_number > 0)
			return signal_number;
		else if (errno == EAGAIN)
			watchdog_beat(watchdog);
		else if (errno != EINTR)
			return 0;
	}
}

/* Start the workers' threads, wait for a signal, and end them. */
static int
run_workers(struct worker **workers, int count, const struct config *config, const sigset_t *awaited)
{
	struct watchdog watchdog = {.workers = workers, .count = count};
	int			started = 0;
	int			signal_number = 0;
	bool		good;

	while (started < count && worker_start(workers[started]))
		started++;
	if (started == count)
		signal_number = await_end(&watchdog, config, awaited);
	good = signal_number != 0;
	supervisor_stopping();
	log_event(LEVEL_INFO, "ending", "signal", signal_number ? strsignal(signal_number) : NULL, NULL);
	for (int i = 0; i < started; i++)
		worker_end(workers[i]);
	for (int i = 0; i < started; i++)
		good = worker_join(workers[i]) && good;
	return good && started == count ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Make all workers on their sockets and run them. */
static int
serve_on(const struct worker_shared *shared, struct exporter *exporter, const int *fds, int count,
		 const sigset_t *awaited)
{
	struct worker **workers = calloc((size_t) count, sizeof *workers);
	int			made = 0;
	int			status = EXIT_FAILURE;

	while (workers != NULL && made < count &&
		   (workers[made] = worker_create(shared, made, fds[made])) != NULL)
		made++;
	if (made < count)
		complain_of("WORKERS", "the system has not enough memory or descriptors for so many");
	else if (exporter != NULL && !exporter_start(exporter))
		complain("METRICS_LISTEN: the system refuses a thread");
	else
		status = run_workers(workers, count, shared->config, awaited);
	exporter_end(exporter);
	/* a worker closes its own socket, even one that could not be made */
	for (int i = made + 1; i < count; i++)
		close(fds[i]);
	for (int i = 0; i < made; i++)
		worker_free(workers[i]);
	free(workers);
	return status;
}

/* How many connections there may be. */
struct room
{
	unsigned	live;			/* of the process */
	unsigned	http;			/* of each worker */
};

/*
 * Share out the descriptors that the system allows. Live connections get what
 * they are set to, but no more than three of four. False with the reason.
 */
static bool
share_room(const struct config *config, struct room *room, char *why, size_t why_size)
{
	unsigned	workers = (unsigned) config->workers;
	unsigned	descriptors = net_raise_descriptor_limit();
	unsigned	reserved = DESCRIPTORS_PER_WORKER * workers + DESCRIPTORS_RESERVED +
		(config->metrics_host != NULL ? EXPORTER_DESCRIPTORS : 0);
	unsigned	usable = descriptors > reserved ? descriptors - reserved : 0;
	unsigned	most = usable / 4 * 3;
	unsigned	share;

	if (usable < workers * CONNECTIONS_MIN)
	{
		snprintf(why, why_size, "WORKERS: %u need %u open files at least, and the system allows "
				 "%u (ulimit -n)", workers, reserved + workers * CONNECTIONS_MIN, descriptors);
		return false;
	}
	room->live = config->live_connections < most ? (unsigned) config->live_connections : most;
	share = (usable - room->live) / workers;
	room->http = share < CONNECTIONS_MIN ? CONNECTIONS_MIN
		: share > CONNECTIONS_MAX ? CONNECTIONS_MAX : share;
	return true;
}

/* Errors are reported from now on, those that end the process, too; false: the system refuses a thread. */
static bool
start_reports(struct worker_shared *shared, char *why, size_t why_size)
{
	bool		failed;

	shared->sentry = sentry_start(shared->config, &failed);
	if (failed)
		snprintf(why, why_size, "SENTRY_DSN: the system refuses a thread, or memory");
	if (shared->sentry != NULL)
		crash_watch();
	return !failed;
}

/* Was there memory for all of it? */
static bool
is_complete(const struct worker_shared *shared)
{
	return shared->limits != NULL && shared->address_quota != NULL && shared->live_quota != NULL &&
		shared->relay_metrics != NULL &&
		shared->writes != NULL && shared->cache_counters != NULL && shared->metrics != NULL;
}

static bool
load_tls(struct worker_shared *shared, char *why, size_t why_size)
{
	const struct config *config = shared->config;

	if (config->tls_cert != NULL)
		shared->tls = tls_load(config->tls_cert, config->tls_key, why, why_size);
	return config->tls_cert == NULL || shared->tls != NULL;
}

/* The listener for /metrics, if there is to be one. */
static bool
open_exporter(const struct worker_shared *shared, struct exporter **exporter, char *why, size_t why_size)
{
	if (shared->config->metrics_host != NULL)
		*exporter = exporter_create(shared, why, why_size);
	return shared->config->metrics_host == NULL || *exporter != NULL;
}

static int
serve(const struct config *config, const struct catalog *catalog, const char *openapi,
	  const struct statics *files)
{
	int			count = config->workers;
	struct room room = {0};
	char		why[256] = "out of memory";
	bool		has_room = share_room(config, &room, why, sizeof why);
	struct board_identity identity = {0};
	atomic_uint unready = (unsigned) count;
	atomic_uint starting = (unsigned) count;
	struct worker_shared shared = {
		.config = config,
		.unready = &unready,
		.starting = &starting,
		.catalog = catalog,
		.limits = limits_create(config->rate_limit_per_minute, config->auth_rate_limit_per_minute),
		.address_quota = address_quota_create(config->connections_per_address,
											  &config->trusted_proxies),
		.live_quota = live_quota_create(room.live, config->live_connections_per_user),
		.identity = &identity,
		.relay_metrics = calloc(1 + config->event_url_count, sizeof *shared.relay_metrics),
		.writes = writes_create(),
		.cache_counters = calloc((size_t) count, sizeof *shared.cache_counters),
		.metrics = metrics_create((size_t) count, catalog->route_count),
		.openapi = openapi,
		.files = files,
		.connections = room.http,
	};
	struct exporter *exporter = NULL;
	int		   *fds = calloc((size_t) count, sizeof *fds);
	int			port = config->port;
	int			status = EXIT_FAILURE;
	char		port_text[16];
	char		live_text[16];
	sigset_t	awaited;

	if (!has_room || fds == NULL || !is_complete(&shared) || !check_poolers(config, why, sizeof why) ||
		!load_tls(&shared, why, sizeof why) ||
		!block_signals(&awaited) || !start_reports(&shared, why, sizeof why) || !open_exporter(&shared, &exporter, why, sizeof why) ||
		!net_listen(config->host, &port, fds, count, why, sizeof why))
		complain(why);
	else
	{
		snprintf(port_text, sizeof port_text, "%d", port);
		if (room.live < config->live_connections)
		{
			snprintf(live_text, sizeof live_text, "%u", room.live);
			log_event(LEVEL_WARN, "live_limited", "error",
					  "the system allows too few open files for LIVE_CONNECTIONS",
					  "connections", live_text, NULL);
		}
		if (catalog->is_distributed && !check_nodes_heard(config))
			log_event(LEVEL_WARN, "nodes_unheard", "error",
					  "EVENT_DATABASE_URLS does not name all nodes: the events of others wait there", NULL);
		if (!check_parameters_unlogged(config))
			log_event(LEVEL_WARN, "parameters_logged", "error",
					  "the server may log passwords: run grant_api() as a superuser", NULL);
		log_event(LEVEL_INFO, "listening", "host", config->host, "port", port_text,
				  "version", TIMETRACKR_VERSION, NULL);
		log_flush();
		supervisor_keep_sockets(fds, count);
		status = serve_on(&shared, exporter, fds, count, &awaited);
		net_unlisten(config->host);
	}
	exporter_free(exporter);
	sentry_stop(shared.sentry);
	limits_free(shared.limits);
	address_quota_free(shared.address_quota);
	tls_release(shared.tls);
	live_quota_free(shared.live_quota);
	writes_free(shared.writes);
	free(shared.relay_metrics);
	free(shared.cache_counters);
	metrics_free(shared.metrics);
	free(fds);
	log_finish();
	return status;
}

/* Do what is asked for, with settings and catalog at hand. */
static int
run(enum command command, const struct config *config, const struct catalog *catalog)
{
	char		why[512];
	char	   *openapi = openapi_build(catalog);
	struct statics *files;
	int			status;

	if (openapi == NULL)
		return complain("out of memory");
	files = pages_load(config, why, sizeof why);
	if (files == NULL)
	{
		free(openapi);
		return complain(why);
	}
	if (command == PRINT_OPENAPI)
		status = puts(openapi) >= 0 && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	else if (command == CHECK)
		status = check(config);
	else
		status = serve(config, catalog, openapi, files);
	statics_free(files);
	free(openapi);
	return status;
}

/* The same, with settings alone. */
static int
run_with_catalog(enum command command, const struct config *config)
{
	struct catalog *catalog = build_catalog(config);
	int			status = catalog != NULL ? run(command, config, catalog) : EXIT_FAILURE;

	catalog_free(catalog);
	return status;
}

int
main(int argc, char **argv)
{
	enum command command = SERVE;
	struct config config;
	char		why[512];
	int			status;

	journal_find();
	if (argc > 2)
		return usage(stderr, EXIT_FAILURE);
	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return usage(stdout, EXIT_SUCCESS);
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return printf("timetrackr-proxy %s\n", TIMETRACKR_VERSION) > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	if (argc == 2 && strcmp(argv[1], "--check") == 0)
		command = CHECK;
	else if (argc == 2 && strcmp(argv[1], "--openapi") == 0)
		command = PRINT_OPENAPI;
	else if (argc == 2 && strcmp(argv[1], "--report-crash") == 0)
		command = REPORT_CRASH;
	else if (argc == 2 && strcmp(argv[1], "--report-end") == 0)
		command = REPORT_END;
	else if (argc == 2)
		return usage(stderr, EXIT_FAILURE);

	if (!config_load(&config, ENV_FILE, why, sizeof why))
		return complain(why);
	/* the other commands say one line, and that is all */
	log_set_level(command == CHECK || command == PRINT_OPENAPI ? LEVEL_ERROR : config.log_level);
	if (command == SERVE && !hold_back_reloads())
		return complain("SIGHUP cannot be blocked");
	if (command == REPORT_CRASH)
		status = crash_report(&config);
	else if (command == REPORT_END)
		status = crash_report_end(&config);
	else
		status = run_with_catalog(command, &config);
	config_free(&config);
	return status;
}
