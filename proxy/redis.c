/*
 * redis.c - one asynchronous Redis connection; the only user of hiredis.
 *
 * Built on hiredis's non-blocking context with a queue of its own, not on its
 * async context: that one aborts the process on an answer nobody asked for, and
 * frees itself in the middle of calls. Answers come in the order of commands, so
 * the oldest one waiting decides about silence.
 */
#include "redis.h"

#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "log.h"

#define CONNECT_LIMIT 3000		/* ms for connecting and logging in */
#define BACKOFF_LEAST 100		/* ms */
#define BACKOFF_MOST 5000		/* ms */
#define SHA_LENGTH 40
#define NO_SCRIPT (-1)

enum state
{
	STATE_WAITING,				/* for the next try */
	STATE_CONNECTING,			/* for the socket */
	STATE_GREETING,				/* for AUTH, SELECT and PING */
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

struct redis
{
	struct loop *loop;
	struct redis_options options;
	enum state	state;
	redisContext *context;		/* NULL while waiting */
	struct loop_watch watch;
	struct loop_hook hook;
	struct loop_timer timer;	/* next try; end of patience while connecting; of the oldest command */
	uint64_t	backoff;
	bool		unsent;			/* the context holds bytes to be sent */
	bool		closing;
	unsigned	connections;	/* counts them, to notice a drop within a callback */
	char		sha[REDIS_SCRIPTS_MAX][SHA_LENGTH + 1];	/* "" until loaded here */
	struct load loads[REDIS_SCRIPTS_MAX];
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

/* Put a command into hiredis's buffer and queue its callback. */
static bool
append(struct redis *redis, size_t count, const char *const *words, const size_t *lengths,
	   redis_done_fn *done, void *arg, int script)
{
	const char *argv[REDIS_WORDS_MAX];	/* hiredis wants it without the const */
	size_t		at = (redis->first + redis->count) % REDIS_OUTSTANDING_MAX;

	if (redis->context == NULL || redis->context->err != 0 || count == 0 ||
		count > REDIS_WORDS_MAX || redis->count == REDIS_OUTSTANDING_MAX)
		return false;
	memcpy(argv, words, count * sizeof argv[0]);
	if (redisAppendCommandArgv(redis->context, (int) count, argv, lengths) != REDIS_OK)
	{
		/* Nothing of it was added: the error is about memory, not about the stream. */
		redis->context->err = 0;
		return false;
	}
	redis->pending[at] = (struct pending) {
		done, arg, loop_now(redis->loop) + redis->options.silence_limit, script
	};
	redis->count++;
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

static const char *
context_error(const struct redis *redis)
{
	return redis->context->errstr[0] != '\0' ? redis->context->errstr : strerror(errno);
}

/* Hand one answer to the command that waited longest. False when nobody did. */
static bool
deliver(struct redis *redis, redisReply *reply)
{
	struct pending pending;

	if (redis->count == 0)
		return false;
	pending = take_first(redis);
	if (pending.script != NO_SCRIPT && reply->type == REDIS_REPLY_ERROR &&
		strncmp(reply->str, "NOSCRIPT", 8) == 0)
		redis->sha[pending.script][0] = '\0';
	pending.done(pending.arg, (const struct redis_reply *) reply);
	return true;
}

/* Deliver all answers that are complete. */
static void
deliver_all(struct redis *redis)
{
	unsigned	connection = redis->connections;

	for (;;)
	{
		void	   *reply = NULL;
		bool		expected;

		if (redisGetReplyFromReader(redis->context, &reply) != REDIS_OK)
		{
			drop(redis, context_error(redis));
			return;
		}
		if (reply == NULL)
			return;
		expected = deliver(redis, reply);
		freeReplyObject(reply);
		if (connection != redis->connections)
			return;				/* dropped by the callback */
		if (!expected)
		{
			drop(redis, "an answer to no command");
			return;
		}
	}
}

/* Send what is buffered; wait for room if the socket is full. False: dropped. */
static bool
send_buffered(struct redis *redis)
{
	int			done = 0;

	if (redisBufferWrite(redis->context, &done) != REDIS_OK ||
		!loop_watch_change(redis->loop, &redis->watch, done ? LOOP_READ : LOOP_READ | LOOP_WRITE))
	{
		drop(redis, context_error(redis));
		return false;
	}
	redis->unsent = !done;
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
	if (redisBufferRead(redis->context) != REDIS_OK)
		drop(redis, context_error(redis));
	else
		deliver_all(redis);
}

/* A step of the greeting was answered. `arg` is the connection. */
static void
greeted(void *arg, const struct redis_reply *reply)
{
	struct redis *redis = arg;

	if (reply == NULL)
		return;
	if (redis_reply_kind(reply) == REPLY_ERROR)
	{
		drop(redis, redis_reply_text(reply));
		return;
	}
	if (redis->count > 0)
		return;					/* more steps follow */
	redis->state = STATE_UP;
	redis->backoff = BACKOFF_LEAST;
	loop_timer_stop(redis->loop, &redis->timer);
	log_event(LEVEL_INFO, "redis_connected", "connection", redis->options.name, NULL);
	if (redis->options.up != NULL)
		redis->options.up(redis->options.arg);
}

/* Log in, select the database, and ask whether it answers (it does not while it loads). */
static bool
greet(struct redis *redis)
{
	const struct config_redis *server = redis->options.server;
	char		database[16];
	bool		named = server->user != NULL;
	const char *auth[] = {"AUTH", named ? server->user : server->password, server->password};
	const char *select[] = {"SELECT", database};
	const char *ping[] = {"PING"};

	snprintf(database, sizeof database, "%d", server->database);
	if (server->password != NULL &&
		!append(redis, named ? 3 : 2, auth, NULL, greeted, redis, NO_SCRIPT))
		return false;
	return append(redis, 2, select, NULL, greeted, redis, NO_SCRIPT) &&
		append(redis, 1, ping, NULL, greeted, redis, NO_SCRIPT);
}

/* The socket has connected, or has failed to. */
static void
connected(void *arg, unsigned events)
{
	struct redis *redis = arg;
	int			failure = 0;
	socklen_t	size = sizeof failure;
	int			fd = redis->context->fd;

	(void) events;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) != 0)
		failure = errno;
	if (failure != 0)
	{
		drop(redis, strerror(failure));
		return;
	}
	loop_watch_stop(redis->loop, &redis->watch);
	if (!loop_watch_start(redis->loop, &redis->watch, fd, LOOP_READ, ready, redis))
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

/* Start one try. */
static void
try_connect(void *arg)
{
	struct redis *redis = arg;
	const struct config_redis *server = redis->options.server;

	redis->state = STATE_CONNECTING;
	redis->connections++;
	redis->context = redisConnectNonBlock(server->host, server->port);
	if (redis->context == NULL || redis->context->err != 0)
	{
		drop(redis, redis->context == NULL ? "out of memory" : context_error(redis));
		return;
	}
	if (fcntl(redis->context->fd, F_SETFD, FD_CLOEXEC) != 0 ||
		!loop_watch_start(redis->loop, &redis->watch, redis->context->fd, LOOP_WRITE, connected, redis))
		drop(redis, strerror(errno));
	else
		loop_timer_set(redis->loop, &redis->timer, CONNECT_LIMIT, patience_over, redis);
}

/* Close the connection and fail its commands. */
static void
disconnect(struct redis *redis)
{
	loop_watch_stop(redis->loop, &redis->watch);
	loop_timer_stop(redis->loop, &redis->timer);
	redis->state = STATE_WAITING;
	redis->unsent = false;
	redis->connections++;
	redisFree(redis->context);
	redis->context = NULL;
	memset(redis->sha, 0, sizeof redis->sha);
	while (redis->count > 0)
	{
		struct pending pending = take_first(redis);

		pending.done(pending.arg, NULL);
	}
}

/* Half to the whole of `delay`, so that many clients do not come back at once. */
static uint64_t
jitter(uint64_t delay)
{
	uint16_t	random = 0;

	if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t) sizeof random)
		return delay;
	return delay / 2 + delay / 2 * random / UINT16_MAX;
}

