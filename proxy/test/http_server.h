/*
 * http_server.h - a server of HTTP for a test, in a thread: one connection at a time, and the same
 * answer to each request.
 */
#ifndef TIMETRACKR_HTTP_SERVER_H
#define TIMETRACKR_HTTP_SERVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#include "servers.h"

struct http_server
{
	int			fd;
	int			port;
	char		url[64];
	const char *answer;			/* NULL: silence. "" ends the connection */
	size_t		trailer;		/* bytes behind the answer */
	pthread_t	thread;
	atomic_int	connections;
	atomic_int	client;			/* who is being served; -1: nobody */
	char		request[8192];	/* the last one; 8 KB at most */
};

/* Has the whole request come, its body too? */
static inline bool
http_server_is_whole(const char *request, size_t length)
{
	const char *end = strstr(request, "\r\n\r\n");
	const char *announced = strstr(request, "Content-Length: ");
	size_t		body = announced != NULL && announced < end ? strtoul(announced + 16, NULL, 10) : 0;

	return end != NULL && (size_t) (end + 4 - request) + body <= length;
}

/* Read one request; false: the client has gone. */
static inline bool
http_server_read(struct http_server *server, int client)
{
	char		request[sizeof server->request];
	size_t		length = 0;

	do
	{
		ssize_t		n = recv(client, request + length, sizeof request - 1 - length, 0);

		if (n <= 0)
			return false;
		length += (size_t) n;
		request[length] = '\0';
	} while (!http_server_is_whole(request, length));
	memcpy(server->request, request, length + 1);
	return true;
}

static inline void
http_server_serve(struct http_server *server, int client)
{
	char		zeros[4096] = {0};

	while (http_server_read(server, client))
	{
		if (server->answer == NULL)
			continue;			/* the next read ends when the client does */
		if (server->answer[0] == '\0')
			return;
		if (send(client, server->answer, strlen(server->answer), MSG_NOSIGNAL) < 0)
			return;
		for (size_t sent = 0; sent < server->trailer; sent += sizeof zeros)
			if (send(client, zeros, sizeof zeros, MSG_NOSIGNAL) < 0)
				return;
	}
}

static inline void *
http_server_run(void *arg)
{
	struct http_server *server = arg;

	for (;;)
	{
		int			client = accept(server->fd, NULL, NULL);

		if (client < 0)
			return NULL;
		atomic_fetch_add(&server->connections, 1);
		atomic_store(&server->client, client);
		http_server_serve(server, client);
		atomic_store(&server->client, -1);
		close(client);
	}
}

/* Start it on a free port. */
static inline void
http_server_start(struct http_server *server, const char *answer)
{
	*server = (struct http_server) {.answer = answer, .client = -1};
	server->fd = bind_free_port(&server->port);
	snprintf(server->url, sizeof server->url, "http://127.0.0.1:%d/hook?x=1", server->port);
	if (listen(server->fd, 16) != 0 || pthread_create(&server->thread, NULL, http_server_run, server) != 0)
		exit(2);
}

/* End it, and with it the connection that its client keeps. */
static inline void
http_server_stop(struct http_server *server)
{
	shutdown(server->fd, SHUT_RDWR);
	shutdown(atomic_load(&server->client), SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->fd);
}

#endif
