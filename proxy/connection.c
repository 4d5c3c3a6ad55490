/*
 * connection.c - time limits of connections, and raw answers.
 */
#include "connection.h"

#include <poll.h>
#include <sys/socket.h>

#include "address_quota.h"
#include "linger.h"
#include "log.h"
#include "tls.h"

#define BODY_PIECE (256 * 1024)
#define NO_LIMIT (UINT64_MAX / 2)	/* can be added to a time */

/* ms, by phase. */
static const uint64_t limits[] = {
	[CONNECTION_HEAD] = 10000,
	[CONNECTION_BODY] = 30000,
	[CONNECTION_ANSWER] = NO_LIMIT,
	[CONNECTION_SENDING] = 60000,
	[CONNECTION_IDLE] = 75000,
	[CONNECTION_LINGER] = 2000,
};

/*
 * While a request comes, a client that hangs up is looked for once in so many ms: libmicrohttpd
 * is told by the kernel once of what has come, and does not see an end that came with it.
 */
#define LOOK_INTERVAL 1000

/* Refused connections are logged once in so many ms. */
#define REFUSAL_PAUSE 1000

/* The next refusal is logged again: the timer is no longer active. */
static void
log_again(void *arg)
{
	(void) arg;
}

/* End it both ways: the HTTP library sees that and closes it. */
static void
cut(struct connection *connection)
{
	/* fails only when the client has ended it already */
	(void) shutdown(connection->fd, SHUT_RDWR);
}

/* Is its request coming, so that it is worth to look for its client? */
static bool
is_read_from(const struct connection *connection)
{
	return connection->phase == CONNECTION_HEAD || connection->phase == CONNECTION_BODY;
}

/* What is waited for has not come. A request that was begun gets an answer. */
static void
too_slow(void *arg)
{
	struct connection *connection = arg;

	if (!connection->is_over && connection->request != NULL && is_read_from(connection))
		connection_refuse(connection, 408);
	else
		cut(connection);
}

