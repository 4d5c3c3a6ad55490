/*
 * http.c - libmicrohttpd in external epoll mode.
 *
 * MHD's epoll descriptor is watched by the loop; MHD_run() is called by a hook
 * before each wait, once for all that has happened. A request that waits is
 * suspended. MHD keeps no time for suspended connections and
 * only idle time for others, so each connection has a timer here that covers
 * every phase: head, body, answer, idleness.
 */
#include "http.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "head.h"
#include "log.h"
#include "request.h"

/* Memory of a connection: its head must fit, and smaller is faster (it is cleared each request). */
#define CONNECTION_MEMORY 8192
#define TARGET_MAX 4096

/* How long each phase of a connection may take, in ms. */
#define HEAD_LIMIT 10000
#define BODY_LIMIT 30000
#define SEND_LIMIT 60000
#define IDLE_LIMIT 75000
#define LINGER_LIMIT 2000

/* A body that is too long is read on and dropped for so many bytes, so that the client sees the answer. */
#define DROP_MAX (1024 * 1024)

struct http
{
	struct service *service;
	struct MHD_Daemon *daemon;
	struct loop_hook hook;
	struct loop_watch watch;
	bool		due;			/* MHD_run() has something to do */
	struct exchange *exchanges; /* all requests under way */
	void		(*drained) (void *arg);
	void	   *drained_arg;
};

/* A TCP connection. */
struct connection
{
	struct http *http;
	struct MHD_Connection *mhd;
	int			fd;
	struct exchange *exchange;	/* the request under way, or NULL */
	struct loop_timer timer;
	char		peer[INET6_ADDRSTRLEN];
};

enum phase
{
	HEAD,						/* its head is being read */
	BODY,
	WAITING,					/* suspended, until its answer is there */
	READY						/* its answer is there or sent */
};

/* A request on a connection, from its request line to the end of its answer. */
struct exchange
{
	struct http *http;
	struct connection *connection;
	struct request *request;
	enum phase	phase;
	size_t		dropped;		/* bytes of a body that nobody reads */
	bool		is_raw;			/* the answer was written past MHD */
	struct exchange *next;
	struct exchange *previous;
	char		target[];
};

/* ---- answers ---- */

/* Hand the answer over to MHD; false makes MHD close the connection. */
static enum MHD_Result
send_answer(struct exchange *exchange)
{
	const struct answer *answer = request_answer(exchange->request);
	struct MHD_Response *response;
	enum MHD_Result result;
	size_t		length;
	const char *shared = answer_body(answer, &length);
	char	   *own = answer->shared == NULL && length > 0 ? request_take_body(exchange->request) : NULL;
	bool		good;

	if (own != NULL)
		response = MHD_create_response_from_buffer(length, own, MHD_RESPMEM_MUST_FREE);
	else
		response = MHD_create_response_from_buffer(length, (void *) shared, MHD_RESPMEM_PERSISTENT);
	if (response == NULL)
	{
		free(own);
		return MHD_NO;
	}
	good = !answer->closes || MHD_add_response_header(response, "Connection", "close");
	for (size_t i = 0; good && i < answer->header_count; i++)
		good = MHD_add_response_header(response, answer->headers[i].name, answer->headers[i].value);
	result = good ? MHD_queue_response(exchange->connection->mhd, (unsigned) answer->status, response)
		: MHD_NO;
	MHD_destroy_response(response);
	exchange->phase = READY;
	return result;
}

/* Nothing more is expected of this connection: end it both ways; MHD sees that and closes it. */
static void
cut_connection(void *arg)
{
	struct connection *connection = arg;

	/* fails only when the peer has ended it already */
	(void) shutdown(connection->fd, SHUT_RDWR);
}

static void
set_limit(struct connection *connection, uint64_t limit)
{
	loop_timer_set(connection->http->service->loop, &connection->timer, limit, cut_connection,
				   connection);
}

