/*
 * redis.h - one asynchronous Redis connection on a loop; the only user of hiredis.
 *
 * A connection connects, logs in, selects its database, and reconnects for
 * ever with backoff and jitter. Commands are pipelined. It knows nothing of
 * what is stored: see leaderboard.c and board.c. The program must ignore SIGPIPE.
 */
#ifndef TIMETRACKR_REDIS_H
#define TIMETRACKR_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "loop.h"

/* Most commands that may wait for their answer on one connection. */
#define REDIS_OUTSTANDING_MAX 1024

/* Most words of a command; most scripts of the process. */
#define REDIS_WORDS_MAX 32
#define REDIS_SCRIPTS_MAX 16

struct redis;
struct redis_reply;

enum redis_kind
{
	REPLY_NIL,
	REPLY_TEXT,					/* a string or a status */
	REPLY_NUMBER,
	REPLY_LIST,
	REPLY_ERROR
};

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
	uint64_t	silence_limit;	/* a command unanswered for this many ms makes the connection be dropped */
	/* Called when commands are welcome / no longer so; may be NULL. down() comes before any done(NULL). */
	void		(*up) (void *arg);
	void		(*down) (void *arg);
	void	   *arg;
};

/*
 * Start connecting (3 s at most a try; tried again after 100 ms, doubling up to
 * 5 s). A host that is a name is resolved blocking, at each try. NULL when memory is out.
 */
struct redis *redis_open(struct loop *loop, const struct redis_options *options);

/* Close it. Commands in flight get done(NULL); up() and down() are not called any more. */
void		redis_close(struct redis *redis);

/* Is it up, so that commands will be taken? */
bool		redis_is_up(const struct redis *redis);

/*
 * Send a command of at least one and at most REDIS_WORDS_MAX words; they are copied.
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

enum redis_kind redis_reply_kind(const struct redis_reply *reply);

/* Text of REPLY_TEXT and REPLY_ERROR, ended by a NUL, else "". */
const char *redis_reply_text(const struct redis_reply *reply);

/* Is this REPLY_TEXT, and the very same text? */
bool		redis_reply_is(const struct redis_reply *reply, const char *text);

/* Elements of REPLY_LIST: how many (else 0), and one of them (index below that). */
size_t		redis_reply_count(const struct redis_reply *reply);
const struct redis_reply *redis_reply_element(const struct redis_reply *reply, size_t index);

#endif
