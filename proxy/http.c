/*
 * http.c - libmicrohttpd in external epoll mode.
 *
 * MHD's epoll descriptor is watched by the loop; MHD_run() is called by a hook
 * before each wait, once for all that has happened. A request that waits is held at
 * first: MHD asks for its answer each time it runs. One that waits for longer is
 * parked: its connection is suspended, which costs two system calls, and a third
 * that reads in vain. MHD keeps no time for suspended connections and only idle
 * time for others, so each connection has a timer here that covers every phase:
 * head, body, answer, idleness.
 */
#include "http.h"

#include <dlfcn.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connection.h"
#include "exchange.h"
#include "head.h"
#include "log.h"
#include "request.h"
#include "stream.h"
#include "text.h"
#include "tls.h"

/* Memory of a connection: its head must fit, and smaller is faster (it is cleared each request). */
#define CONNECTION_MEMORY 12288

/* When draining, idle connections get so many ms to send a request and be told to close. */
#define DRAIN_GRACE 500

/*
 * A request is held for so many ms, and not more than so many are. As long as there is one MHD says that
 * it wants to run again, so whether it has more to do is known from its callbacks alone. What it has
 * done without one goes on after a pause of so many ms; behind TLS that would be a long answer's next
 * piece, so there every request is parked at once.
 */
#define HELD_TIME 50
#define HELD_MOST 128
#define HELD_PAUSE 20

/* Longer headers would not fit into it, either. */
#define HEADERS_MAX CONNECTION_MEMORY

/*
 * It takes MHD so many runs to queue an answer that was waited for, to send it, and to read the connection's
 * next request. In between there is no need to ask the kernel for news of others.
 */
#define RUNS_MOST 3

/* Buffer of MHD's for a piece of a streamed body. */
#define STREAM_PIECE 8192

struct http
{
	struct service *service;
	struct MHD_Daemon *daemon;
	struct loop_hook hook;
	struct loop_watch watch;
	bool		due;			/* MHD_run() has something to do */
	bool		moved;			/* a callback got something done: there may be more */
	struct exchange *exchanges; /* all requests under way */
	unsigned	connections;
	unsigned	held;			/* exchanges */
	struct text lines;			/* of headers */
	struct loop_timer drain_grace;	/* active: idle connections may still send a request */
	void		(*drained) (void *arg);
	void	   *drained_arg;
};

/*
 * MHD's own function of this name, which the one below hides. MHD 0.9.75 answers
 * what it cannot parse with pages in HTML, and has no hook to change them.
 */
static enum MHD_Result (*queue_response) (struct MHD_Connection *mhd, unsigned status,
										  struct MHD_Response *response);

/* ---- waiting ---- */

static void
park(struct exchange *exchange)
{
	exchange->phase = EXCHANGE_PARKED;
	MHD_suspend_connection(exchange->mhd);
}

static void
hold(struct exchange *exchange)
{
	struct http *http = exchange->http;

	if (http->held == HELD_MOST || exchange->connection->session != NULL)
	{
		park(exchange);
		return;
	}
	exchange->phase = EXCHANGE_HELD;
	exchange->held_since = loop_now(http->service->loop);
	http->held++;
}

/* MHD asks for the answer of one that is held. */
static void
hold_on(struct exchange *exchange)
{
	struct http *http = exchange->http;

	if (loop_now(http->service->loop) - exchange->held_since < HELD_TIME)
		return;
	http->held--;
	park(exchange);
}

/* The answer, or more of its body, has come: have MHD call handle_request() or read_stream() again. */
static void
answer_came(void *arg)
{
	struct exchange *exchange = arg;
	struct http *http = exchange->http;

	if (exchange->phase == EXCHANGE_HELD)
		http->held--;
	else
		MHD_resume_connection(exchange->mhd);
	exchange->phase = EXCHANGE_READY;
	http->due = true;
	connection_enter(exchange->connection, CONNECTION_SENDING);
}

/* ---- answers ---- */

