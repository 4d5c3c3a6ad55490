/*
 * sentinel.c - one short conversation with one sentinel after the other.
 *
 *   → AUTH password                              only with sentinel_password
 *   → SENTINEL get-master-addr-by-name mymaster
 *   ← [host, port], or nil when it knows no such master
 *
 * As https://redis.io/docs/reference/sentinel-clients asks for: the first that
 * knows is believed, and is asked first the next time.
 */
#include "sentinel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redis_wire.h"

#define PATIENCE 1000			/* ms, for one sentinel */
#define PORT_MOST 65535

struct sentinel
{
	struct loop *loop;
	const struct config_redis *server;
	sentinel_done_fn *done;
	void	   *arg;
	size_t		favourite;		/* the one that knew last */
	size_t		asked;			/* how many were asked in this round */
	struct redis_wire *wire;	/* to the one being asked; NULL: none */
	bool		talking;		/* it is connected */
	bool		unsent;			/* not all words have left */
	size_t		welcomes;		/* replies that come before the one that matters */
	struct loop_watch watch;
	struct loop_timer timer;
};

static void ask_next(void *arg);

static void
hang_up(struct sentinel *sentinel)
{
	loop_timer_stop(sentinel->loop, &sentinel->timer);
	if (sentinel->wire == NULL)
		return;
	loop_watch_stop(sentinel->loop, &sentinel->watch);
	redis_wire_close(sentinel->wire);
	sentinel->wire = NULL;
}

/* This one does not help: ask the next, or give up. `why` may be the wire's. */
static void
give_up_one(struct sentinel *sentinel, const char *why)
{
	char		reason[192];

	snprintf(reason, sizeof reason, "no sentinel knows the master: %s", why);
	hang_up(sentinel);
	sentinel->asked++;
	if (sentinel->asked < sentinel->server->sentinel_count)
		loop_timer_set(sentinel->loop, &sentinel->timer, 0, ask_next, sentinel);
	else
		sentinel->done(sentinel->arg, NULL, 0, reason);
}

static void
no_answer(void *arg)
{
	give_up_one(arg, "no answer in time");
}

static size_t
current(const struct sentinel *sentinel)
{
	return (sentinel->favourite + sentinel->asked) % sentinel->server->sentinel_count;
}

/* Take the answer to the question. */
static void
take_address(struct sentinel *sentinel, const struct redis_reply *reply)
{
	char		host[SENTINEL_HOST_MAX];
	const char *name;
	char	   *end;
	long		port;

	if (redis_reply_kind(reply) == REPLY_ERROR)
	{
		give_up_one(sentinel, redis_reply_text(reply));
		return;
	}
	if (redis_reply_count(reply) != 2)
	{
		give_up_one(sentinel, "it watches no master of this name");
		return;
	}
	name = redis_reply_text(redis_reply_element(reply, 0));
	port = strtol(redis_reply_text(redis_reply_element(reply, 1)), &end, 10);
	/* A path would be taken for a socket. */
	if (name[0] == '\0' || name[0] == '/' || strlen(name) >= sizeof host || *end != '\0' ||
		port < 1 || port > PORT_MOST)
	{
		give_up_one(sentinel, "its answer is no address");
		return;
	}
	memcpy(host, name, strlen(name) + 1);
	sentinel->favourite = current(sentinel);
	hang_up(sentinel);
	sentinel->done(sentinel->arg, host, (int) port, NULL);
}

/* Read replies until the one that matters. */
static void
listen_to(struct sentinel *sentinel)
{
	struct redis_reply *reply;
	bool		welcome;

	for (;;)
	{
		if (!redis_wire_next(sentinel->wire, &reply))
		{
			give_up_one(sentinel, redis_wire_error(sentinel->wire));
			return;
		}
		if (reply == NULL)
			return;
		if (sentinel->welcomes == 0)
			break;
		sentinel->welcomes--;
		welcome = redis_reply_kind(reply) == REPLY_TEXT;
		redis_wire_free_reply(reply);
		if (!welcome)
		{
			/* Not in its own words: they may repeat the password. */
			give_up_one(sentinel, "it refuses the login");
			return;
		}
	}
	take_address(sentinel, reply);
	redis_wire_free_reply(reply);
}

