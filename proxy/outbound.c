/*
 * outbound.c - libcurl's multi interface in the place of a client of the loop.
 *
 * The library tells which sockets to watch and for how long to wait (socket_changed(), timer_changed()),
 * and is told what has become of that; it never waits itself. Each transfer has an easy handle that it
 * keeps for the next one. A transfer that ends while its name is still being resolved would wait for the
 * resolver's thread: CURLOPT_QUICK_EXIT lets that thread end by itself.
 */
#include "outbound.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address_kind.h"
#include "log.h"

#define KEEPALIVE_IDLE 60L		/* s */
#define KEEPALIVE_INTERVAL 15L
#define HEADER_MOST 512

struct transfer
{
	struct outbound *outbound;
	CURL	   *easy;			/* NULL until the place is used first */
	bool		active;
	struct outbound_request request;	/* its url and headers are not looked at any more */
	struct curl_slist *headers; /* of a mail: who gets it */
	bool		is_mail;
	const char *unsent;			/* what is left of the mail's text */
	size_t		unsent_length;
	size_t		received;		/* bytes of the answer */
	const char *refused;		/* what the address is that it may not connect to; NULL: nothing refused */
	char		error[CURL_ERROR_SIZE];
};

/* A socket of the library's that is watched. */
struct watched
{
	struct outbound *outbound;
	struct loop_watch watch;
};

struct outbound
{
	struct loop *loop;
	CURLM	   *multi;
	struct loop_timer timer;
	bool		closing;
	size_t		running;
	size_t		most;
	struct transfer transfers[];
};

/* ---- the end of a transfer ---- */

/* Why there is no answer. */
static void
explain(const struct transfer *transfer, CURLcode code, char *why, size_t why_size)
{
	if (transfer->refused != NULL)
		snprintf(why, why_size, "its address is not allowed: %s", transfer->refused);
	else
		snprintf(why, why_size, "%s", transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(code));
}

/* Give the place back. */
static void
release(struct transfer *transfer)
{
	curl_slist_free_all(transfer->headers);
	transfer->headers = NULL;
	transfer->active = false;
	transfer->outbound->running--;
}

/* Fill in what came; `header` has room for the value of the wanted one. */
static void
read_answer(struct transfer *transfer, struct outbound_answer *answer, char *header, size_t header_size)
{
	const char *wanted = transfer->request.wanted_header;
	struct curl_header *found;
	long		status = 0;
	curl_off_t	wait = 0;

	if (curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK)
		answer->status = (int) status;
	if (curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &wait) == CURLE_OK && wait > 0)
		answer->retry_after = wait > 86400 ? 86400 : (long) wait;
	if (wanted == NULL || curl_easy_header(transfer->easy, wanted, 0, CURLH_HEADER, -1, &found) != CURLHE_OK)
		return;
	snprintf(header, header_size, "%s", found->value);
	answer->header = header;
}

/*
 * What a mail server has said. A refusal before it came to the mail, such as one of the password, is none of the
 * mail's, nor is the code of an answer that was not waited for.
 */
static void
read_reply(struct transfer *transfer, CURLcode code, struct outbound_answer *answer)
{
	bool		is_about_mail = code == CURLE_SEND_ERROR ||
		(code == CURLE_WEIRD_SERVER_REPLY && transfer->unsent_length == 0);
	long		status = 0;

	if (code == CURLE_OK)
		answer->status = 250;
	else if (is_about_mail && curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK &&
			 status >= 400)
		answer->status = (int) status;
}