/* MHD wants more of a streamed body: give what is there, or wait for more. */
static ssize_t
read_stream(void *arg, uint64_t position, char *buffer, size_t size)
{
	struct exchange *exchange = arg;
	ssize_t		count = request_read(exchange->request, buffer, size);

	(void) position;
	if (count == STREAM_END)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (count == STREAM_FAILED)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	connection_enter(exchange->connection,
					 count == STREAM_WAIT ? CONNECTION_ANSWER : CONNECTION_SENDING);
	if (count == STREAM_WAIT)
		park(exchange);
	exchange->http->moved = true;
	return count;
}

/*
 * A 101 is sent: the connection goes its own way, with its TLS session, and MHD closes
 * its descriptor without a word. (It would pass bytes on between the session and a pair of sockets, `fd` being one
 * of them, but four at a time only: it has no memory left for more.)
 */
static void
hand_over(void *arg, struct MHD_Connection *mhd, void *context, const char *bytes, size_t length,
		  MHD_socket fd, struct MHD_UpgradeResponseHandle *handle)
{
	struct exchange *exchange = arg;
	struct connection *connection = exchange->connection;
	struct tls_channel *tls;

	(void) mhd;
	(void) context;
	(void) fd;
	if (connection_take_session(connection, &tls))
		request_hand_over(exchange->request, connection->fd, tls, bytes, length);
	exchange->http->due = true;
	(void) MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);	/* cannot fail here */
}

/*
 * A body of unknown length. To HEAD libmicrohttpd 0.9.75 would send the last
 * chunk of it; an answer of HTTP/1.0 has no chunks, and ends the connection.
 */
static struct MHD_Response *
stream_response(struct exchange *exchange)
{
	struct MHD_Response *response =
		MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_PIECE, read_stream, exchange, NULL);

	if (response != NULL && request_is_head(exchange->request))
		(void) MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
	return response;
}

/* The answer's body, as MHD is to send it; NULL when memory is out. */
static struct MHD_Response *
make_response(struct exchange *exchange)
{
	const struct answer *answer = request_answer(exchange->request);
	struct MHD_Response *response;
	size_t		length;
	const char *shared = answer_body(answer, &length);
	char	   *own;

	if (answer->status == MHD_HTTP_SWITCHING_PROTOCOLS)
		return MHD_create_response_for_upgrade(hand_over, exchange);
	if (request_streams(exchange->request))
		return stream_response(exchange);
	own = length > 0 ? request_take_body(exchange->request) : NULL;
	if (own == NULL)
		return MHD_create_response_from_buffer(length, (void *) shared, MHD_RESPMEM_PERSISTENT);
	response = MHD_create_response_from_buffer(length, own, MHD_RESPMEM_MUST_FREE);
	if (response == NULL)
		free(own);
	return response;
}

/*
 * Find the last header of a response, which is the place for the answer's: MHD has a copy of its own of
 * each value, and says where.
 */
static enum MHD_Result
find_place(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct answer_header *place = arg;

	(void) kind;
	*place = (struct answer_header) {name, value};
	return MHD_YES;
}

/*
 * Write the answer's headers into the place for them: the first one's value, and behind it the other lines.
 * False: it is for another name, or another length.
 */
static bool
fill_place(struct MHD_Response *response, const struct answer *answer, const struct text *lines)
{
	const char *first = answer->headers[0].name;
	struct answer_header place = {"", ""};
	size_t		start = strlen(first) + strlen(": ");
	size_t		length = lines->length - start - strlen("\r\n");

	(void) MHD_get_response_headers(response, find_place, &place);
	if (strcmp(place.name, first) != 0 || strlen(place.value) != length)
		return false;
	memcpy((char *) place.value, lines->data + start, length);
	return true;
}

/*
 * Give a new response the answer's headers. To MHD all are one, as each costs it three pieces of memory. It lets no
 * end of line into a value, so what it is given are blanks; its copy of them is the place.
 */
