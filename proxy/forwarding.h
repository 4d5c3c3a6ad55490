/*
 * forwarding.h - WebSockets over TLS. The HTTP library keeps the TLS session, and
 * passes bytes on between it and one end of a pair of sockets, whose other end
 * the WebSocket has. It tells neither side when the other one has ended; this does.
 */
#ifndef TIMETRACKR_FORWARDING_H
#define TIMETRACKR_FORWARDING_H

#include <stdbool.h>

#include "connection.h"

struct forwarding;

/* Those of one worker; zeroed at first, but for over() and its argument. */
struct forwardings
{
	/* A WebSocket has ended: what the library calls its handle is to be closed. */
	void		(*over) (void *arg, void *handle);
	void	   *arg;
	struct forwarding *first;
};

/*
 * Watch the client's connection, and the WebSocket's end of the pair, of which it has a
 * duplicate: when the client has ended its direction the WebSocket is told, and
 * when the WebSocket has ended the direction in which it reads over() is called. It must
 * not end the other one: the library would notice too early, and then not
 * when it is told that all is over. False: the system refuses.
 */
bool		forwarding_start(struct forwardings *forwardings, struct connection *connection, int fd,
							 void *handle);

/* Call over() for all that are left. */
void		forwarding_end_all(struct forwardings *forwardings);

#endif
