/*
 * redis.c - the life of one asynchronous Redis connection.
 *
 * WAITING (backoff) → ASKING where it is → CONNECTING → GREETING → UP → WAITING
 * again when it is lost. Answers come in the order of commands, so the
 * oldest one waiting decides about silence. hiredis is behind redis_wire.h.
 */
#include "redis.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoff.h"
#include "log.h"
#include "metrics.h"
#include "redis_greeting.h"
#include "redis_wire.h"
#include "sentinel.h"

#define CONNECT_LIMIT 3000		/* ms for connecting and logging in */
#define BACKOFF_MOST 5000		/* ms */
#define BACKOFF_MOST_SENTINEL 1000	/* ms: a new master is to be found soon */
#define STEADY_AFTER 1000		/* ms: a connection that lived so long was no failed try */
#define MASTER_INTERVAL 5000	/* ms: how often sentinels are asked while all is well */
#define SHA_LENGTH 40
#define NO_SCRIPT (-1)

enum state
{
	STATE_WAITING,				/* for the next try */
	STATE_ASKING,				/* where the server is */
	STATE_CONNECTING,			/* for the socket */
	STATE_GREETING,				/* for the answers to it */
	STATE_UP
};

struct pending
{
	redis_done_fn *done;
	void	   *arg;
	uint64_t	deadline;
	int			script;			/* whose EVALSHA this is, or NO_SCRIPT */
};

struct load
{
	struct redis *redis;
	int			script;
};

struct step
{
	struct redis *redis;
	int			number;
};

struct redis
{
	struct loop *loop;
	struct redis_options options;
	struct redis_metrics unseen;	/* counted in when nobody wants to know */
	enum state	state;
	struct redis_wire *wire;	/* NULL before CONNECTING */
	struct sentinel *sentinel;
	char		host[SENTINEL_HOST_MAX];	/* where we were sent */
	int			port;
	struct loop_watch watch;
	struct loop_hook hook;
	struct loop_timer timer;	/* next try; end of patience while connecting; of the oldest command */
	struct loop_timer master_timer;	/* while up, when to ask the sentinels */
	struct backoff backoff;
	uint64_t	up_since;
	char		trouble[192];	/* why it was dropped last */
	bool		unsent;			/* the wire holds bytes to be sent */
	bool		closing;
	unsigned	connections;	/* counts them, to notice a drop within a callback */
	char		sha[REDIS_SCRIPTS_MAX][SHA_LENGTH + 1];	/* "" until loaded here */
	struct load loads[REDIS_SCRIPTS_MAX];
	struct step steps[REDIS_GREETING_STEPS];
	struct pending pending[REDIS_OUTSTANDING_MAX];	/* a ring */
	size_t		first;
	size_t		count;
};

static void drop(struct redis *redis, const char *why);

static struct pending
take_first(struct redis *redis)
{
	struct pending first = redis->pending[redis->first];

	redis->first = (redis->first + 1) % REDIS_OUTSTANDING_MAX;
	redis->count--;
	return first;
}

/* The oldest command's patience may be over. */
static void
check_silence(void *arg)
{
	struct redis *redis = arg;
	uint64_t	now = loop_now(redis->loop);
	uint64_t	deadline;

	if (redis->count == 0)
		return;
	deadline = redis->pending[redis->first].deadline;
	if (now >= deadline)
		drop(redis, "no answer in time");
	else
		loop_timer_set(redis->loop, &redis->timer, deadline - now, check_silence, redis);
}

/* Put a command into the buffer and queue its callback. */
static bool
append(struct redis *redis, size_t count, const char *const *words, const size_t *lengths,
	   redis_done_fn *done, void *arg, int script)
{
	size_t		at = (redis->first + redis->count) % REDIS_OUTSTANDING_MAX;

	if (redis->wire == NULL || redis->count == REDIS_OUTSTANDING_MAX ||
		!redis_wire_append(redis->wire, count, words, lengths))
		return false;
	redis->pending[at] = (struct pending) {
		done, arg, loop_now(redis->loop) + redis->options.silence_limit, script
	};
	redis->count++;
	counter_add(&redis->options.metrics->commands, 1);
	redis->unsent = true;
	if (redis->state == STATE_UP && !redis->timer.active)
		loop_timer_set(redis->loop, &redis->timer, redis->options.silence_limit, check_silence, redis);
	return true;
}

