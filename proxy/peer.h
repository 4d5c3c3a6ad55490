/*
 * peer.h - a WebSocket connection on the loop: its socket, its queue, pings
 * and the closing handshake. What is said over it is its owner's business.
 */
#ifndef TIMETRACKR_PEER_H
#define TIMETRACKR_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frames.h"
#include "loop.h"
#include "websocket.h"

/*
 * Most bytes that wait for one peer, besides what the kernel holds. One that
 * lets more come up is too slow, and is closed.
 */
#define PEER_QUEUE_MAX (256 * 1024)
#define PEER_TOO_SLOW 4408

struct peer;
struct tls_channel;

/* What all peers of a worker share. */
struct peer_host
{
	struct loop *loop;
	uint64_t	ping_interval;	/* ms */
	/* A message came. */
	void		(*message) (struct peer *peer, const char *text, size_t length);
	/* All that waited was sent, after some of it had to wait for the socket. */
	void		(*drained) (struct peer *peer);
	/* It was pinged, once an interval. */
	void		(*pinged) (struct peer *peer);
	/* It has ended: free it. Not called within any function of this file that its owner calls. */
	void		(*ended) (struct peer *peer);
	_Atomic uint64_t *messages;	/* counts those sent */
	struct websocket *websocket;	/* for making frames; the rest is private */
	struct frame *ping;
	struct peer *unsent;		/* peers with something to send in this pass */
	struct loop_hook hook;
	unsigned	seed;
	uint8_t	   *buffer;
};

enum peer_state
{
	PEER_OPEN,
	PEER_CLOSING,				/* our close frame waits to be sent, or for its answer */
	PEER_LINGERING				/* all is said: the other side is to end the connection */
};

/* Embedded by its owner. The first fields are for reading. */
struct peer
{
	struct peer_host *host;
	enum peer_state state;
	int			code;			/* why it ended or will: the close code */
	bool		closed_by_peer; /* the other side was the first to close or to vanish */
	uint64_t	messages;		/* sent */
	struct frame_queue queue;	/* private from here */
	struct websocket_reader *reader;
	struct loop_watch watch;
	struct loop_timer timer;	/* the next ping, or the end of closing */
	struct peer *next_unsent;
	bool		is_unsent;
	struct tls_channel *tls;	/* NULL: none */
	bool		is_deaf;		/* what it still sends is dropped */
	bool		waited;			/* the socket was full */
	uint8_t		unanswered;		/* pings since the peer was heard */
};

/* Start a host whose public fields are filled in. False when memory is out. */
bool		peer_host_start(struct peer_host *host);

/* Free what it holds; no peer is left. */
void		peer_host_stop(struct peer_host *host);

/*
 * Begin with a connected, nonblocking socket, which it takes over, and so `tls` (NULL: none). False: the
 * system refuses, the socket is closed, and ended() is not called.
 */
bool		peer_open(struct peer *peer, struct peer_host *host, int fd, struct tls_channel *tls);

/* Bytes were read from the socket before it came here. message() may be called within. */
void		peer_hear(struct peer *peer, const char *bytes, size_t length);

/* Send a message, at the end of this pass; it is held meanwhile. Does nothing once it is closing. */
void		peer_send(struct peer *peer, struct frame *frame);

/* Bytes that wait to be sent. */
size_t		peer_waiting(const struct peer *peer);

/* Close it with a code and a reason, behind what waits; ended() follows. Once closing, it does nothing. */
void		peer_close(struct peer *peer, int code, const char *reason);

/* End it at once, without a word. ended() is not called. */
void		peer_drop(struct peer *peer);

#endif
