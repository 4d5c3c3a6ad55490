/*
 * sentinel.h - asks Redis Sentinels which server is the master.
 *
 * Sentinels are small servers that watch a master with its replicas, and make
 * a replica the master when most of them miss the old one. A client is to ask
 * them before every connection; each knows, but may be away or behind. Whoever
 * asks must check for itself that what he was told of is a master (ROLE).
 * Where the setting names no sentinels, the answer is the server it names.
 */
#ifndef TIMETRACKR_SENTINEL_H
#define TIMETRACKR_SENTINEL_H

#include <stdbool.h>

#include "loop.h"
#include "redis_url.h"

/* Longest host that is taken from a sentinel, with its NUL. */
#define SENTINEL_HOST_MAX 256

struct sentinel;

/*
 * The master's address. host NULL: no sentinel could tell, and `why` says what
 * the last one did. Both are gone after the call.
 */
typedef void sentinel_done_fn(void *arg, const char *host, int port, const char *why);

/* Make one; it connects to nothing yet. `server` must outlive it. NULL when memory is out. */
struct sentinel *sentinel_open(struct loop *loop, const struct config_redis *server,
							   sentinel_done_fn *done, void *arg);

/* Close it; done() is not called any more. */
void		sentinel_close(struct sentinel *sentinel);

/*
 * Ask one sentinel after the other, each for a second at most, beginning with the one that
 * knew last. done() is called once, not within this call. Asking again begins anew.
 */
void		sentinel_ask(struct sentinel *sentinel);

/* Do not ask on; done() will not be called. */
void		sentinel_stop(struct sentinel *sentinel);

/* What was told last was of no use: begin with another sentinel the next time. */
void		sentinel_doubt(struct sentinel *sentinel);

#endif
