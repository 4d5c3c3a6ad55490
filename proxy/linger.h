/*
 * linger.h - sockets that the HTTP side has closed while the client may still
 * send: what comes is read and dropped for a while. To close at once would reset
 * the connection, and the client would lose the answer that it has not read yet.
 */
#ifndef TIMETRACKR_LINGER_H
#define TIMETRACKR_LINGER_H

#include "loop.h"

/* So many at most. */
#define LINGER_MAX 64

struct lingerer;

/* Those of one worker; zeroed at first. */
struct lingering
{
	struct lingerer *first;
	unsigned	count;
};

/*
 * End a socket's sending direction, and keep a duplicate of it until the client ends its own, for 2 s and 1 MiB at most. Where that cannot be done (too many of them,
 * no memory) nothing happens: the client then may see a reset.
 */
void		linger_start(struct lingering *lingering, struct loop *loop, int fd);

/* Close them all. */
void		linger_end_all(struct lingering *lingering);

#endif
