/*
 * peer.c - WebSocket connections on the loop (see peer.h).
 *
 *   OPEN ──close from either side, or a fault──▶ CLOSING ──both said so──▶ LINGERING ──▶ ended
 *
 * After our close frame our direction is ended, and what the peer still sends is
 * read and dropped until it ends the connection too: closing at once would reset
 * it before the close frame is read. All of this has a deadline.
 */
#include "peer.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "counter.h"
#include "tls.h"

/* ms for the closing handshake, and for the peer to end the connection. */
#define CLOSE_LIMIT 5000
#define LINGER_LIMIT 2000

#define BUFFER_SIZE 16384

/* The kernel's send buffer of a peer: the memory that a slow reader binds there. */
#define KERNEL_BUFFER 65536

/* A peer that has not answered so many pings is dead. */
#define PINGS_MAX 2

/* ---- ending ---- */

void
peer_drop(struct peer *peer)
{
	struct peer_host *host = peer->host;
	int			fd = peer->watch.fd;

	if (peer->is_unsent)
		for (struct peer **at = &host->unsent; *at != NULL; at = &(*at)->next_unsent)
			if (*at == peer)
			{
				*at = peer->next_unsent;
				break;
			}
	peer->is_unsent = false;
	loop_timer_stop(host->loop, &peer->timer);
	loop_watch_stop(host->loop, &peer->watch);
	frame_queue_clear(&peer->queue);
	websocket_reader_drop(peer->reader);
	peer->reader = NULL;
	tls_free(peer->tls);
	peer->tls = NULL;
	close(fd);
}

static void
end(struct peer *peer)
{
	struct peer_host *host = peer->host;

	peer_drop(peer);
	host->ended(peer);
}

/* The connection broke, or the peer is dead. */
static void
end_broken(struct peer *peer)
{
	if (peer->state == PEER_OPEN)
	{
		peer->code = WEBSOCKET_ABNORMAL;
		peer->closed_by_peer = true;
	}
	end(peer);
}

static void
close_too_slow(void *arg)
{
	end(arg);
}

/* ---- sending ---- */

static void
want_to_send(struct peer *peer)
{
	if (peer->is_unsent)
		return;
	peer->is_unsent = true;
	peer->next_unsent = peer->host->unsent;
	peer->host->unsent = peer;
}

/* Our close frame is sent, and the peer's was read or will never be: end our direction. */
static bool
linger(struct peer *peer)
{
	peer->state = PEER_LINGERING;
	loop_timer_set(peer->host->loop, &peer->timer, LINGER_LIMIT, close_too_slow, peer);
	if (peer->tls != NULL)
		tls_end(peer->tls);
	return shutdown(peer->watch.fd, SHUT_WR) == 0 &&
		loop_watch_change(peer->host->loop, &peer->watch, LOOP_READ);
}

/* Send what waits. False: the connection is of no use any more. */
static bool
send_waiting(struct peer *peer)
{
	enum frame_progress progress = frame_queue_send(&peer->queue, peer->watch.fd, peer->tls);

	if (progress == FRAMES_FAILED)
		return false;
	if (progress == FRAMES_WAIT)
	{
		peer->waited = true;
		return loop_watch_change(peer->host->loop, &peer->watch, LOOP_READ | LOOP_WRITE);
	}
	if (!loop_watch_change(peer->host->loop, &peer->watch, LOOP_READ))
		return false;
	if (peer->state == PEER_CLOSING && peer->is_deaf)
		return linger(peer);
	if (peer->state == PEER_OPEN && peer->waited)
	{
		peer->waited = false;
		peer->host->drained(peer);
	}
	return true;
}

/* Before each wait: send what this pass has brought. */
static int
before_wait(void *arg)
{
	struct peer_host *host = arg;

	while (host->unsent != NULL)
	{
		struct peer *peer = host->unsent;

		host->unsent = peer->next_unsent;
		peer->is_unsent = false;
		/* while the socket is full, it will say when it no longer is */
		if ((peer->watch.events & LOOP_WRITE) == 0 && !send_waiting(peer))
			end_broken(peer);
	}
	return -1;
}

static bool
enqueue(struct peer *peer, struct frame *frame)
{
	if (frame == NULL || !frame_queue_add(&peer->queue, frame))
		return false;
	want_to_send(peer);
	return true;
}

/* Say that we close, behind what waits. Without memory the deadline closes it. */
static void
start_closing(struct peer *peer, int code, const char *reason)
{
	struct frame *frame = websocket_close(peer->host->websocket, code, reason);

	peer->state = PEER_CLOSING;
	peer->code = code;
	(void) enqueue(peer, frame);
	frame_release(frame);
	loop_timer_set(peer->host->loop, &peer->timer, CLOSE_LIMIT, close_too_slow, peer);
}

void
peer_close(struct peer *peer, int code, const char *reason)
{
	if (peer->state == PEER_OPEN)
		start_closing(peer, code, reason);
}