static bool
add_headers(struct MHD_Response *response, const struct answer *answer, const struct text *lines)
{
	static const char blanks[HEADERS_MAX + 1] = {[0 ... HEADERS_MAX - 1] = ' '};

	/* the last resort when memory is out has none */
	if (answer->header_count == 0)
		return true;
	return lines->length <= HEADERS_MAX &&
		MHD_add_response_header(response, answer->headers[0].name, blanks + HEADERS_MAX - lines->length +
								strlen(answer->headers[0].name) + strlen(": \r\n")) == MHD_YES &&
		fill_place(response, answer, lines);
}

/* The answer's headers as lines; NULL: they cannot be sent. Good until the next call. */
static const struct text *
write_lines(struct http *http, const struct answer *answer)
{
	text_reset(&http->lines);
	answer_write_headers(answer, &http->lines);
	return http->lines.failed ? NULL : &http->lines;
}

static enum MHD_Result
send_once(struct exchange *exchange)
{
	const struct answer *answer = request_answer(exchange->request);
	const struct text *lines = write_lines(exchange->http, answer);
	struct MHD_Response *response = lines != NULL ? make_response(exchange) : NULL;
	enum MHD_Result result = MHD_NO;

	if (response == NULL)
		return MHD_NO;
	if ((!exchange_is_last(exchange) || MHD_add_response_header(response, "Connection", "close")) &&
		add_headers(response, answer, lines))
		result = queue_response(exchange->mhd, (unsigned) answer->status, response);
	MHD_destroy_response(response);
	return result;
}

/* ---- answers that are sent again ---- */

static void
free_ready(void *response)
{
	MHD_destroy_response(response);
}

/*
 * A response to be kept for this form of a body, which lives as long as it does; NULL when memory is out.
 */
static struct MHD_Response *
make_ready(const struct answer *answer, const struct text *lines)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(answer->shared_length, (void *) answer->shared, MHD_RESPMEM_PERSISTENT);

	if (response == NULL || add_headers(response, answer, lines))
		return response;
	MHD_destroy_response(response);
	return NULL;
}

/*
 * Send a body that others are sent, too: the response is made once for each form of it, and anew when its headers
 * have another length. MHD writes them down when a response is queued, so whoever is still being sent it is
 * not concerned. The request holds the body until it has been sent.
 */
static enum MHD_Result
send_again(struct exchange *exchange)
{
	const struct answer *answer = request_answer(exchange->request);
	const struct text *lines = write_lines(exchange->http, answer);
	void	  **ready = rendered_ready(answer->rendered, answer->shared, answer->status == MHD_HTTP_NOT_MODIFIED, free_ready);

	if (lines == NULL)
		return MHD_NO;
	if (*ready == NULL || !fill_place(*ready, answer, lines))
	{
		if (*ready != NULL)
			MHD_destroy_response(*ready);
		*ready = make_ready(answer, lines);
	}
	return *ready != NULL ? queue_response(exchange->mhd, (unsigned) answer->status, *ready) : MHD_NO;
}

/* Hand the answer over to MHD; MHD_NO makes it close the connection. */
static enum MHD_Result
send_answer(struct exchange *exchange)
{
	bool		is_last = exchange_is_last(exchange);

	exchange->http->moved = true;
	exchange->connection->ends = is_last;
	return request_answer(exchange->request)->rendered != NULL && !is_last
		? send_again(exchange) : send_once(exchange);
}

static struct connection *
connection_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info != NULL ? info->socket_context : NULL;
}

/*
 * Called by MHD itself for a request that it refuses: the dynamic linker takes
 * the program's definition before the library's. A problem document goes out
 * instead of a page, past MHD, whose memory for the connection may be what
 * has run out. Where the library is linked otherwise, the page does.
 */
enum MHD_Result
MHD_queue_response(struct MHD_Connection *mhd, unsigned status, struct MHD_Response *response)
{
	struct connection *connection = connection_of(mhd);

	if (connection == NULL)
		return queue_response(mhd, status, response);
	connection_refuse(connection, (int) status);
	return MHD_NO;				/* which ends the connection */
}

/* ---- MHD's callbacks for connections and requests ---- */