/* Put the question into the buffer. */
static bool
question(struct sentinel *sentinel)
{
	const char *auth[] = {"AUTH", sentinel->server->sentinel_password};
	const char *ask[] = {"SENTINEL", "get-master-addr-by-name", sentinel->server->host};

	sentinel->welcomes = 0;
	if (sentinel->server->sentinel_password != NULL)
	{
		if (!redis_wire_append(sentinel->wire, 2, auth, NULL))
			return false;
		sentinel->welcomes = 1;
	}
	sentinel->unsent = true;
	return redis_wire_append(sentinel->wire, 3, ask, NULL);
}

static void
ready(void *arg, unsigned events)
{
	struct sentinel *sentinel = arg;
	bool		all = false;

	if (!sentinel->talking)
	{
		if (!redis_wire_connected(sentinel->wire))
		{
			give_up_one(sentinel, redis_wire_error(sentinel->wire));
			return;
		}
		sentinel->talking = true;
		if (!question(sentinel))
		{
			give_up_one(sentinel, "out of memory");
			return;
		}
	}
	if (sentinel->unsent)
	{
		if (!redis_wire_flush(sentinel->wire, &all))
		{
			give_up_one(sentinel, redis_wire_error(sentinel->wire));
			return;
		}
		sentinel->unsent = !all;
	}
	if (!loop_watch_change(sentinel->loop, &sentinel->watch, sentinel->unsent ? LOOP_READ | LOOP_WRITE : LOOP_READ))
		give_up_one(sentinel, strerror(errno));
	else if ((events & LOOP_READ) == 0)
		return;
	else if (!redis_wire_receive(sentinel->wire))
		give_up_one(sentinel, redis_wire_error(sentinel->wire));
	else
		listen_to(sentinel);
}

static void
ask_next(void *arg)
{
	struct sentinel *sentinel = arg;
	const struct redis_address *address;

	if (sentinel->server->sentinel_count == 0)
	{
		sentinel->done(sentinel->arg, sentinel->server->host, sentinel->server->port, NULL);
		return;
	}
	address = &sentinel->server->sentinels[current(sentinel)];
	sentinel->talking = false;
	sentinel->watch = (struct loop_watch) LOOP_WATCH_INIT;
	sentinel->wire = redis_wire_open(address->host, address->port);
	if (sentinel->wire == NULL)
		give_up_one(sentinel, "out of memory");
	else if (redis_wire_error(sentinel->wire) != NULL)
		give_up_one(sentinel, redis_wire_error(sentinel->wire));
	else if (!loop_watch_start(sentinel->loop, &sentinel->watch, redis_wire_socket(sentinel->wire),
							   LOOP_WRITE, ready, sentinel))
		give_up_one(sentinel, strerror(errno));
	else
		loop_timer_set(sentinel->loop, &sentinel->timer, PATIENCE, no_answer, sentinel);
}

struct sentinel *
sentinel_open(struct loop *loop, const struct config_redis *server, sentinel_done_fn *done, void *arg)
{
	struct sentinel *sentinel = calloc(1, sizeof *sentinel);

	if (sentinel == NULL)
		return NULL;
	sentinel->loop = loop;
	sentinel->server = server;
	sentinel->done = done;
	sentinel->arg = arg;
	sentinel->watch = (struct loop_watch) LOOP_WATCH_INIT;
	return sentinel;
}

void
sentinel_close(struct sentinel *sentinel)
{
	if (sentinel == NULL)
		return;
	hang_up(sentinel);
	free(sentinel);
}

void
sentinel_ask(struct sentinel *sentinel)
{
	hang_up(sentinel);
	sentinel->asked = 0;
	loop_timer_set(sentinel->loop, &sentinel->timer, 0, ask_next, sentinel);
}

void
sentinel_stop(struct sentinel *sentinel)
{
	hang_up(sentinel);
}

void
sentinel_doubt(struct sentinel *sentinel)
{
	sentinel->favourite++;
}
