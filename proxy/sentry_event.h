/*
 * sentry_event.h - what is reported of one error, before it is written down.
 *
 * It has no pointers but to literals, so that it may be copied into a queue without memory of its own.
 */
#ifndef TIMETRACKR_SENTRY_EVENT_H
#define TIMETRACKR_SENTRY_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SENTRY_CRUMBS_MAX 8
#define SENTRY_NOTES_MAX 8
#define SENTRY_FRAMES_MAX 32

/* One step on the way to the error. */
struct sentry_crumb
{
	uint64_t	at;				/* µs since 1970 */
	const char *category;		/* a literal, such as "database" */
	bool		is_error;
	char		message[96];
};

/* Something more that is known of it. */
struct sentry_note
{
	const char *name;			/* a literal */
	char		value[64];
};

/* The request that failed; no method: it was in none. Nothing here is secret: see docs/errors.md. */
struct sentry_request
{
	const char *method;			/* a literal */
	const char *route;			/* its pattern; lives as long as the process */
	bool		is_https;
	char		path[256];
	char		query[256];		/* names=[Filtered]&… */
	char		host[128];
	char		user_agent[256];
	char		accept[128];
	char		content_type[64];
	char		id[65];
	char		trace_id[33];	/* empty: none */
	char		parent_id[17];
	int			status;
	int64_t		user_id;		/* 0: anonymous */
};

struct sentry_event
{
	uint64_t	at;				/* µs since 1970 */
	const char *level;			/* literals: "fatal", "error" */
	const char *logger;			/* "http", "relay", "process" */
	bool		is_fatal;		/* nobody handled it: the process ended */
	char		group[256];		/* what has the same is one issue */
	char		type[64];		/* a class of errors, as a title */
	char		text[400];		/* what happened */
	char		code[64];		/* of the answer; empty: none */
	char		sqlstate[6];	/* empty: none */
	int			worker;			/* number of the event loop; -1: none */
	uint64_t	repeated;		/* times that the same happened since it was reported last */
	struct sentry_request request;
	struct sentry_crumb crumbs[SENTRY_CRUMBS_MAX];
	size_t		crumb_count;
	struct sentry_note notes[SENTRY_NOTES_MAX];
	size_t		note_count;
	uint64_t	frames[SENTRY_FRAMES_MAX];	/* where a crash was, innermost first: offsets into the program */
	size_t		frame_count;
};

/* Begin one, of now. Level and logger are literals. */
void		sentry_event_begin(struct sentry_event *event, const char *level, const char *logger);

/* Add a step; what is too much is left out. `format` is as printf()'s. */
void		sentry_event_step(struct sentry_event *event, uint64_t at, const char *category, bool is_error,
							  const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Add a note, likewise. */
void		sentry_event_note(struct sentry_event *event, const char *name, const char *format, ...)
			__attribute__((format(printf, 3, 4)));

#endif