bool
redis_command(struct redis *redis, size_t count, const char *const *words, const size_t *lengths,
			  redis_done_fn *done, void *arg)
{
	if (redis->state != STATE_UP)
		return false;
	return append(redis, count, words, lengths, done, arg, NO_SCRIPT);
}

/* SCRIPT LOAD was answered: from now on the script is run by its hash. */
static void
script_loaded(void *arg, const struct redis_reply *reply)
{
	struct load *load = arg;

	if (reply != NULL && redis_reply_kind(reply) == REPLY_TEXT &&
		strlen(redis_reply_text(reply)) == SHA_LENGTH)
		memcpy(load->redis->sha[load->script], redis_reply_text(reply), SHA_LENGTH + 1);
}

bool
redis_run(struct redis *redis, const struct redis_script *script, size_t key_count, size_t count,
		  const char *const *words, redis_done_fn *done, void *arg)
{
	const char *command[REDIS_WORDS_MAX];
	char		keys[24];
	bool		loaded = redis->sha[script->id][0] != '\0';

	if (redis->state != STATE_UP || count + 3 > REDIS_WORDS_MAX)
		return false;
	if (!loaded)
	{
		const char *load[] = {"SCRIPT", "LOAD", script->source};

		redis->loads[script->id] = (struct load) {redis, script->id};
		if (!append(redis, 3, load, NULL, script_loaded, &redis->loads[script->id], NO_SCRIPT))
			return false;
	}
	snprintf(keys, sizeof keys, "%zu", key_count);
	command[0] = loaded ? "EVALSHA" : "EVAL";
	command[1] = loaded ? redis->sha[script->id] : script->source;
	command[2] = keys;
	memcpy(command + 3, words, count * sizeof command[0]);
	return append(redis, count + 3, command, NULL, done, arg, loaded ? script->id : NO_SCRIPT);
}

/* Hand one answer to the command that waited longest. False, and dropped: it cannot go on. */
static bool
deliver(struct redis *redis, const struct redis_reply *reply)
{
	struct pending pending;
	unsigned	connection = redis->connections;

	if (redis->count == 0)
	{
		drop(redis, "an answer to no command");
		return false;
	}
	pending = take_first(redis);
	if (redis_reply_kind(reply) == REPLY_ERROR)
		counter_add(&redis->options.metrics->errors, 1);
	if (pending.script != NO_SCRIPT && redis_reply_kind(reply) == REPLY_ERROR &&
		strncmp(redis_reply_text(reply), "NOSCRIPT", 8) == 0)
		redis->sha[pending.script][0] = '\0';
	pending.done(pending.arg, reply);
	if (connection != redis->connections)
		return false;			/* dropped by the callback */
	if (!redis_reply_is_readonly(reply))
		return true;
	/* Somewhere there is a master: by sentinels, or behind the same name. */
	drop(redis, "it has become a replica");
	return false;
}

/* Deliver all answers that are complete. */
static void
deliver_all(struct redis *redis)
{
	for (;;)
	{
		struct redis_reply *reply;
		bool		good;

		if (!redis_wire_next(redis->wire, &reply))
		{
			drop(redis, redis_wire_error(redis->wire));
			return;
		}
		if (reply == NULL)
			return;
		good = deliver(redis, reply);
		redis_wire_free_reply(reply);
		if (!good)
			return;
	}
}

/* Send what is buffered; wait for room if the socket is full. False: dropped. */
static bool
send_buffered(struct redis *redis)
{
	bool		all;

	if (!redis_wire_flush(redis->wire, &all))
	{
		drop(redis, redis_wire_error(redis->wire));
		return false;
	}
	if (!loop_watch_change(redis->loop, &redis->watch, all ? LOOP_READ : LOOP_READ | LOOP_WRITE))
	{
		drop(redis, strerror(errno));
		return false;
	}
	redis->unsent = !all;
	return true;
}

