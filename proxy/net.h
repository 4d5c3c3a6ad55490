/*
 * net.h - listening sockets.
 */
#ifndef TIMETRACKR_NET_H
#define TIMETRACKR_NET_H

#include <stdbool.h>
#include <stddef.h>

/* Unix sockets are told as unix:/path; the path has at most so many bytes. */
#define NET_UNIX "unix:"
#define NET_PATH_MAX 107

/* Is this host a Unix socket? */
bool		net_is_unix(const char *host);

/*
 * Open `count` sockets that listen on one address, which the kernel spreads
 * connections over (SO_REUSEPORT), or that share one Unix socket, which the proxy's user and
 * group may use. Sockets of that address that the process was started with are used instead.
 * *port 0 means any, and gets the one chosen. False, with nothing open and "NAME: why" in `why`, when the address is wrong or taken.
 */
bool		net_listen(const char *host, int *port, int *fds, int count, char *why, size_t why_size);

/* The same at a TCP address, but for sockets of a supervisor: these are net_listen()'s, and open until then. */
bool		net_listen_anew(const char *host, int *port, int *fds, int count, char *why, size_t why_size);

/* All sockets are closed: a Unix socket leaves its place. */
void		net_unlisten(const char *host);

/*
 * Can this address be listened on, apart from being taken just now (as by this very
 * program, running)? Else "NAME: why" in `why`.
 */
bool		net_check(const char *host, int port, char *why, size_t why_size);

/* Allow as many descriptors as the system lets this process have; returns that number. */
unsigned	net_raise_descriptor_limit(void);

#endif
