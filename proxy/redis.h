/*
 * redis.h - one asynchronous Redis connection on a loop.
 *
 * A connection finds its server (by its sentinels, if there are some), connects,
 * logs in, selects its database, and reconnects for ever with backoff and
 * jitter. Commands are pipelined. It knows nothing of what is stored: see
 * leaderboard.c and board.c. The program must ignore SIGPIPE.
 */
#ifndef TIMETRACKR_REDIS_H
#define TIMETRACKR_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop.h"
#include "redis_reply.h"
#include "redis_url.h"

/* Most commands that may wait for their answer on one connection. */
#define REDIS_OUTSTANDING_MAX 1024

/* Most scripts of the process. */
#define REDIS_SCRIPTS_MAX 16

struct redis;

/*
 * The answer to a command; NULL when the connection was lost or stayed silent
 * first: whether the command had an effect is unknown then. It is gone after the
 * call. May send commands, but must not close the connection.
 */
typedef void redis_done_fn(void *arg, const struct redis_reply *reply);

/* A Lua script, loaded on a connection at its first use there. Ids are dense and unique. */
struct redis_script
{
	int			id;				/* below REDIS_SCRIPTS_MAX */
	const char *source;
};

struct redis_options
{
	const struct config_redis *server;	/* must outlive the connection; host not NULL */
	const char *name;			/* in log lines; must outlive it too */
	struct redis_metrics *metrics;	/* what to count in; NULL: nothing is counted */
	uint64_t	silence_limit;	/* a command unanswered for this many ms makes the connection be dropped */
	/* Called when commands are welcome / no longer so; may be NULL. down() comes before any done(NULL). */
	void		(*up) (void *arg);
	void		(*down) (void *arg);
	void	   *arg;
};

/*
 * Start connecting (3 s at most a try; tried again after 100 ms, doubling up to 5 s, or
 * to 1 s with sentinels). A host that is a name is resolved blocking, at each try. With sentinels
 * only a server that says it is a master is used, and given up when they name another.
 * NULL when memory is out.
 */
struct redis *redis_open(struct loop *loop, const struct redis_options *options);

/* Close it. Commands in flight get done(NULL); up() and down() are not called any more. */
void		redis_close(struct redis *redis);

/* Is it up, so that commands will be taken? */
bool		redis_is_up(const struct redis *redis);

/* Why the last connection, or try, came to its end, for a person; "" when none has. No secrets. */
const char *redis_trouble(const struct redis *redis);

/*
 * Send a command of at least one and at most REDIS_WORDS_MAX (redis_wire.h) words; they are copied.
 * `lengths` are the words' bytes, or NULL for C strings. Returns false, without
 * calling done(), when the connection is not up, too many commands wait, or memory
 * is out. Else done() is called exactly once. Bytes leave at the end of the loop's pass.
 */
bool		redis_command(struct redis *redis, size_t count, const char *const *words,
						  const size_t *lengths, redis_done_fn *done, void *arg);

/*
 * Run a script with C strings, the first `key_count` of which are keys. As
 * redis_command(). An answer of kind REPLY_ERROR that begins with NOSCRIPT means that it
 * was not run; it will be loaded again with the next call.
 */
bool		redis_run(struct redis *redis, const struct redis_script *script, size_t key_count,
					  size_t count, const char *const *words, redis_done_fn *done, void *arg);

#endif