static void
connection_changed(void *arg, struct MHD_Connection *mhd, void **context,
				   enum MHD_ConnectionNotificationCode what)
{
	struct http *http = arg;
	struct connection *connection = *context;
	const union MHD_ConnectionInfo *fd;
	const union MHD_ConnectionInfo *address;
	const union MHD_ConnectionInfo *session;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED)
	{
		http->connections--;
		http->due = true;		/* MHD at its limit listens again at the beginning of a run only */
		if (connection != NULL)
			connection_stop(connection);
		free(connection);
		return;
	}
	http->connections++;
	connection = calloc(1, sizeof *connection);
	*context = connection;
	if (connection == NULL)
		return;					/* request_started() then refuses every request */
	fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	address = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	session = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	connection_start(connection, http->service, fd != NULL ? fd->connect_fd : -1,
					 address != NULL ? address->client_addr : NULL,
					 session != NULL ? session->tls_session : NULL);
}

/* A request line was read: make the exchange, with the raw target. NULL closes the connection. */
static void *
request_started(void *arg, const char *target, struct MHD_Connection *mhd)
{
	struct http *http = arg;
	struct connection *connection = connection_of(mhd);
	struct exchange *exchange = connection == NULL ? NULL
		: exchange_create(&http->exchanges, connection, target, answer_came);

	if (exchange == NULL)
		return NULL;
	exchange->http = http;
	exchange->mhd = mhd;
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
	*context = NULL;
	if (exchange == NULL)
		return;
	http->moved = true;
	if (exchange->phase == EXCHANGE_HELD)
		http->held--;			/* its client has hung up */
	exchange_free(&http->exchanges, exchange);
}

/* Before a connection is made: has its client room for one more? */
static enum MHD_Result
let_in(void *arg, const struct sockaddr *socket, socklen_t length)
{
	struct http *http = arg;

	(void) length;
	return connection_is_welcome(http->service, socket) ? MHD_YES : MHD_NO;
}

static enum MHD_Result
note_field(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_length,
		   const char *value, size_t value_length)
{
	(void) kind;
	head_add(arg, name, name_length, value != NULL ? value : name + name_length, value_length);
	return MHD_YES;
}