static void
finish(struct transfer *transfer, CURLcode code)
{
	struct outbound_answer answer = {0};
	struct outbound_request request = transfer->request;
	char		why[CURL_ERROR_SIZE + 64] = "no answer came";
	char		header[HEADER_MOST];
	/* what was read says all that is wanted */
	bool		was_long = code == CURLE_WRITE_ERROR && transfer->received > OUTBOUND_ANSWER_MOST;

	if (!transfer->is_mail && (code == CURLE_OK || was_long))
		read_answer(transfer, &answer, header, sizeof header);
	else
		explain(transfer, code, why, sizeof why);
	if (transfer->is_mail)
		read_reply(transfer, code, &answer);
	if (answer.status == 0 || (transfer->is_mail && answer.status >= 300))
		answer.why = why;
	/* it fails only for handles that are not there */
	(void) curl_multi_remove_handle(transfer->outbound->multi, transfer->easy);
	release(transfer);
	request.done(request.arg, &answer);
}

/* What has ended meanwhile. */
static void
collect(struct outbound *outbound)
{
	int			left;
	CURLMsg    *message;

	while ((message = curl_multi_info_read(outbound->multi, &left)) != NULL)
	{
		CURLcode	code = message->data.result;
		char	   *place = NULL;

		if (message->msg == CURLMSG_DONE &&
			curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &place) == CURLE_OK && place != NULL)
			finish((struct transfer *) (void *) place, code);
	}
}

/* ---- the library and the loop ---- */

static void
act(struct outbound *outbound, curl_socket_t fd, int events)
{
	int			running;
	CURLMcode	code = curl_multi_socket_action(outbound->multi, fd, events, &running);

	if (code != CURLM_OK)
		log_event(LEVEL_ERROR, "outbound_failed", "error", curl_multi_strerror(code), NULL);
	collect(outbound);
}

static void
socket_ready(void *arg, unsigned events)
{
	struct watched *watched = arg;

	act(watched->outbound, watched->watch.fd,
		((events & LOOP_READ) ? CURL_CSELECT_IN : 0) | ((events & LOOP_WRITE) ? CURL_CSELECT_OUT : 0));
}

static void
timer_fired(void *arg)
{
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static void
unwatch(struct outbound *outbound, struct watched *watched)
{
	loop_watch_stop(outbound->loop, &watched->watch);
	free(watched);
}

/* The library wants to know what happens to a socket, or no longer so. */
static int
socket_changed(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct outbound *outbound = arg;
	struct watched *watched = known;
	unsigned	events = (what & CURL_POLL_IN ? LOOP_READ : 0u) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0u);

	(void) easy;
	if (what == CURL_POLL_REMOVE)
	{
		if (watched != NULL)
			unwatch(outbound, watched);
		return 0;
	}
	if (watched != NULL)
		return loop_watch_change(outbound->loop, &watched->watch, events) ? 0 : -1;
	watched = malloc(sizeof *watched);
	if (watched == NULL)
		return -1;
	*watched = (struct watched) {.outbound = outbound, .watch = LOOP_WATCH_INIT};
	if (!loop_watch_start(outbound->loop, &watched->watch, fd, events, socket_ready, watched))
	{
		free(watched);
		return -1;
	}
	if (curl_multi_assign(outbound->multi, fd, watched) == CURLM_OK)
		return 0;
	unwatch(outbound, watched);
	return -1;
}

static int
timer_changed(CURLM *multi, long wait, void *arg)
{
	struct outbound *outbound = arg;

	(void) multi;
	if (wait < 0)
		loop_timer_stop(outbound->loop, &outbound->timer);
	else
		loop_timer_set(outbound->loop, &outbound->timer, (uint64_t) wait, timer_fired, outbound);
	return 0;
}

/* ---- where it may go ---- */

static bool
is_allowed(struct transfer *transfer, const struct client_address *address)
{
	const char *kind = transfer->request.allow_private ? NULL : address_kind(address);

	if (kind != NULL)
		transfer->refused = kind;
	return kind == NULL;
}

/* Of each address that a name has, before it is connected to. */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct client_address client;

	(void) purpose;
	client_address_of(&client, &address->addr);
	if (!is_allowed(arg, &client))
		return CURL_SOCKET_BAD;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Of a connection, also of one that was opened for a request that may go anywhere. */