/*
 * Write an answer past MHD, which takes none while a body is being read, and
 * end our direction. What the client still sends is read and dropped for a
 * while: closing at once would reset the connection before it has read the answer.
 */
static void
send_raw(struct exchange *exchange)
{
	struct connection *connection = exchange->connection;
	const struct answer *answer = request_answer(exchange->request);
	struct text text = {0};
	size_t		length;
	const char *body = answer_body(answer, &length);

	text_printf(&text, "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Length: %zu\r\n",
				answer->status, problem_title(answer->status), length);
	for (size_t i = 0; i < answer->header_count; i++)
		text_printf(&text, "%s: %s\r\n", answer->headers[i].name, answer->headers[i].value);
	text_add(&text, "\r\n");
	text_add_bytes(&text, body, length);
	/* it fits into an empty send buffer; if the client is gone nobody misses it */
	if (!text.failed)
		(void) send(connection->fd, text.data, text.length, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void) shutdown(connection->fd, SHUT_WR);
	text_free(&text);
	exchange->is_raw = true;
	set_limit(connection, LINGER_LIMIT);
}

/* The request's answer has come: have MHD call handle_request() again. */
static void
answer_came(void *arg)
{
	struct exchange *exchange = arg;

	exchange->phase = READY;
	exchange->http->due = true;
	set_limit(exchange->connection, SEND_LIMIT);
	MHD_resume_connection(exchange->connection->mhd);
}

/* ---- time limits ---- */

/* The head or the body of a request is not there in time. */
static void
too_slow(void *arg)
{
	struct connection *connection = arg;
	struct exchange *exchange = connection->exchange;

	if (exchange == NULL || exchange->is_raw)
	{
		cut_connection(connection);
		return;
	}
	if (request_answer(exchange->request)->status == 0)
		request_refuse(exchange->request, 408, "request_timeout", "The request came too slowly.");
	send_raw(exchange);
}

/* ---- MHD's callbacks for connections and requests ---- */

static void
connection_changed(void *arg, struct MHD_Connection *mhd, void **context,
				   enum MHD_ConnectionNotificationCode what)
{
	struct http *http = arg;
	struct connection *connection = *context;
	const union MHD_ConnectionInfo *info;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED)
	{
		if (connection != NULL)
			loop_timer_stop(http->service->loop, &connection->timer);
		free(connection);
		return;
	}
	connection = calloc(1, sizeof *connection);
	*context = connection;
	if (connection == NULL)
		return;					/* request_started() then refuses every request */
	connection->http = http;
	connection->mhd = mhd;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	connection->fd = info != NULL ? info->connect_fd : -1;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (info != NULL && info->client_addr->sa_family == AF_INET)
		inet_ntop(AF_INET, &((struct sockaddr_in *) info->client_addr)->sin_addr,
				  connection->peer, sizeof connection->peer);
	else if (info != NULL && info->client_addr->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((struct sockaddr_in6 *) info->client_addr)->sin6_addr,
				  connection->peer, sizeof connection->peer);
	loop_timer_set(http->service->loop, &connection->timer, HEAD_LIMIT, too_slow, connection);
}

static struct connection *
connection_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info != NULL ? info->socket_context : NULL;
}

/* A request line was read: make the exchange, with the raw target. NULL closes the connection. */
static void *
request_started(void *arg, const char *target, struct MHD_Connection *mhd)
{
	struct http *http = arg;
	struct connection *connection = connection_of(mhd);
	size_t		length = strlen(target);
	struct exchange *exchange;

	if (connection == NULL)
		return NULL;
	exchange = calloc(1, sizeof *exchange + length + 1);
	if (exchange == NULL)
		return NULL;
	exchange->http = http;
	exchange->connection = connection;
	memcpy(exchange->target, target, length + 1);
	exchange->request = request_create(http->service, answer_came, exchange);
	if (exchange->request == NULL)
	{
		free(exchange);
		return NULL;
	}
	connection->exchange = exchange;
	exchange->next = http->exchanges;
	if (exchange->next != NULL)
		exchange->next->previous = exchange;
	http->exchanges = exchange;
	loop_timer_set(http->service->loop, &connection->timer, HEAD_LIMIT, too_slow, connection);
	return exchange;
}

