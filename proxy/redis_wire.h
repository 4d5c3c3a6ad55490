/*
 * redis_wire.h - what redis.c and sentinel.c need of hiredis, in their own
 * words: one socket, commands into it, replies out of it. redis_wire.c is the
 * only user of hiredis, and knows no loop and no state.
 */
#ifndef TIMETRACKR_REDIS_WIRE_H
#define TIMETRACKR_REDIS_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "redis_reply.h"

/* Most words of a command. */
#define REDIS_WORDS_MAX 32

struct redis_wire;

/*
 * Start to connect to a host, or to a socket when `host` begins with /. A name
 * is resolved blocking. NULL when memory is out. When redis_wire_error() is not NULL, it has
 * failed; else wait for the socket to be writable and ask redis_wire_connected().
 */
struct redis_wire *redis_wire_open(const char *host, int port);

void		redis_wire_close(struct redis_wire *wire);
int			redis_wire_socket(const struct redis_wire *wire);

/* The socket has become writable: is it connected? */
bool		redis_wire_connected(struct redis_wire *wire);

/* What went wrong with this connection for good; NULL: nothing. */
const char *redis_wire_error(const struct redis_wire *wire);

/*
 * Put a command of at least one word into the buffer; `lengths` are the words' bytes, or NULL
 * for C strings. False, and nothing was added: too many words, memory is out, or redis_wire_error().
 */
bool		redis_wire_append(struct redis_wire *wire, size_t count, const char *const *words,
							  const size_t *lengths);

/* Send what the socket takes; `all` says whether nothing is left. False: redis_wire_error(). */
bool		redis_wire_flush(struct redis_wire *wire, bool *all);

/* Read what the socket has. False: redis_wire_error(). */
bool		redis_wire_receive(struct redis_wire *wire);

/* Take the next whole reply, NULL: none yet; to be freed. False: redis_wire_error(). */
bool		redis_wire_next(struct redis_wire *wire, struct redis_reply **reply);
void		redis_wire_free_reply(struct redis_reply *reply);

#endif