/* Give the connection up and plan the next try. */
static void
drop(struct redis *redis, const char *why)
{
	bool		was_up = redis->state == STATE_UP;

	if (redis->state == STATE_WAITING || redis->closing)
		return;
	/* A Redis that stays away is no news after some tries. */
	log_event(redis->backoff < BACKOFF_MOST ? LEVEL_WARN : LEVEL_DEBUG,
			  was_up ? "redis_lost" : "redis_unreachable",
			  "connection", redis->options.name, "error", why, NULL);
	redis->state = STATE_WAITING;	/* so that nobody is taken in by redis_is_up() */
	if (was_up && redis->options.down != NULL)
		redis->options.down(redis->options.arg);
	disconnect(redis);
	loop_timer_set(redis->loop, &redis->timer, jitter(redis->backoff), try_connect, redis);
	redis->backoff = redis->backoff * 2 < BACKOFF_MOST ? redis->backoff * 2 : BACKOFF_MOST;
}

struct redis *
redis_open(struct loop *loop, const struct redis_options *options)
{
	struct redis *redis = calloc(1, sizeof *redis);

	if (redis == NULL)
		return NULL;
	redis->loop = loop;
	redis->options = *options;
	redis->watch = (struct loop_watch) LOOP_WATCH_INIT;
	redis->backoff = BACKOFF_LEAST;
	loop_hook_start(loop, &redis->hook, flush, redis);
	loop_timer_set(loop, &redis->timer, 0, try_connect, redis);
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
	free(redis);
}

bool
redis_is_up(const struct redis *redis)
{
	return redis->state == STATE_UP;
}

/* ---- replies: a struct redis_reply is a redisReply under another name ---- */

static const redisReply *
inside(const struct redis_reply *reply)
{
	return (const redisReply *) reply;
}

enum redis_kind
redis_reply_kind(const struct redis_reply *reply)
{
	switch (inside(reply)->type)
	{
		case REDIS_REPLY_STRING:
		case REDIS_REPLY_STATUS:
			return REPLY_TEXT;
		case REDIS_REPLY_INTEGER:
			return REPLY_NUMBER;
		case REDIS_REPLY_ARRAY:
			return REPLY_LIST;
		case REDIS_REPLY_ERROR:
			return REPLY_ERROR;
		default:
			return REPLY_NIL;
	}
}

const char *
redis_reply_text(const struct redis_reply *reply)
{
	enum redis_kind kind = redis_reply_kind(reply);

	return kind == REPLY_TEXT || kind == REPLY_ERROR ? inside(reply)->str : "";
}

bool
redis_reply_is(const struct redis_reply *reply, const char *text)
{
	return redis_reply_kind(reply) == REPLY_TEXT && strcmp(inside(reply)->str, text) == 0;
}

size_t
redis_reply_count(const struct redis_reply *reply)
{
	return redis_reply_kind(reply) == REPLY_LIST ? inside(reply)->elements : 0;
}

const struct redis_reply *
redis_reply_element(const struct redis_reply *reply, size_t index)
{
	return (const struct redis_reply *) inside(reply)->element[index];
}
