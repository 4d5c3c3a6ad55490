/*
 * forwarding.c - who has ended a WebSocket over TLS.
 */
#include "forwarding.h"

#include <stdlib.h>
#include <sys/socket.h>

struct forwarding
{
	struct forwardings *owner;
	struct forwarding *next;
	struct forwarding *previous;
	struct connection *connection;
	void	   *handle;
	struct loop_watch client;
	struct loop_watch server;
};

/* The WebSocket reads what has been passed on, and then the end. */
static void
client_ended(void *arg, unsigned events)
{
	struct forwarding *forwarding = arg;

	(void) events;
	loop_watch_stop(forwarding->connection->service->loop, &forwarding->client);
	/* fails only when that is over, too */
	(void) shutdown(forwarding->server.fd, SHUT_RD);
}

static void
stop_watching(struct forwarding *forwarding)
{
	struct loop *loop = forwarding->connection->service->loop;

	loop_watch_stop(loop, &forwarding->client);
	loop_watch_stop(loop, &forwarding->server);
}

/* What is left to be sent gets a while: a client that does not read it must not keep the connection. */
static void
end(struct forwarding *forwarding)
{
	struct forwardings *owner = forwarding->owner;

	stop_watching(forwarding);
	if (forwarding->previous != NULL)
		forwarding->previous->next = forwarding->next;
	else
		owner->first = forwarding->next;
	if (forwarding->next != NULL)
		forwarding->next->previous = forwarding->previous;
	forwarding->connection->ends = true;
	connection_enter(forwarding->connection, CONNECTION_LINGER);
	owner->over(owner->arg, forwarding->handle);
	free(forwarding);
}

static void
server_ended(void *arg, unsigned events)
{
	(void) events;
	end(arg);
}

bool
forwarding_start(struct forwardings *forwardings, struct connection *connection, int fd, void *handle)
{
	struct loop *loop = connection->service->loop;
	struct forwarding *forwarding = calloc(1, sizeof *forwarding);

	if (forwarding == NULL)
		return false;
	forwarding->owner = forwardings;
	forwarding->connection = connection;
	forwarding->handle = handle;
	forwarding->client = (struct loop_watch) LOOP_WATCH_INIT;
	forwarding->server = (struct loop_watch) LOOP_WATCH_INIT;
	if (!loop_watch_start(loop, &forwarding->client, connection->fd, LOOP_HANGUP, client_ended,
						  forwarding) ||
		!loop_watch_start(loop, &forwarding->server, fd, LOOP_HANGUP, server_ended, forwarding))
	{
		stop_watching(forwarding);
		free(forwarding);
		return false;
	}
	/* it lasts as long as its user likes */
	connection_enter(connection, CONNECTION_ANSWER);
	forwarding->next = forwardings->first;
	if (forwarding->next != NULL)
		forwarding->next->previous = forwarding;
	forwardings->first = forwarding;
	return true;
}

void
forwarding_end_all(struct forwardings *forwardings)
{
	while (forwardings->first != NULL)
		end(forwardings->first);
}
