/*
 * worker.c - puts one worker together, and takes it apart in the right order.
 */
#include "worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "crash.h"
#include "feed.h"
#include "http.h"
#include "identity.h"
#include "leaderboard.h"
#include "live.h"
#include "log.h"
#include "nodes.h"
#include "poll.h"
#include "reads.h"
#include "answer_cache.h"
#include "relay.h"
#include "rendered.h"
#include "request.h"
#include "service.h"
#include "supervisor.h"
#include "tls.h"
#include "token.h"

/* Requests under way get so many ms to finish before the end. */
#define DRAIN_LIMIT 10000
/* A statement is ended by the server after so many ms. */
#define STATEMENT_LIMIT 10000
#define BULK_STATEMENT_LIMIT 60000

struct worker
{
	int			number;
	pthread_t	thread;
	struct loop *loop;
	struct http *http;
	struct service service;
	_Atomic(struct tls_identity *) next_tls;	/* told by another thread; NULL: none */
	_Atomic(struct digest_keys *) next_provider_keys;	/* likewise */
	struct leaderboard *leaderboard;	/* NULL without Redis */
	struct relay *relay;		/* of worker 0 */
	struct nodes *nodes;		/* likewise */
	struct loop_timer drain_limit;
	int			undrained;		/* HTTP and live connections, when it ends */
	struct loop_hook log_hook;
	struct loop_hook ready_hook;
	atomic_uint *unready;
	atomic_uint *starting;
	bool		ready;
	bool		started;		/* had all connections to PostgreSQL once */
	bool		failed;
};

/*
 * Writes that may share a commit have several connections: while one waits for its
 * commit, others are at work. Many workers have enough of them together.
 */
static int
batch_connections(int workers)
{
	const int	of_process = 8;
	const int	of_worker = 4;
	int			share = of_process / workers;

	return share > of_worker ? of_worker : share < 1 ? 1 : share;
}

/*
 * Lanes of a worker. Log-ins are few and slow: each keeps a backend busy with
 * bcrypt for 60 to 100 ms, so they queue behind one connection, and not for long;
 * and when others want the processor it stands back.
 * Imports take seconds, and one at a time.
 *
 * On several nodes a call that another one was given is committed there: writes share nothing, but there are as many
 * at work.
 */
static bool
open_lanes(struct worker *worker, const struct config *config)
{
	const bool	is_distributed = worker->service.catalog->is_distributed;
	const bool	shares = config->write_batch > 1 && !is_distributed;
	struct lane_options options[LANE_COUNT] = {
		[LANE_READ] = {
			.name = "read", .url = config->database_url, .connections = 2,
			.depth = 16, .queue_limit = 4096, .only_reads = true,
			.statement_timeout = STATEMENT_LIMIT,
		},
		[LANE_WRITE] = {
			.name = "write", .url = config->database_url,
			.connections = 2 + (is_distributed ? batch_connections(config->workers) : 0),
			.depth = 16, .queue_limit = 4096,
			.statement_timeout = STATEMENT_LIMIT,
		},
		[LANE_BATCH] = {
			.name = "batch", .url = config->database_url,
			.connections = batch_connections(config->workers),
			.depth = 1, .queue_limit = 4096, .batch = config->write_batch,
			.statement_timeout = STATEMENT_LIMIT,
		},
		[LANE_BULK] = {
			.name = "bulk", .url = config->database_url, .connections = 1,
			.depth = 1, .queue_limit = 4,
			.statement_timeout = BULK_STATEMENT_LIMIT,
		},
		[LANE_LOGIN] = {
			.name = "login", .url = config->database_url, .connections = 1,
			.depth = 1, .queue_limit = 64, .nice = "10",
			.statement_timeout = STATEMENT_LIMIT,
		},
	};

	for (int i = 0; i < LANE_COUNT; i++)
	{
		if (i == LANE_STANDBY || (i == LANE_BATCH && !shares))
			continue;
		options[i].metrics = &worker->service.metrics->lanes[i];
		options[i].slow = (uint64_t) config->slow_query;
		if (i == LANE_BATCH)
			options[i].alone = worker->service.lanes[LANE_WRITE];
		worker->service.lanes[i] = lane_open(worker->loop, &options[i]);
		if (worker->service.lanes[i] == NULL)
			return false;
	}
	return true;
}