/* Queue a frame within the bound. */
static void
send_bounded(struct peer *peer, struct frame *frame)
{
	if (peer->state != PEER_OPEN)
		return;
	if (peer->queue.bytes > 0 && peer->queue.bytes + frame->length > PEER_QUEUE_MAX)
	{
		frame_queue_cut(&peer->queue);
		start_closing(peer, PEER_TOO_SLOW, "too slow");
	}
	else if (!enqueue(peer, frame))
		start_closing(peer, WEBSOCKET_INTERNAL, "out of memory");
}

void
peer_send(struct peer *peer, struct frame *frame)
{
	if (peer->state == PEER_OPEN)
	{
		peer->messages++;
		counter_add(peer->host->messages, 1);
	}
	send_bounded(peer, frame);
}

size_t
peer_waiting(const struct peer *peer)
{
	return peer->queue.bytes;
}

/* ---- receiving ---- */

static bool
message_came(void *arg, const char *text, size_t length)
{
	struct peer *peer = arg;

	if (peer->state == PEER_OPEN)
		peer->host->message(peer, text, length);
	return peer->state == PEER_OPEN;
}

static void
answer_came(void *arg, struct frame *frame)
{
	send_bounded(arg, frame);
}

/* Nothing more will be read as WebSocket: the peer has closed, or has broken the protocol. */
static void
hear_end(struct peer *peer, enum websocket_status status, int code)
{
	peer->is_deaf = true;
	if (peer->state == PEER_OPEN)
	{
		peer->closed_by_peer = status == WEBSOCKET_PEER_CLOSES;
		start_closing(peer, code, "");
	}
	want_to_send(peer);			/* when all was sent already, the next step */
}

/* Read bytes of the peer. */
static void
hear(struct peer *peer, const uint8_t *bytes, size_t length)
{
	const struct websocket_input input = {message_came, answer_came, peer};
	enum websocket_status status;
	int			code;

	peer->unanswered = 0;
	if (peer->is_deaf)
		return;
	status = websocket_read(peer->host->websocket, &peer->reader, &input, bytes, length, &code);
	if (status != WEBSOCKET_OPEN)
		hear_end(peer, status, code);
}

static void
ready(void *arg, unsigned events)
{
	struct peer *peer = arg;
	struct peer_host *host = peer->host;
	ssize_t		count;

	if ((events & LOOP_WRITE) && !send_waiting(peer))
	{
		end_broken(peer);
		return;
	}
	/* a session may hold bytes that the socket does not tell of */
	if (!(events & LOOP_READ) && peer->tls == NULL)
		return;
	count = peer->tls != NULL ? tls_receive(peer->tls, host->buffer, BUFFER_SIZE)
		: recv(peer->watch.fd, host->buffer, BUFFER_SIZE, MSG_DONTWAIT);
	if (count > 0)
		hear(peer, host->buffer, (size_t) count);
	else if (count == 0 || (errno != EAGAIN && errno != EINTR))
		end_broken(peer);
}

/* ---- life ---- */

static void
ping_due(void *arg)
{
	struct peer *peer = arg;
	struct peer_host *host = peer->host;

	if (peer->unanswered == PINGS_MAX)
	{
		end_broken(peer);
		return;
	}
	peer->unanswered++;
	loop_timer_set(host->loop, &peer->timer, host->ping_interval, ping_due, peer);
	send_bounded(peer, host->ping);
	if (peer->state == PEER_OPEN)
		host->pinged(peer);
}

bool
peer_open(struct peer *peer, struct peer_host *host, int fd, struct tls_channel *tls)
{
	int			on = 1;
	int			size = KERNEL_BUFFER;
	/* many that came at once shall not be pinged at once */
	uint64_t	first = host->ping_interval / 2 +
		(uint64_t) rand_r(&host->seed) % (host->ping_interval / 2 + 1);

	*peer = (struct peer) {.host = host, .watch = LOOP_WATCH_INIT};
	peer->tls = tls;
	if (tls != NULL)
		tls_move(tls, fd);
	/* the first event comes at once: a session may hold bytes already */
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size) < 0 ||
		!loop_watch_start(host->loop, &peer->watch, fd, tls != NULL ? LOOP_READ | LOOP_WRITE : LOOP_READ,
						  ready, peer))
	{
		tls_free(tls);
		close(fd);
		return false;
	}
	loop_timer_set(host->loop, &peer->timer, first, ping_due, peer);
	return true;
}

void
peer_hear(struct peer *peer, const char *bytes, size_t length)
{
	if (length > 0)
		hear(peer, (const uint8_t *) bytes, length);
}

bool
peer_host_start(struct peer_host *host)
{
	host->websocket = websocket_new();
	host->ping = host->websocket != NULL ? websocket_ping(host->websocket) : NULL;
	host->buffer = malloc(BUFFER_SIZE);
	host->seed = (unsigned) (uintptr_t) host;
	loop_hook_start(host->loop, &host->hook, before_wait, host);
	if (host->ping != NULL && host->buffer != NULL)
		return true;
	peer_host_stop(host);
	return false;
}

void
peer_host_stop(struct peer_host *host)
{
	loop_hook_stop(host->loop, &host->hook);
	frame_release(host->ping);
	websocket_free(host->websocket);
	free(host->buffer);
}