/* Before the loop waits: send the commands of this pass together. */
static int
flush(void *arg)
{
	struct redis *redis = arg;

	if (!redis->unsent || redis->state < STATE_GREETING || (redis->watch.events & LOOP_WRITE) != 0)
		return -1;
	return send_buffered(redis) ? -1 : 0;
}

static void
ready(void *arg, unsigned events)
{
	struct redis *redis = arg;

	if ((events & LOOP_WRITE) != 0 && redis->unsent && !send_buffered(redis))
		return;
	if ((events & LOOP_READ) == 0)
		return;
	if (!redis_wire_receive(redis->wire))
		drop(redis, redis_wire_error(redis->wire));
	else
		deliver_all(redis);
}

/* Where is the server? To connect to it or, while all is well, to see that it is still the one. */
static void
locate(void *arg)
{
	struct redis *redis = arg;

	if (redis->state == STATE_UP)
		loop_timer_set(redis->loop, &redis->master_timer, MASTER_INTERVAL, locate, redis);
	else
		redis->state = STATE_ASKING;
	sentinel_ask(redis->sentinel);
}

/* The last step of the greeting went well. */
static void
come_up(struct redis *redis)
{
	redis->state = STATE_UP;
	counter_set(&redis->options.metrics->up, 1);
	counter_add(&redis->options.metrics->connects, 1);
	redis->up_since = loop_now(redis->loop);
	loop_timer_stop(redis->loop, &redis->timer);
	if (redis->options.server->sentinel_count > 0)
		loop_timer_set(redis->loop, &redis->master_timer, MASTER_INTERVAL, locate, redis);
	log_event(LEVEL_INFO, "redis_connected", "connection", redis->options.name, NULL);
	if (redis->options.up != NULL)
		redis->options.up(redis->options.arg);
}

/* A step of the greeting was answered. `arg` is the step. */
static void
greeted(void *arg, const struct redis_reply *reply)
{
	struct step *step = arg;
	struct redis *redis = step->redis;
	char		why[160];

	if (reply == NULL)
		return;
	if (!redis_greeting_accepts(step->number, reply, why, sizeof why))
		drop(redis, why);
	else if (redis->count == 0)
		come_up(redis);
}

/* Send all steps of the greeting together. */
static bool
greet(struct redis *redis)
{
	for (int number = 0; number < REDIS_GREETING_STEPS; number++)
	{
		struct redis_greeting greeting;
		struct step *step = &redis->steps[number];

		*step = (struct step) {redis, number};
		redis_greeting_fill(&greeting, redis->options.server, number);
		if (greeting.count > 0 && !append(redis, greeting.count, greeting.words, NULL, greeted, step, NO_SCRIPT))
			return false;
	}
	return true;
}

/* The socket has connected, or has failed to. */
static void
connected(void *arg, unsigned events)
{
	struct redis *redis = arg;

	(void) events;
	if (!redis_wire_connected(redis->wire))
	{
		drop(redis, redis_wire_error(redis->wire));
		return;
	}
	loop_watch_stop(redis->loop, &redis->watch);
	if (!loop_watch_start(redis->loop, &redis->watch, redis_wire_socket(redis->wire), LOOP_READ, ready, redis))
	{
		drop(redis, strerror(errno));
		return;
	}
	redis->state = STATE_GREETING;
	if (!greet(redis))
		drop(redis, "out of memory");
}

static void
patience_over(void *arg)
{
	drop(arg, "cannot connect in time");
}

static void
connect_to(struct redis *redis, const char *host, int port)
{
	redis->state = STATE_CONNECTING;
	snprintf(redis->host, sizeof redis->host, "%s", host);
	redis->port = port;
	redis->wire = redis_wire_open(host, port);
	if (redis->wire == NULL)
		drop(redis, "out of memory");
	else if (redis_wire_error(redis->wire) != NULL)
		drop(redis, redis_wire_error(redis->wire));
	else if (!loop_watch_start(redis->loop, &redis->watch, redis_wire_socket(redis->wire), LOOP_WRITE, connected,
							   redis))
		drop(redis, strerror(errno));
	else
		loop_timer_set(redis->loop, &redis->timer, CONNECT_LIMIT, patience_over, redis);
}