/* Reads go to standbys, if there are any. */
static bool
open_reads(struct worker *worker, const struct config *config)
{
	struct service *service = &worker->service;
	struct reads_options options = {
		.url = config->database_read_url,
		.primary_url = config->database_url,
		.primary = service->lanes[LANE_READ],
		.wait = (uint64_t) config->read_wait,
		.statement_timeout = STATEMENT_LIMIT,
		.slow = (uint64_t) config->slow_query,
		.lane_metrics = &service->metrics->lanes[LANE_STANDBY],
		.metrics = &service->metrics->reads,
	};

	service->reads = reads_open(worker->loop, &options);
	return service->reads != NULL;
}

/* What moves events, on worker 0. */
static bool
open_relay(struct worker *worker, const struct worker_shared *shared)
{
	struct relay_options options = {
		.config = shared->config, .url = shared->config->database_url, .redis = &shared->config->redis,
		.identity = shared->identity, .metrics = &shared->relay_metrics[0],
		.redis_metrics = &worker->service.metrics->redis[METRICS_REDIS_RELAY], .sentry = shared->sentry,
		.leads = nodes_lead,
	};

	if (worker->number != 0)
		return true;
	options.arg = worker->nodes = nodes_open(worker->loop, shared->config, &shared->relay_metrics[1], shared->sentry);
	if (worker->nodes != NULL)
		worker->relay = relay_open(worker->loop, &options);
	if (worker->relay != NULL)
		atomic_store(&shared->metrics->audit, relay_audit_counters(worker->relay));
	return worker->relay != NULL;
}

/* Reads from Redis. */
static bool
open_boards(struct worker *worker, const struct worker_shared *shared)
{
	const struct config *config = shared->config;
	struct service *service = &worker->service;

	if (config->redis.host != NULL)
	{
		worker->leaderboard = leaderboard_open(worker->loop, &config->redis, shared->identity,
											   &service->metrics->redis[METRICS_REDIS_LEADERBOARD]);
		if (worker->leaderboard == NULL)
			return false;
		service->accelerators[ACCELERATOR_LEADERBOARD] =
			(struct accelerator) {leaderboard_attempt, worker->leaderboard};
		service->redis_is_up = leaderboard_redis_is_up;
		service->redis = worker->leaderboard;
	}
	return true;
}

/* Users of the identity provider, if there is one. */
static bool
open_identities(struct worker *worker, const struct config *config)
{
	struct service *service = &worker->service;

	if (config->jwt_public_keys == NULL)
		return true;
	service->identities = identities_open(service->feed, service->lanes[LANE_WRITE], config->jwt_issuer);
	return service->identities != NULL;
}

/* Answers to visitors; without room for them there is no cache, nor with several nodes. */
static bool
open_cache(struct worker *worker, const struct worker_shared *shared)
{
	struct answer_cache_options options = {
		.writes = shared->writes,
		.identity = shared->identity,
		.tells_redis = worker->number == 0,
		.counters = &shared->cache_counters[worker->number],
	};

	/* The feed cannot tell whether the events of another node are late. */
	if (shared->config->cache_bytes == 0 || shared->catalog->is_distributed)
		return true;
	worker->service.answer_cache = answer_cache_open(&worker->service, &options);
	return worker->service.answer_cache != NULL;
}

static bool
lanes_are_up(const struct service *service)
{
	for (int i = 0; i < LANE_COUNT; i++)
		if (service->lanes[i] != NULL && !lane_is_up(service->lanes[i]))
			return false;
	return true;
}

/* Without Redis it serves, too: whoever waits for the start need not wait for that. */
static void
note_start(struct worker *worker)
{
	worker->started = true;
	if (atomic_fetch_sub(worker->starting, 1) == 1)
		supervisor_ready();
}

