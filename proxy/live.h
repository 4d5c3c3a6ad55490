/*
 * live.h - GET /live once the connection has become a WebSocket: the clients
 * of one worker, what they are told, and what they may say.
 *
 * A client names its user by a token, may resume after the last event it has
 * seen, and follows projects. It is told of events in the order of their ids, each once.
 */
#ifndef TIMETRACKR_LIVE_H
#define TIMETRACKR_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "live_quota.h"
#include "service.h"

/* Close codes besides those of RFC 6455 (websocket.h) and PEER_TOO_SLOW. */
#define LIVE_UNAUTHORIZED 4401
#define LIVE_TOO_MANY 4429

struct live;
struct tls_channel;

/* A connection that has just left HTTP. */
struct live_opening
{
	int			fd;				/* nonblocking; taken over */
	struct tls_channel *tls;	/* NULL: none; taken over */
	const char *bytes;			/* that were read already */
	size_t		length;
	const char *request_id;		/* of its handshake */
	int64_t		user_id;		/* 0: the token comes as the first message */
	int64_t		expires;		/* the token: seconds since 1970 */
	int64_t		after;			/* resume after this event; -1: begin now */
};

/* NULL when memory is out. The service has its feed already. */
struct live *live_new(struct service *service, struct live_quota *quota);

/*
 * Reserve a place for a connection of this user (0: not known yet) / give it
 * back unused. False: there is none, or the worker is shutting down.
 */
bool		live_reserve(struct live *live, int64_t user_id);
void		live_unreserve(struct live *live, int64_t user_id);

/* Take over a connection, and the place reserved for it. */
void		live_open(struct live *live, const struct live_opening *opening);

/* Close all connections, and call done(arg) when none is left: within seconds, whatever they do. */
void		live_drain(struct live *live, void (*done) (void *arg), void *arg);

/* Drop all connections at once, before the lanes are closed; the feed is not listened to any more. */
void		live_stop(struct live *live);

/* Free it, after live_stop(), when the lanes are closed. */
void		live_free(struct live *live);

#endif
