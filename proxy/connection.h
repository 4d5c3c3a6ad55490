/*
 * connection.h - a TCP connection's clock, and answers that go out past the
 * HTTP library: for clients that are too slow, or that it cannot understand.
 */
#ifndef TIMETRACKR_CONNECTION_H
#define TIMETRACKR_CONNECTION_H

#include <stdbool.h>

#include "client_address.h"
#include "request.h"
#include "service.h"

/* What is waited for. Each has its limit; past it the connection ends. */
enum connection_phase
{
	CONNECTION_HEAD,			/* the head of a request, from its first byte on */
	CONNECTION_BODY,
	CONNECTION_ANSWER,			/* the request's own deadline counts, not ours */
	CONNECTION_SENDING,			/* the client reads the answer */
	CONNECTION_IDLE,			/* the next request */
	CONNECTION_LINGER			/* the client notices that it was cut off */
};

/* A body that is too long is read on and dropped for so many bytes, so that the client sees the answer. */
#define CONNECTION_DROP_MAX (1024 * 1024)

struct tls_channel;

struct connection
{
	struct service *service;
	int			fd;
	struct request *request;	/* the one under way, NULL between two; not owned */
	bool		is_over;		/* a raw answer was sent: nothing else will be */
	bool		ends;			/* with the present answer: nothing more is read as a request */
	enum connection_phase phase;
	size_t		received;		/* bytes of a body since its clock was started */
	size_t		dropped;		/* bytes of the body that nobody reads */
	struct loop_timer timer;
	uint64_t	deadline;		/* ms: when the limit of the phase has come */
	void	   *session;		/* of TLS; NULL: none */
	struct tls_identity *identity;	/* that the session uses */
	bool		is_counted;		/* among those of its address */
	struct client_address address;
	char		peer[CLIENT_ADDRESS_TEXT];	/* the same as text */
	char		group[CLIENT_ADDRESS_TEXT];	/* whom limits take for one client */
};

/* May an address have one connection more? `address` may be NULL. When not, that is logged, but not each time. */
bool		connection_is_welcome(struct service *service, const struct sockaddr *address);

/*
 * Start the clock of a new connection, whose head is waited for. `address` may be
 * NULL, and so is `session` without TLS.
 */
void		connection_start(struct connection *connection, struct service *service, int fd,
							 const struct sockaddr *address, void *session);

/* It is about to be closed: stop its clock, and linger if it was we who ended it. */
void		connection_stop(struct connection *connection);

/* The connection enters another phase, which has a clock of its own. */
void		connection_enter(struct connection *connection, enum connection_phase phase);

/* Of an upgrade: take its TLS session away from the library; *tls is NULL without TLS. False: memory is out. */
bool		connection_take_session(struct connection *connection, struct tls_channel **tls);

/* Has the client not ended the connection, nor its direction of it? */
bool		connection_is_there(const struct connection *connection);

/*
 * Take a piece of the request's body: a long one has its time limit for each 256 KiB;
 * one that is too long is dropped for a while, then cut off.
 */
void		connection_take_body(struct connection *connection, const char *data, size_t length);

/*
 * Send the answer of a request that is refused, and end our direction. What the
 * client still sends is to be read and dropped until it has noticed, for closing at once
 * would reset the connection before the answer is read.
 */
void		connection_send_raw(struct connection *connection, const struct request *request);

/* Refuse what is under way with this status, of HTTP's own, in the same way. */
void		connection_refuse(struct connection *connection, int status);

#endif
