/*
 * lane.h - a bounded queue in front of a few connections that serve alike.
 *
 * A worker has lanes for reads, writes, log-ins and what takes long, so that a
 * storm on one of them leaves the others alone. A lane decides what may be tried
 * again: reads whose connection was lost, and whatever the server rolled back because
 * of a serialization failure or a deadlock. A write whose outcome is unknown is
 * repeated only if it says that this does no harm.
 *
 * In a lane with batches, jobs wait while its connections are busy; then those
 * that wait share a transaction, and so a commit. They run in the order of the
 * users whose rows they lock, so that two batches cannot block each other. When one
 * of them fails, all are taken back, and each goes on its own in another lane: what
 * is answered never rests on what was taken back.
 *
 * A lane to a standby answers what it can, and leaves all else to the primary's lane: it
 * keeps no queue while its connection is down, and no error but a refusal is its last word. A lane without
 * connections is a waiting room, out of which jobs are passed on.
 */
#ifndef TIMETRACKR_LANE_H
#define TIMETRACKR_LANE_H

#include "db.h"

#define LANE_CONNECTIONS_MAX 4
#define LANE_BATCH_MAX 256

struct catalog_route;
struct lane;
struct lane_metrics;

struct lane_options
{
	const char *name;			/* "read": in log lines and application_name */
	const char *url;
	int			connections;
	size_t		depth;			/* most queries in flight on a connection */
	size_t		queue_limit;	/* most jobs that wait for one */
	uint64_t	statement_timeout;	/* ms */
	size_t		batch;			/* most jobs in a transaction, up to LANE_BATCH_MAX; 0: each has its own */
	struct lane *alone;			/* with batches, or of a standby: where jobs go that do not get on in this lane; outlives it */
	bool		standby;		/* its server is one */
	void		(*changed) (void *arg, bool is_up); /* a connection has come up, or is lost; NULL: not told */
	void	   *arg;
	const char *nice;			/* timetrackr.nice of its sessions: how far they stand back; NULL: not at all */
	struct lane_metrics *metrics;	/* what to count in */
	uint64_t	slow;			/* jobs that take so many ms are logged; 0: none */
	bool		only_reads;		/* jobs may be grouped, and repeated when the connection was lost */
};

/* One statement to run. Owned by the caller and untouched until done() was called. */
struct lane_job
{
	const struct db_statement *statement;
	int			value_count;
	const char *const *values;
	size_t		binary_length;	/* of the value that the statement takes in binary format */
	bool		repeatable;		/* its effect comes once even if it is sent twice: a read, or a write with a key */
	int64_t		user_id;		/* whose rows it locks, for a lane with batches */
	bool		stays;			/* nothing else but an answer of this lane, at its first try, is of use */
	/* Called once. result is NULL when it never ran, for lack of a connection. */
	void		(*done) (struct lane_job *job, struct db_result *result);
	/* Asked of a job that had to wait long: does anybody still want it? Else it is not run. */
	bool		(*is_wanted) (const struct lane_job *job);
	void	   *arg;
	const struct catalog_route *route;	/* for the log, as the next one; NULL: it is of none */
	const char *request_id;		/* NULL: of no request alone */
	struct lane *lane;			/* private from here */
	struct db_query query;
	uint64_t	need;			/* of a read: see reads.h */
	int			attempts;
	uint64_t	since;			/* µs: when it was submitted */
	int			connection;		/* in flight: on which one, */
	uint64_t	sent;			/* µs: since when, */
	size_t		rank;			/* as how manieth there, */
	bool		is_quick;		/* and as a short one? */
	bool		queued;			/* waits in the lane; otherwise it is in flight */
	bool		shares;			/* its transaction is that of others, too */
	struct lane_job *next;
};

/* Open the lane's connections on a loop; NULL when memory is out. */
struct lane *lane_open(struct loop *loop, const struct lane_options *options);

/* Close it. Every job is done: with NULL, or with DB_LOST when it was in flight. */
void		lane_close(struct lane *lane);

/*
 * Take a job. False, without calling done(), when the queue is full or no
 * connection has been up for a second or more.
 */
bool		lane_submit(struct lane *lane, struct lane_job *job);

/* Take back a job that still waits: done() will not be called. False: it is in flight. */
bool		lane_withdraw(struct lane_job *job);

/* Is at least one connection up? */
bool		lane_is_up(const struct lane *lane);

/* How many jobs wait or are in flight? */
size_t		lane_load(const struct lane *lane);

/* The job that waits longest; NULL: none does. */
const struct lane_job *lane_first(const struct lane *lane);

/* Let that job go on in another lane. */
void		lane_pass_on(struct lane *lane, struct lane *to);

#endif
