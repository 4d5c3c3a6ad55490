/*
 * log.h - JSON log lines on standard error, one object a line.
 *
 * Lines are collected per thread and written within 50 ms (log_flush_old), or
 * at once with a warning or an error. Control bytes and broken UTF-8 are escaped.
 * Never hand a secret, a token, a connection string or a request parameter to it.
 */
#ifndef TIMETRACKR_LOG_H
#define TIMETRACKR_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level
{
	LEVEL_ERROR,
	LEVEL_WARN,
	LEVEL_INFO,
	LEVEL_DEBUG
};

/* Set the most talkative level that is still written. Call before any thread starts. */
void		log_set_level(enum log_level level);

/* Is this level written? To save the cost of preparing a line. */
bool		log_enabled(enum log_level level);

/*
 * Write one line: time, level, event and then pairs of (const char *key,
 * const char *value), ended by NULL. A NULL value is written as null. `event` is a
 * short fixed word such as "database_lost", to be searched for.
 *
 *   log_event(LEVEL_WARN, "database_lost", "lane", name, "error", why, NULL);
 */
void		log_event(enum log_level level, const char *event, ...)
			__attribute__((sentinel));

/* What is said about one answered request. */
struct log_request
{
	const char *method;
	const char *route;			/* the route's pattern, NULL when none matched */
	const char *target;			/* as received; its query is left out: it may hold a secret. NULL: none */
	const char *address;		/* the client's */
	const char *traceparent;	/* as received, or NULL */
	size_t		bytes;			/* of the answer's body, as far as it is known */
	const char *request_id;
	int			status;
	unsigned long long microseconds;	/* from its head to its answer */
	long long	user_id;		/* 0: anonymous */
};

/* Write the line of one request, at LEVEL_INFO. */
void		log_request(const struct log_request *request);

/* Write out what this thread has collected. */
void		log_flush(void);

/*
 * The same, once something was there for 50 ms: writing is a system call, and waits for the file. The loop's last hook
 * calls it with the time in ms, and again after as many ms as it returns, or before; -1: nothing is left.
 */
int			log_flush_old(uint64_t now);

/* The same, and free this thread's memory: the last call of a thread. */
void		log_finish(void);

/* What a library has to say, as an event of level debug whose name is `event`, a C string. */
void		log_library(void *event, const char *format, va_list args)
			__attribute__((format(printf, 2, 0)));

#endif