static void
request_ended(void *arg, struct MHD_Connection *mhd, void **context,
			  enum MHD_RequestTerminationCode why)
{
	struct http *http = arg;
	struct exchange *exchange = *context;

	(void) mhd;
	(void) why;
	if (exchange == NULL)
		return;
	*context = NULL;
	if (exchange->previous != NULL)
		exchange->previous->next = exchange->next;
	else
		http->exchanges = exchange->next;
	if (exchange->next != NULL)
		exchange->next->previous = exchange->previous;
	exchange->connection->exchange = NULL;
	if (!exchange->is_raw)
		set_limit(exchange->connection, IDLE_LIMIT);
	request_release(exchange->request);
	free(exchange);
}

static enum MHD_Result
note_field(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_length,
		   const char *value, size_t value_length)
{
	(void) kind;
	head_add(arg, name, name_length, value != NULL ? value : name + name_length, value_length);
	return MHD_YES;
}

/* The head is there. Nothing but a refusal may be answered before the body was read. */
static enum MHD_Result
begin(struct exchange *exchange, const char *method, const char *version)
{
	struct connection *connection = exchange->connection;
	struct request *request = exchange->request;
	struct head head = {.request = {
			.method = method,
			.target = exchange->target,
			.peer = connection->peer,
		}
	};

	MHD_get_connection_values_n(connection->mhd, MHD_HEADER_KIND, note_field, &head);
	head_end(&head, version);
	exchange->phase = BODY;
	loop_timer_set(connection->http->service->loop, &connection->timer, BODY_LIMIT, too_slow,
				   connection);
	if (strlen(exchange->target) > TARGET_MAX)
		request_refuse(request, 414, "target_too_long", "The request target is too long.");
	else if (head.fault != NULL)
		request_refuse(request, 400, "malformed_request", head.fault);
	else if (request_begin(request, &head.request) ||
			 (!head.expects_continue && head.request.content_length <= DROP_MAX))
		return MHD_YES;
	return send_answer(exchange);
}

/* A piece of the body. One that is too long is dropped for a while, then cut off. */
static void
take_body(struct exchange *exchange, const char *data, size_t length)
{
	if (request_answer(exchange->request)->status == 0 &&
		request_add_body(exchange->request, data, length))
		return;
	exchange->dropped += length;
	if (exchange->dropped > DROP_MAX && !exchange->is_raw)
		send_raw(exchange);
}

/* MHD calls this when the head is there, for each piece of body, at its end, and after a resume. */
static enum MHD_Result
handle_request(void *arg, struct MHD_Connection *mhd, const char *url, const char *method,
			   const char *version, const char *data, size_t *size, void **context)
{
	struct exchange *exchange = *context;

	(void) arg;
	(void) url;
	if (exchange == NULL)
		return MHD_NO;
	if (exchange->phase == HEAD && !exchange->is_raw)
		return begin(exchange, method, version);
	if (*size > 0)
	{
		take_body(exchange, data, *size);
		*size = 0;
		return MHD_YES;
	}
	if (exchange->is_raw)
		return MHD_NO;
	if (exchange->phase == BODY)
	{
		set_limit(exchange->connection, SEND_LIMIT);
		if (request_answer(exchange->request)->status == 0 && !request_run(exchange->request))
		{
			exchange->phase = WAITING;
			loop_timer_stop(exchange->http->service->loop, &exchange->connection->timer);
			MHD_suspend_connection(mhd);
			return MHD_YES;
		}
	}
	return send_answer(exchange);
}

/* ---- the daemon on the loop ---- */