static int
check_connection(void *arg, char *ip, char *own_ip, int port, int own_port)
{
	struct transfer *transfer = arg;
	struct client_address address;

	(void) own_ip;
	(void) port;
	(void) own_port;
	if (!client_address_parse(&address, ip, strlen(ip)))
		address = (struct client_address) {.is_unix = true};
	if (!is_allowed(transfer, &address))
		return CURL_PREREQFUNC_ABORT;
	transfer->refused = NULL;	/* another address of the same name was */
	return CURL_PREREQFUNC_OK;
}

/* ---- the start of a transfer ---- */

/* A piece of the answer's head or body: it is counted and dropped. */
static size_t
take_bytes(char *data, size_t size, size_t count, void *arg)
{
	struct transfer *transfer = arg;

	(void) data;
	transfer->received += size * count;
	return transfer->received > OUTBOUND_ANSWER_MOST ? 0 : count;
}

/* What all transfers have, whatever their protocol. */
static bool
set_common(struct transfer *transfer)
{
	CURL	   *easy = transfer->easy;

	return curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_INTERVAL) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long) transfer->request.timeout_ms) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long) transfer->request.timeout_ms) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_bytes) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_bytes) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, check_connection) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer) == CURLE_OK;
}

static bool
add_header(struct transfer *transfer, const char *line)
{
	struct curl_slist *longer = curl_slist_append(transfer->headers, line);

	if (longer == NULL)
		return false;
	transfer->headers = longer;
	return true;
}

/* What makes it a request of HTTP. */
static bool
set_http(struct transfer *transfer)
{
	const struct outbound_request *request = &transfer->request;
	CURL	   *easy = transfer->easy;
	/* no 100 (Continue) is waited for before the body */
	bool		good = add_header(transfer, "Expect:");

	for (size_t i = 0; good && request->headers != NULL && request->headers[i] != NULL; i++)
		good = add_header(transfer, request->headers[i]);
	if (request->body != NULL)
		good = good && curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
			curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) request->length) == CURLE_OK &&
			curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body) == CURLE_OK;
	return good && curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_USERAGENT, "timetrackr-proxy/" TIMETRACKR_VERSION) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_URL, request->url) == CURLE_OK;
}

/* The library asks for the next piece of a mail. */
static size_t
give_bytes(char *buffer, size_t size, size_t count, void *arg)
{
	struct transfer *transfer = arg;
	size_t		length = size * count < transfer->unsent_length ? size * count : transfer->unsent_length;

	memcpy(buffer, transfer->unsent, length);
	transfer->unsent += length;
	transfer->unsent_length -= length;
	return length;
}

/* Whom to believe in place of those the system does: a file that may have changed since the last connection. */
static bool
set_authorities(struct transfer *transfer, const char *ca_file)
{
	return ca_file == NULL ||
		(curl_easy_setopt(transfer->easy, CURLOPT_CAINFO, ca_file) == CURLE_OK &&
		 curl_easy_setopt(transfer->easy, CURLOPT_CAPATH, NULL) == CURLE_OK &&
		 curl_easy_setopt(transfer->easy, CURLOPT_CA_CACHE_TIMEOUT, 0L) == CURLE_OK);
}

/* What makes it a mail. */
static bool
set_smtp(struct transfer *transfer, const struct outbound_mail *mail)
{
	CURL	   *easy = transfer->easy;

	transfer->is_mail = true;
	transfer->unsent = mail->text;
	transfer->unsent_length = mail->length;
	return add_header(transfer, mail->to) && set_authorities(transfer, mail->ca_file) &&
		curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps") == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_USE_SSL, (long) (mail->needs_tls ? CURLUSESSL_ALL : CURLUSESSL_NONE)) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_MAIL_FROM, mail->from) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, transfer->headers) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_bytes) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_READDATA, transfer) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_URL, mail->url) == CURLE_OK;
}