/* A client's connections end at any worker, so the process is ready when all are. */
static int
note_readiness(void *arg)
{
	struct worker *worker = arg;
	const struct service *service = &worker->service;
	bool		serves = lanes_are_up(service);
	bool		ready = serves && (service->redis_is_up == NULL || service->redis_is_up(service->redis));

	if (serves && !worker->started)
		note_start(worker);

	if (ready && !worker->ready)
		atomic_fetch_sub(worker->unready, 1);
	else if (!ready && worker->ready)
		atomic_fetch_add(worker->unready, 1);
	worker->ready = ready;
	counter_set(&worker->service.metrics->feed_current, feed_is_current(worker->service.feed));
	counter_set(&worker->service.metrics->relay_behind, (uint64_t) feed_relay_behind(worker->service.feed));
	return -1;
}

static int
flush_log(void *arg)
{
	const struct worker *worker = arg;

	return log_flush_old(loop_now(worker->loop));
}

static bool
fill_service(struct worker *worker, const struct worker_shared *shared)
{
	struct service *service = &worker->service;
	const struct config *config = shared->config;

	service->loop = worker->loop;
	service->config = config;
	service->catalog = shared->catalog;
	service->limits = shared->limits;
	service->tls = tls_hold(shared->tls);
	service->address_quota = shared->address_quota;
	service->unready = shared->unready;
	service->relay_metrics = shared->relay_metrics;
	service->sentry = shared->sentry;
	service->number = worker->number;
	service->metrics = shared->metrics->workers[worker->number];
	worker->unready = shared->unready;
	worker->starting = shared->starting;
	service->files = shared->files;
	service->openapi = rendered_create(shared->openapi, strlen(shared->openapi), NULL);
	service->tokens = tokens_create(&(struct token_options) {
		.secret = config->jwt_secret,
		.previous_secret = config->jwt_secret_previous,
		.ttl = config->access_token_ttl,
		.provider_keys = config->jwt_public_keys,
		.provider_issuer = config->jwt_issuer,
		.provider_audience = config->jwt_audience,
	});
	snprintf(service->refresh_ttl, sizeof service->refresh_ttl, "%ld", config->refresh_token_ttl);
	return service->tokens != NULL && service->openapi != NULL &&
		getrandom(&service->id_prefix, sizeof service->id_prefix, 0) == sizeof service->id_prefix;
}

struct worker *
worker_create(const struct worker_shared *shared, int number, int listen_fd)
{
	struct worker *worker = calloc(1, sizeof *worker);

	if (worker != NULL)
	{
		worker->number = number;
		worker->loop = loop_create();
	}
	if (worker == NULL || worker->loop == NULL || !fill_service(worker, shared))
	{
		close(listen_fd);
		worker_free(worker);
		return NULL;
	}
	/* hooks run in this order: HTTP starts queries, connections send them, the log is written */
	worker->http = http_create(&worker->service, listen_fd, shared->connections);
	if (worker->http != NULL && open_lanes(worker, shared->config) && open_reads(worker, shared->config))
		worker->service.feed = feed_new(worker->loop, shared->config->database_url);
	if (worker->service.feed != NULL)
		worker->service.poll = poll_new(worker->loop, worker->service.feed);
	if (worker->service.poll != NULL)
		worker->service.live = live_new(&worker->service, shared->live_quota);
	if (worker->service.live == NULL || !open_identities(worker, shared->config) || !open_boards(worker, shared) ||
		!open_relay(worker, shared) || !open_cache(worker, shared))
	{
		worker_free(worker);
		return NULL;
	}
	loop_hook_start(worker->loop, &worker->ready_hook, note_readiness, worker);
	loop_hook_start(worker->loop, &worker->log_hook, flush_log, worker);
	return worker;
}