/* The head is there. */
static enum MHD_Result
begin(struct exchange *exchange, const char *method, const char *version)
{
	const struct head_line line = {method, exchange->place, version, exchange->target};
	const union MHD_ConnectionInfo *size =
		MHD_get_connection_info(exchange->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	struct head head;

	if (size == NULL)
		return MHD_NO;
	head_begin(&head, &line);
	MHD_get_connection_values_n(exchange->mhd, MHD_HEADER_KIND, note_field, &head);
	head_end(&head, method + size->header_size);
	return exchange_begin(exchange, &head) ? MHD_YES : send_answer(exchange);
}

/* MHD calls this when the head is there, for each piece of body, at its end, and after a resume. */
static enum MHD_Result
handle_request(void *arg, struct MHD_Connection *mhd, const char *url, const char *method,
			   const char *version, const char *data, size_t *size, void **context)
{
	struct http *http = arg;
	struct exchange *exchange = *context;

	(void) mhd;
	(void) url;
	if (exchange == NULL)
		return MHD_NO;
	if (exchange->phase == EXCHANGE_HELD)
	{
		hold_on(exchange);
		return MHD_YES;
	}
	if (exchange->phase == EXCHANGE_HEAD && !exchange->connection->is_over)
		return begin(exchange, method, version);
	if (*size > 0)
	{
		http->moved = true;
		connection_take_body(exchange->connection, data, *size);
		*size = 0;
		return MHD_YES;
	}
	if (exchange->connection->is_over)
		return MHD_NO;
	if (exchange->phase == EXCHANGE_BODY)
	{
		connection_enter(exchange->connection, CONNECTION_SENDING);
		if (request_answer(exchange->request)->status == 0 && !request_run(exchange->request))
		{
			connection_enter(exchange->connection, CONNECTION_ANSWER);
			hold(exchange);
			return MHD_YES;
		}
	}
	exchange->phase = EXCHANGE_READY;
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

static void
run(struct http *http)
{
	http->due = false;
	http->moved = false;
	/* what ends an upgraded connection behind TLS in one run is seen in the next: MHD does not ask for it */
	if (!MHD_run(http->daemon) || (http->service->tls != NULL && !MHD_run(http->daemon)))
		log_event(LEVEL_ERROR, "http_failed", "error", "MHD_run refuses", NULL);
}

/* Has it more to do, now that it ran? */
static bool
wants_to_run(const struct http *http)
{
	MHD_UNSIGNED_LONG_LONG timeout = 0;

	return http->held > 0 ? http->moved : MHD_get_timeout(http->daemon, &timeout) && timeout == 0;
}

/* Before each wait: run MHD when something has happened; tell when it wants to run again. */
static int
before_wait(void *arg)
{
	struct http *http = arg;

	for (int runs = 0; http->due && runs < RUNS_MOST; runs++)
	{
		run(http);
		http->due = http->due || wants_to_run(http);
	}
	if (http->drained != NULL && http->exchanges == NULL &&
		(http->connections == 0 || !http->drain_grace.active))
	{
		void		(*drained) (void *arg) = http->drained;

		http->drained = NULL;
		drained(http->drained_arg);
	}
	if (http->due)
		return 0;
	http->due = http->held > 0;
	return http->due ? HELD_PAUSE : -1;
}

/*
 * MHD's options for TLS; none without. The identity is for connections that
 * have none of their own, for want of memory.
 */
static void
fill_tls_options(const struct tls_identity *identity, struct MHD_OptionItem *options)
{
	if (identity != NULL)
	{
		*options++ = (struct MHD_OptionItem) {
			MHD_OPTION_HTTPS_MEM_CERT, 0, (void *) tls_certificate(identity)};
		*options++ = (struct MHD_OptionItem) {
			MHD_OPTION_HTTPS_MEM_KEY, 0, (void *) tls_key(identity)};
		*options++ = (struct MHD_OptionItem) {
			MHD_OPTION_HTTPS_PRIORITIES, 0, (void *) TLS_PRIORITIES};
	}
	*options = (struct MHD_OptionItem) {MHD_OPTION_END, 0, NULL};
}

struct http *
http_create(struct service *service, int listen_fd, unsigned connections)
{
	struct http *http = calloc(1, sizeof *http);
	const union MHD_DaemonInfo *info = NULL;
	unsigned	tls = service->tls != NULL ? MHD_USE_TLS : 0;
	struct MHD_OptionItem tls_options[4];

	if (http == NULL)
		return NULL;
	if (tls && !tls_can_take())
	{
		log_event(LEVEL_ERROR, "http_failed", "error", "TLS sessions cannot be taken over", NULL);
		free(http);
		return NULL;
	}
	fill_tls_options(service->tls, tls_options);
	*(void **) &queue_response = dlsym(RTLD_NEXT, "MHD_queue_response");
	if (queue_response == NULL)
		queue_response = MHD_queue_response;
	http->service = service;
	http->watch = (struct loop_watch) LOOP_WATCH_INIT;
	http->daemon = MHD_start_daemon(tls | MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE |
									MHD_USE_ERROR_LOG, 0, let_in, http, handle_request, http,
									MHD_OPTION_EXTERNAL_LOGGER, log_library, "http",
									MHD_OPTION_LISTEN_SOCKET, listen_fd,
									MHD_OPTION_ARRAY, tls_options,
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

/* The grace is over: the hook, which runs after every timer, sees that. */
static void
end_grace(void *arg)
{
	(void) arg;
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
	loop_timer_set(http->service->loop, &http->drain_grace, DRAIN_GRACE, end_grace, http);
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
		if (exchange_abandon(exchange))
			answer_came(exchange);
	for (int pass = 0; pass < 10 && http->exchanges != NULL; pass++)
		if (!MHD_run(http->daemon))
			break;
	loop_timer_stop(http->service->loop, &http->drain_grace);
	loop_hook_stop(http->service->loop, &http->hook);
	loop_watch_stop(http->service->loop, &http->watch);
	MHD_stop_daemon(http->daemon);
	linger_end_all(&http->service->lingering);
	text_free(&http->lines);
	free(http);
}
