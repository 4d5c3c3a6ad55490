/*
 * channel.h - a connection of a lane, with group commit where it writes.
 *
 * A commit waits for the disk for milliseconds, and a connection can do nothing
 * else meanwhile. So on a channel with group commit each query is committed
 * without waiting (synchronous_commit = off), and a barrier follows: one tiny
 * transaction that waits as the server is set to, for everything before it. A
 * success is reported only when a barrier behind it has come back: nothing is
 * acknowledged that a crash could undo, and each query still is a transaction of its own.
 */
#ifndef TIMETRACKR_CHANNEL_H
#define TIMETRACKR_CHANNEL_H

#include "db.h"

struct channel;

/* A query of a channel; the same rules as for struct db_query. */
struct channel_query
{
	const struct db_statement *statement;
	int			value_count;
	const char *const *values;
	bool		grouped;		/* it only reads */
	void		(*done) (struct channel_query *query, struct db_result *result);
	void	   *arg;
	struct channel *channel;	/* private from here */
	struct db_query query;
	struct db_result *held;		/* a success that waits for its barrier */
	struct channel_query *next;
};

/* The strings must outlive the channel. */
struct channel_options
{
	const char *url;
	const char *name;
	const char *const *settings;	/* as in struct db_options */
	uint64_t	silence_limit;	/* ms */
	bool		group_commit;
	void		(*up) (void *arg);	/* queries are welcome */
	void		(*down) (void *arg);
	void	   *arg;
};

/*
 * Open it. With group commit it adds a hook to the loop, which has to run before
 * the connection's own: so open it before anything else that sends on it. NULL when memory is out.
 */
struct channel *channel_open(struct loop *loop, const struct channel_options *options);

/* Close it: queries in flight get done(DB_LOST). */
void		channel_close(struct channel *channel);

bool		channel_is_up(const struct channel *channel);

/* How many queries are in flight or wait for their barrier? */
size_t		channel_load(const struct channel *channel);

/* Send a query; false, without calling done(), when the channel is not up. */
bool		channel_send(struct channel *channel, struct channel_query *query);

#endif