/* A free place, with a handle that knows nothing of earlier transfers; NULL: none, or memory is out. */
static struct transfer *
take_place(struct outbound *outbound)
{
	for (size_t i = 0; i < outbound->most; i++)
	{
		struct transfer *transfer = &outbound->transfers[i];
		CURL	   *easy = transfer->easy;

		if (transfer->active)
			continue;
		if (easy != NULL)
			curl_easy_reset(easy);
		else
			easy = curl_easy_init();
		*transfer = (struct transfer) {.outbound = outbound, .easy = easy, .active = easy != NULL};
		outbound->running += easy != NULL;
		return easy != NULL ? transfer : NULL;
	}
	return NULL;
}

/* Begin; nothing is done before the loop's next pass: the timer is set to now. Else the place is given back. */
static bool
begin(struct transfer *transfer, bool is_set)
{
	if (is_set && curl_multi_add_handle(transfer->outbound->multi, transfer->easy) == CURLM_OK)
		return true;
	release(transfer);
	return false;
}

bool
outbound_send(struct outbound *outbound, const struct outbound_request *request)
{
	struct transfer *transfer = outbound->closing ? NULL : take_place(outbound);

	if (transfer == NULL)
		return false;
	transfer->request = *request;
	return begin(transfer, set_common(transfer) && set_http(transfer));
}

bool
outbound_mail(struct outbound *outbound, const struct outbound_mail *mail)
{
	struct transfer *transfer = outbound->closing ? NULL : take_place(outbound);

	if (transfer == NULL)
		return false;
	/* the server is the operator's choice */
	transfer->request = (struct outbound_request) {
		.timeout_ms = mail->timeout_ms, .allow_private = true, .done = mail->done, .arg = mail->arg
	};
	return begin(transfer, set_common(transfer) && set_smtp(transfer, mail));
}

/* ---- life ---- */

struct outbound *
outbound_open(struct loop *loop, size_t most)
{
	struct outbound *outbound = calloc(1, sizeof *outbound + most * sizeof outbound->transfers[0]);

	/* counted by the library, and safe in threads since 7.84 */
	if (outbound == NULL || curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK)
	{
		free(outbound);
		return NULL;
	}
	outbound->loop = loop;
	outbound->most = most;
	outbound->multi = curl_multi_init();
	if (!(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_ASYNCHDNS))
		log_event(LEVEL_WARN, "outbound_blocks", "error", "this libcurl resolves names without threads", NULL);
	if (outbound->multi != NULL &&
		curl_multi_setopt(outbound->multi, CURLMOPT_SOCKETFUNCTION, socket_changed) == CURLM_OK &&
		curl_multi_setopt(outbound->multi, CURLMOPT_SOCKETDATA, outbound) == CURLM_OK &&
		curl_multi_setopt(outbound->multi, CURLMOPT_TIMERFUNCTION, timer_changed) == CURLM_OK &&
		curl_multi_setopt(outbound->multi, CURLMOPT_TIMERDATA, outbound) == CURLM_OK &&
		curl_multi_setopt(outbound->multi, CURLMOPT_MAXCONNECTS, (long) most) == CURLM_OK)
		return outbound;
	outbound_close(outbound);
	return NULL;
}

size_t
outbound_running(const struct outbound *outbound)
{
	return outbound->running;
}

void
outbound_close(struct outbound *outbound)
{
	if (outbound == NULL)
		return;
	outbound->closing = true;
	for (size_t i = 0; i < outbound->most; i++)
	{
		struct transfer *transfer = &outbound->transfers[i];

		if (transfer->active)
			finish(transfer, CURLE_ABORTED_BY_CALLBACK);
		if (transfer->easy != NULL)
			curl_easy_cleanup(transfer->easy);
	}
	loop_timer_stop(outbound->loop, &outbound->timer);
	/* it takes its sockets off the loop, and fails only for handles that are not there */
	if (outbound->multi != NULL)
		(void) curl_multi_cleanup(outbound->multi);
	loop_timer_stop(outbound->loop, &outbound->timer);
	curl_global_cleanup();
	free(outbound);
}