static void *
run(void *arg)
{
	struct worker *worker = arg;
	clockid_t	clock;

	crash_enter_thread(worker->number);
	if (pthread_getcpuclockid(pthread_self(), &clock) == 0)
		atomic_store(&worker->service.metrics->clock, clock);
	if (!loop_run(worker->loop))
	{
		log_event(LEVEL_ERROR, "loop_failed", "error", strerror(errno), NULL);
		worker->failed = true;
		/* main() waits for a signal: without this worker the process is of no use */
		kill(getpid(), SIGTERM);
	}
	atomic_store(&worker->service.metrics->clock, 0);
	crash_leave_thread();
	log_finish();
	return NULL;
}

bool
worker_start(struct worker *worker)
{
	return pthread_create(&worker->thread, NULL, run, worker) == 0;
}

static void
stop_loop(void *arg)
{
	struct worker *worker = arg;

	loop_timer_stop(worker->loop, &worker->drain_limit);
	loop_stop(worker->loop);
}

static void
part_drained(void *arg)
{
	struct worker *worker = arg;

	if (--worker->undrained == 0)
		stop_loop(worker);
}

static void
begin_drain(void *arg)
{
	struct worker *worker = arg;

	worker->undrained = 2;
	loop_timer_set(worker->loop, &worker->drain_limit, DRAIN_LIMIT, stop_loop, worker);
	poll_drain(worker->service.poll);
	http_drain(worker->http, part_drained, worker);
	live_drain(worker->service.live, part_drained, worker);
}

/* The connections there are keep their identity. */
static void
take_tls(void *arg)
{
	struct worker *worker = arg;
	struct tls_identity *next = atomic_exchange(&worker->next_tls, NULL);

	if (next == NULL)
		return;					/* two came at once */
	tls_release(worker->service.tls);
	worker->service.tls = next;
}

bool
worker_use_tls(struct worker *worker, struct tls_identity *identity)
{
	tls_release(atomic_exchange(&worker->next_tls, tls_hold(identity)));
	return loop_post(worker->loop, take_tls, worker);
}

static void
take_provider_keys(void *arg)
{
	struct worker *worker = arg;
	struct digest_keys *next = atomic_exchange(&worker->next_provider_keys, NULL);

	if (next != NULL)
		tokens_use_provider_keys(worker->service.tokens, next);
	digest_keys_release(next);
}

bool
worker_use_provider_keys(struct worker *worker, struct digest_keys *keys)
{
	digest_keys_release(atomic_exchange(&worker->next_provider_keys, digest_keys_hold(keys)));
	return loop_post(worker->loop, take_provider_keys, worker);
}

static void
answer(void *arg)
{
	atomic_fetch_sub((atomic_uint *) arg, 1);
}

bool
worker_ask(struct worker *worker, atomic_uint *silent)
{
	return loop_post(worker->loop, answer, silent);
}

void
worker_end(struct worker *worker)
{
	if (!loop_post(worker->loop, begin_drain, worker))
		loop_stop(worker->loop);
}

bool
worker_join(struct worker *worker)
{
	return pthread_join(worker->thread, NULL) == 0 && !worker->failed;
}

void
worker_free(struct worker *worker)
{
	if (worker == NULL)
		return;
	/* HTTP first: it answers what still waits; then what works for requests lets go of them */
	http_free(worker->http);
	live_stop(worker->service.live);
	leaderboard_close(worker->leaderboard);
	relay_close(worker->relay);
	nodes_close(worker->nodes);
	poll_free(worker->service.poll);
	answer_cache_end(worker->service.answer_cache);
	identities_end(worker->service.identities);
	feed_free(worker->service.feed);
	reads_close(worker->service.reads);
	for (int i = LANE_COUNT - 1; i >= 0; i--)
		lane_close(worker->service.lanes[i]);
	live_free(worker->service.live);
	identities_close(worker->service.identities);
	answer_cache_close(worker->service.answer_cache);
	rendered_release(worker->service.openapi);
	request_free_spare(&worker->service);
	if (worker->loop != NULL)
		loop_timer_stop(worker->loop, &worker->service.refusal_logged);
	tokens_free(worker->service.tokens);
	tls_release(worker->service.tls);
	tls_release(atomic_load(&worker->next_tls));
	digest_keys_release(atomic_load(&worker->next_provider_keys));
	loop_free(worker->loop);
	free(worker);
}
