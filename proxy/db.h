/*
 * db.h - one asynchronous PostgreSQL connection on a loop.
 *
 * A connection connects, sets its session up, and reconnects for ever with
 * backoff and jitter. While it is up it takes queries: they are pipelined in
 * the order given; each is its own transaction (a sync point follows each)
 * unless it says otherwise or the session is inside an explicit BEGIN. Lanes for requests (queues,
 * retries) are built on it in lane.c; the relay holds one of its own, for
 * LISTEN, advisory locks and BEGIN … COMMIT sequences.
 */
#ifndef TIMETRACKR_DB_H
#define TIMETRACKR_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop.h"

/* Most prepared statements a connection may hold. */
#define DB_STATEMENTS_MAX 256

struct db;
struct db_result;
struct pg_result;

enum db_outcome
{
	DB_OK,						/* done; rows may follow */
	DB_ERROR,					/* the server refused it, it had no effect: see the error fields */
	DB_LOST,					/* connection lost after sending: outcome unknown */
	DB_SKIPPED					/* not run, or taken back, because of an error in its group */
};

/*
 * A statement prepared on a connection at its first use there. Ids are dense,
 * unique in the process and below DB_STATEMENTS_MAX; it lives as long as connections do.
 */
struct db_statement
{
	int			id;
	const char *sql;
	int			binary_value;	/* the $n that is sent in binary format; 0: all are text */
	bool		binary_result;	/* its columns come in binary format, which of text is the same */
	bool		tells_refusals; /* by a row, whose last columns are sqlstate, message, detail and hint; else they are NULL */
};

/* One query. The caller owns it, and it must stay untouched until done() was called. */
struct db_query
{
	const struct db_statement *statement;	/* or NULL: then `sql`, one statement */
	const char *sql;
	int			value_count;
	const char *const *values;	/* in text format, NULL is SQL NULL; copied when sent */
	size_t		binary_length;	/* of the statement's value in binary format */
	/*
	 * It only reads: it may form a group with its neighbours, which goes over
	 * the wire in one piece; then an error of one skips those after it.
	 */
	bool		grouped;
	/*
	 * The next query that is sent belongs to the same transaction. All of them have
	 * their effect or none has, and all are reported once it is known which.
	 */
	bool		joined;
	/* Called exactly once. The result is gone afterwards unless kept. May send further queries. */
	void		(*done) (struct db_query *query, struct db_result *result);
	void	   *arg;
	bool		prepares;		/* private: its Parse has not succeeded yet */
	int			parts;			/* private: commands of it that are not answered yet */
	struct pg_result *rows;		/* private: its result so far */
	bool		is_error;		/* private: that is an error */
	bool		is_skipped;		/* private: it was not run */
	struct db_query *next;		/* private */
};

struct db_options
{
	const char *url;			/* libpq connection string or URL; copied. Its hosts are tried in turn */
	const char *name;			/* application_name, and in log lines; copied */
	/*
	 * Session settings as name, value, …, NULL, applied after the built-in
	 * ones (TimeZone=UTC, DateStyle=ISO, plan_cache_mode, jit=off, …). Must outlive it; at most 8.
	 */
	const char *const *settings;
	/* A standby will do, too. Else it must be the primary, unless the URL has another target_session_attrs. */
	bool		any_server;
	/* An unanswered query makes the connection be dropped after this many ms; 0: never. */
	uint64_t	silence_limit;
	/* Called when queries are welcome / no longer so. down() comes before any done(DB_LOST). */
	void		(*up) (void *arg);
	void		(*down) (void *arg, const char *why);
	/* No host could be connected to; another attempt follows. NULL: each is logged. */
	void		(*refused) (void *arg, const char *why);
	/* A NOTIFY that this session listens for; NULL when it listens for none. */
	void		(*notified) (void *arg, const char *channel, const char *payload);
	void	   *arg;
};

/*
 * From now on statements may be planned for the values of an execution, as a database of several nodes
 * needs it. To be called before there are connections, and threads.
 */
void		db_plan_by_values(void);

/*
 * Start connecting. NULL only when memory is out. A connection that is refused by the last
 * host is tried again after 100 ms, doubling up to 5 s, or with several hosts to 1 s.
 */
struct db  *db_open(struct loop *loop, const struct db_options *options);

/*
 * Close it. Queries in flight get done(DB_LOST); up(), down() are not called any more.
 * Not to be called from within done(), up(), down() or notified().
 */
void		db_close(struct db *db);

/* Is it up, so that db_send() will take a query? */
bool		db_is_up(const struct db *db);

/* How many queries are in flight? */
size_t		db_in_flight(const struct db *db);

/* For how many ms is the oldest of these the oldest? */
uint64_t	db_waits_for(const struct db *db);

/*
 * Send a query. Returns false, without calling done(), when the connection is
 * not up or libpq refuses it. Bytes leave at the end of the present loop pass,
 * together with those of other queries.
 */
bool		db_send(struct db *db, struct db_query *query);

/* Drop the connection and connect again, e.g. because its session state is in doubt. */
void		db_reconnect(struct db *db, const char *why);

/* What became of the query. */
enum db_outcome db_result_outcome(const struct db_result *result);

/* Rows of a DB_OK result. */
int			db_result_rows(const struct db_result *result);

/* A value as text, NULL for SQL NULL; and its length in bytes. */
const char *db_result_value(const struct db_result *result, int row, int column);
size_t		db_result_length(const struct db_result *result, int row, int column);

/* Fields of a DB_ERROR result; "" when the server did not send that one. */
const char *db_error_sqlstate(const struct db_result *result);
const char *db_error_message(const struct db_result *result);
const char *db_error_detail(const struct db_result *result);
const char *db_error_constraint(const struct db_result *result);
const char *db_error_column(const struct db_result *result);
const char *db_error_hint(const struct db_result *result);

/* Keep a result beyond done(); NULL when memory is out. Free it with db_result_free(). */
struct db_result *db_result_keep(struct db_result *result);
void		db_result_free(struct db_result *result);

/*
 * The number of the process that serves the session, as the server told at the beginning. Behind a pooler it is
 * another one than pg_backend_pid() says. To be called while it is up.
 */
int			db_server_process(const struct db *db);

/* Most hosts that a connection string may name. */
#define DB_HOSTS_MAX 8

/* Is this a connection string that libpq can parse, with as many ports as hosts or one? Else one line in `why`, without secrets. */
bool		db_url_is_valid(const char *url, char *why, size_t why_size);

/*
 * For each host of a valid connection string one that names it alone. Returns how many; each is to be given to
 * db_url_free(). 0: memory is out.
 */
size_t		db_url_hosts(const char *url, char *urls[DB_HOSTS_MAX]);
void		db_url_free(char *url);

#endif