static void
epoll_ready(void *arg, unsigned events)
{
	struct http *http = arg;

	(void) events;
	http->due = true;
}

/* Before each wait: run MHD when something has happened; tell when it wants to run again. */
static int
before_wait(void *arg)
{
	struct http *http = arg;
	MHD_UNSIGNED_LONG_LONG timeout;

	if (http->due)
	{
		http->due = false;
		if (!MHD_run(http->daemon))
			log_event(LEVEL_ERROR, "http_failed", "error", "MHD_run refuses", NULL);
	}
	if (MHD_get_timeout(http->daemon, &timeout) && timeout == 0)
		http->due = true;
	if (http->drained != NULL && http->exchanges == NULL)
	{
		void		(*drained) (void *arg) = http->drained;

		http->drained = NULL;
		drained(http->drained_arg);
	}
	return http->due ? 0 : -1;
}

/* What MHD has to say concerns single clients' misbehaviour. */
static void
log_mhd(void *arg, const char *format, va_list args)
{
	char		line[256];

	(void) arg;
	if (!log_enabled(LEVEL_DEBUG))
		return;
	vsnprintf(line, sizeof line, format, args);
	line[strcspn(line, "\n")] = '\0';
	log_event(LEVEL_DEBUG, "http", "error", line, NULL);
}

struct http *
http_create(struct service *service, int listen_fd, unsigned connections)
{
	struct http *http = calloc(1, sizeof *http);
	const union MHD_DaemonInfo *info = NULL;

	if (http == NULL)
		return NULL;
	http->service = service;
	http->watch = (struct loop_watch) LOOP_WATCH_INIT;
	http->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
									0, NULL, NULL, handle_request, http,
									MHD_OPTION_EXTERNAL_LOGGER, log_mhd, NULL,
									MHD_OPTION_LISTEN_SOCKET, listen_fd,
									MHD_OPTION_CONNECTION_LIMIT, connections,
									MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) CONNECTION_MEMORY,
									MHD_OPTION_CONNECTION_TIMEOUT, 0u,
									MHD_OPTION_STRICT_FOR_CLIENT, 0,
									MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
									MHD_OPTION_NOTIFY_CONNECTION, connection_changed, http,
									MHD_OPTION_URI_LOG_CALLBACK, request_started, http,
									MHD_OPTION_NOTIFY_COMPLETED, request_ended, http,
									MHD_OPTION_END);
	if (http->daemon != NULL)
		info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (info == NULL || !loop_watch_start(service->loop, &http->watch, info->epoll_fd, LOOP_READ,
										  epoll_ready, http))
	{
		if (http->daemon != NULL)
			MHD_stop_daemon(http->daemon);
		free(http);
		return NULL;
	}
	loop_hook_start(service->loop, &http->hook, before_wait, http);
	return http;
}

void
http_drain(struct http *http, void (*done) (void *arg), void *arg)
{
	int			listen_fd = MHD_quiesce_daemon(http->daemon);

	if (listen_fd >= 0)
		close(listen_fd);
	http->service->draining = true;
	http->drained = done;
	http->drained_arg = arg;
}

void
http_free(struct http *http)
{
	if (http == NULL)
		return;
	http->drained = NULL;
	http->service->draining = true;
	/* MHD_stop_daemon() aborts when a connection is still suspended */
	for (struct exchange *exchange = http->exchanges; exchange != NULL; exchange = exchange->next)
	{
		if (exchange->phase != WAITING)
			continue;
		request_refuse(exchange->request, 503, "shutting_down", "The server is shutting down.");
		answer_came(exchange);
	}
	for (int pass = 0; pass < 10 && http->exchanges != NULL; pass++)
		if (!MHD_run(http->daemon))
			break;
	loop_hook_stop(http->service->loop, &http->hook);
	loop_watch_stop(http->service->loop, &http->watch);
	MHD_stop_daemon(http->daemon);
	free(http);
}