/* The sentinels name the master, or cannot. */
static void
located(void *arg, const char *host, int port, const char *why)
{
	struct redis *redis = arg;

	if (redis->state == STATE_ASKING && host == NULL)
		drop(redis, why);
	else if (redis->state == STATE_ASKING)
		connect_to(redis, host, port);
	else if (redis->state == STATE_UP && host != NULL && (port != redis->port || strcmp(host, redis->host) != 0))
		drop(redis, "the sentinels name another master");
}

/* Close the connection and fail its commands. */
static void
disconnect(struct redis *redis)
{
	loop_watch_stop(redis->loop, &redis->watch);
	loop_timer_stop(redis->loop, &redis->timer);
	loop_timer_stop(redis->loop, &redis->master_timer);
	sentinel_stop(redis->sentinel);
	redis->state = STATE_WAITING;
	counter_set(&redis->options.metrics->up, 0);
	counter_add(&redis->options.metrics->unanswered, redis->count);
	redis->unsent = false;
	redis->connections++;
	redis_wire_close(redis->wire);
	redis->wire = NULL;
	memset(redis->sha, 0, sizeof redis->sha);
	while (redis->count > 0)
	{
		struct pending pending = take_first(redis);

		pending.done(pending.arg, NULL);
	}
}

/*
 * Give the connection up and plan the next try. `why` may be the wire's. One that was lost
 * soon counts as a try that failed, or a server that says no to everything would be asked without end.
 */
static void
drop(struct redis *redis, const char *why)
{
	bool		was_up = redis->state == STATE_UP;

	if (redis->state == STATE_CONNECTING || redis->state == STATE_GREETING)
		sentinel_doubt(redis->sentinel);
	if (redis->state == STATE_WAITING || redis->closing)
		return;
	counter_add(&redis->options.metrics->failures, 1);
	snprintf(redis->trouble, sizeof redis->trouble, "%s", why);
	if (was_up && loop_now(redis->loop) >= redis->up_since + STEADY_AFTER)
		backoff_reset(&redis->backoff);
	/* A Redis that stays away is no news after some tries. */
	log_event(backoff_is_long(&redis->backoff) ? LEVEL_DEBUG : LEVEL_WARN, was_up ? "redis_lost" : "redis_unreachable",
			  "connection", redis->options.name, "error", redis->trouble, NULL);
	redis->state = STATE_WAITING;	/* so that nobody is taken in by redis_is_up() */
	if (was_up && redis->options.down != NULL)
		redis->options.down(redis->options.arg);
	disconnect(redis);
	loop_timer_set(redis->loop, &redis->timer, backoff_wait(&redis->backoff), locate, redis);
}

struct redis *
redis_open(struct loop *loop, const struct redis_options *options)
{
	struct redis *redis = calloc(1, sizeof *redis);

	if (redis == NULL)
		return NULL;
	redis->loop = loop;
	redis->options = *options;
	if (options->metrics == NULL)
		redis->options.metrics = &redis->unseen;
	counter_set(&redis->options.metrics->connections, 1);
	redis->watch = (struct loop_watch) LOOP_WATCH_INIT;
	redis->backoff.most = options->server->sentinel_count > 0 ? BACKOFF_MOST_SENTINEL : BACKOFF_MOST;
	backoff_reset(&redis->backoff);
	redis->sentinel = sentinel_open(loop, options->server, located, redis);
	if (redis->sentinel == NULL)
	{
		free(redis);
		return NULL;
	}
	loop_hook_start(loop, &redis->hook, flush, redis);
	loop_timer_set(loop, &redis->timer, 0, locate, redis);
	return redis;
}

void
redis_close(struct redis *redis)
{
	if (redis == NULL)
		return;
	redis->closing = true;
	disconnect(redis);
	loop_hook_stop(redis->loop, &redis->hook);
	sentinel_close(redis->sentinel);
	free(redis);
}

bool
redis_is_up(const struct redis *redis)
{
	return redis->state == STATE_UP;
}

const char *
redis_trouble(const struct redis *redis)
{
	return redis->trouble;
}
