/*
 * http.h - HTTP/1.1 on a listening socket, for one worker; the only user of
 * libmicrohttpd. Parses, reads bodies, sends answers, and keeps time for connections.
 */
#ifndef TIMETRACKR_HTTP_H
#define TIMETRACKR_HTTP_H

#include <stdbool.h>

#include "service.h"

struct http;

/*
 * Serve on a listening, nonblocking socket, which it takes over. At most
 * `connections` at a time; more wait in the socket's queue. It has to come before
 * lanes are opened on the loop, so that what it starts in a pass is sent in
 * that pass. NULL when libmicrohttpd refuses.
 */
struct http *http_create(struct service *service, int listen_fd, unsigned connections);

/*
 * Take no more connections, let the requests under way finish, and call done(arg)
 * when none is left; answers end their connections from now on.
 */
void		http_drain(struct http *http, void (*done) (void *arg), void *arg);

/* Answer what is left with 503, and close all connections. */
void		http_free(struct http *http);

#endif