/* Is a request waited for that the client cannot complete any more? */
static bool
is_hopeless(const struct connection *connection)
{
	char		byte;

	return recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void arm(struct connection *connection);

/* The limit of the phase has come, or it is time to look at the client, or the timer was of an earlier phase. */
static void
clock_rings(void *arg)
{
	struct connection *connection = arg;

	if (loop_now(connection->service->loop) >= connection->deadline)
		too_slow(connection);
	else if (is_read_from(connection) && is_hopeless(connection))
		cut(connection);
	else
		arm(connection);
}

static void
arm(struct connection *connection)
{
	struct loop *loop = connection->service->loop;
	uint64_t	now = loop_now(loop);
	uint64_t	left = connection->deadline > now ? connection->deadline - now : 0;

	if (left > LOOK_INTERVAL && is_read_from(connection))
		left = LOOK_INTERVAL;
	/* one that rings too early is set anew then: phases follow one another faster than timers ring */
	if (!connection->timer.active || connection->timer.due > now + left)
		loop_timer_set(loop, &connection->timer, left, clock_rings, connection);
}

bool
connection_is_welcome(struct service *service, const struct sockaddr *address)
{
	struct client_address client;
	char		text[CLIENT_ADDRESS_TEXT];

	client_address_of(&client, address);
	if (address_quota_has_room(service->address_quota, &client))
		return true;
	counter_add(&service->metrics->connections_refused, 1);
	if (!service->refusal_logged.active)
	{
		client_address_write(&client, text);
		log_event(LEVEL_WARN, "connections_refused", "error",
				  "the address has as many as CONNECTIONS_PER_ADDRESS allows", "address", text, NULL);
		loop_timer_set(service->loop, &service->refusal_logged, REFUSAL_PAUSE, log_again, service);
	}
	return false;
}

void
connection_start(struct connection *connection, struct service *service, int fd,
				 const struct sockaddr *address, void *session)
{
	connection->service = service;
	connection->fd = fd;
	connection->session = session;
	if (session != NULL)
	{
		connection->identity = tls_hold(service->tls);
		tls_use(connection->identity, session);
	}
	client_address_of(&connection->address, address);
	client_address_write(&connection->address, connection->peer);
	client_address_write_group(&connection->address, connection->group);
	connection->is_counted = address_quota_take(service->address_quota, &connection->address);
	counter_add(&service->metrics->connections, 1);
	counter_add(&service->metrics->connections_taken, 1);
	connection_enter(connection, CONNECTION_HEAD);
}

void
connection_stop(struct connection *connection)
{
	struct service *service = connection->service;

	counter_add(&service->metrics->connections, (uint64_t) -1);
	loop_timer_stop(service->loop, &connection->timer);
	tls_release(connection->identity);
	if (connection->is_counted)
		address_quota_give(service->address_quota, &connection->address);
	if ((connection->is_over || connection->ends) && !service->draining)
		linger_start(&service->lingering, service->loop, connection->fd);
}

void
connection_enter(struct connection *connection, enum connection_phase phase)
{
	if (connection->is_over && phase != CONNECTION_LINGER)
		return;
	connection->phase = phase;
	connection->received = 0;
	if (phase == CONNECTION_HEAD)
		connection->dropped = 0;
	connection->deadline = loop_now(connection->service->loop) + limits[phase];
	arm(connection);
}

bool
connection_take_session(struct connection *connection, struct tls_channel **tls)
{
	bool		has_session = connection->session != NULL;

	*tls = has_session ? tls_take(connection->session, connection->identity) : NULL;
	if (*tls != NULL)
		connection->session = NULL;
	return !has_session || *tls != NULL;
}

bool
connection_is_there(const struct connection *connection)
{
	struct pollfd look = {.fd = connection->fd, .events = POLLRDHUP};

	return poll(&look, 1, 0) == 0;
}

void
connection_take_body(struct connection *connection, const char *data, size_t length)
{
	struct request *request = connection->request;

	connection->received += length;
	if (connection->received >= BODY_PIECE)
		connection_enter(connection, CONNECTION_BODY);
	if (request_answer(request)->status == 0 && request_add_body(request, data, length))
		return;
	connection->dropped += length;
	if (connection->dropped > CONNECTION_DROP_MAX && !connection->is_over)
		connection_send_raw(connection, request);
}

void
connection_send_raw(struct connection *connection, const struct request *request)
{
	struct text text = {0};

	answer_write(request_answer(request), &text);
	/* it fits into an empty send buffer; if the client is gone nobody misses it */
	if (!text.failed && connection->session != NULL)
		tls_send_last(connection->session, text.data, text.length);
	else if (!text.failed)
		(void) send(connection->fd, text.data, text.length, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void) shutdown(connection->fd, SHUT_WR);
	text_free(&text);
	connection->is_over = true;
	connection_enter(connection, CONNECTION_LINGER);
}

/* What a status of HTTP's own means here. */
static const char *
describe(int status, const char **code)
{
	static const struct
	{
		int			status;
		const char *code;
		const char *detail;
	}			known[] = {
		{408, "request_timeout", "The request came too slowly."},
		{413, "body_too_large", "The body is too long."},
		{414, "target_too_long", "The request target is too long."},
		{431, "head_too_large", "The head of the request is too long."},
		{505, "http_version", "Only HTTP/1.1 and HTTP/1.0 are understood."},
	};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
	{
		if (known[i].status != status)
			continue;
		*code = known[i].code;
		return known[i].detail;
	}
	*code = "malformed_request";
	return "The request is not well-formed HTTP.";
}

void
connection_refuse(struct connection *connection, int status)
{
	struct request *request = connection->request;
	const char *code;
	const char *detail = describe(status, &code);

	if (request == NULL)
	{
		request = request_create(connection->service, NULL);
		if (request == NULL)
		{
			cut(connection);
			return;
		}
		request_note_client(request, NULL, connection->peer);
	}
	if (request_answer(request)->status == 0)
		request_refuse(request, status, code, detail);
	connection_send_raw(connection, request);
	if (connection->request == NULL)
		request_release(request);
}
