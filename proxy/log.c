/*
 * log.c - JSON log lines, collected per thread.
 */
#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "journal.h"
#include "text.h"
#include "trace.h"

/* Collected lines are written out when they reach this many bytes. */
#define FLUSH_AT 16384

/* Lines wait for others for at most so many ms. */
#define FLUSH_AFTER 50

/* More of a method or path is not logged, in bytes. */
#define METHOD_MAX 32
#define PATH_MAX_LOGGED 512

static enum log_level current_level = LEVEL_INFO;
static __thread struct text pending;
static __thread uint64_t pending_since; /* 0: nothing was there when last looked for */

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void
log_set_level(enum log_level level)
{
	current_level = level;
}

bool
log_enabled(enum log_level level)
{
	return level <= current_level;
}

/*
 * Standard error is where a failed write would be reported, so there is nobody
 * to tell: what cannot be written is dropped.
 */
void
log_flush(void)
{
	size_t		written = 0;

	while (written < pending.length)
	{
		ssize_t		n = write(STDERR_FILENO, pending.data + written, pending.length - written);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		written += (size_t) n;
	}
	text_reset(&pending);
	pending_since = 0;
}

int
log_flush_old(uint64_t now)
{
	if (pending.length == 0)
		return -1;
	if (pending_since == 0)
		pending_since = now;
	if (now - pending_since < FLUSH_AFTER)
		return (int) (FLUSH_AFTER - (now - pending_since));
	log_flush();
	return -1;
}

void
log_finish(void)
{
	log_flush();
	text_free(&pending);
}

/* Begin a line with time (UTC, ms), level and event. */
static void
begin_line(enum log_level level, const char *event)
{
	static __thread time_t last_second = -1;
	static __thread char second_text[sizeof "2000-01-01T00:00:00"];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec != last_second)
	{
		struct tm	utc;

		if (gmtime_r(&now.tv_sec, &utc) != NULL &&
			strftime(second_text, sizeof second_text, "%Y-%m-%dT%H:%M:%S", &utc) > 0)
			last_second = now.tv_sec;
	}
	text_add(&pending, journal_prefix(level));
	text_add_literal(&pending, "{\"time\":\"");
	text_add(&pending, second_text);
	text_add_char(&pending, '.');
	text_add_number(&pending, (unsigned long long) now.tv_nsec / 1000000, 3);
	text_add_literal(&pending, "Z\",\"level\":\"");
	text_add(&pending, level_names[level]);
	text_add_literal(&pending, "\",\"event\":");
	text_add_json(&pending, event);
}

static void
end_line(enum log_level level)
{
	text_add_bytes(&pending, "}\n", 2);
	if (pending.failed || level <= LEVEL_WARN || pending.length >= FLUSH_AT)
		log_flush();
}

void
log_event(enum log_level level, const char *event, ...)
{
	va_list		args;
	const char *key;

	if (!log_enabled(level))
		return;
	begin_line(level, event);
	va_start(args, event);
	while ((key = va_arg(args, const char *)) != NULL)
	{
		const char *value = va_arg(args, const char *);

		text_add_char(&pending, ',');
		text_add_json(&pending, key);
		text_add_char(&pending, ':');
		text_add_json(&pending, value);
	}
	va_end(args);
	end_line(level);
}

/*
 * Add the path of a target, cut where it gets too long. One that is not in the form of
 * a path is left out, as a user's name and password may be in it.
 */
static void
add_path(const char *target)
{
	text_add_literal(&pending, ",\"path\":");
	if (target == NULL || *target != '/')
		text_add_json(&pending, NULL);
	else
	{
		size_t		length = strcspn(target, "?#");

		text_add_json_bytes(&pending, target, length < PATH_MAX_LOGGED ? length : PATH_MAX_LOGGED);
	}
}

void
log_request(const struct log_request *request)
{
	struct trace trace;

	if (!log_enabled(LEVEL_INFO))
		return;
	begin_line(LEVEL_INFO, "request");
	text_add_literal(&pending, ",\"method\":");
	text_add_json_bytes(&pending, request->method, strnlen(request->method, METHOD_MAX));
	text_add_literal(&pending, ",\"route\":");
	text_add_json(&pending, request->route);
	add_path(request->target);
	text_add_literal(&pending, ",\"status\":");
	text_add_number(&pending, (unsigned long long) request->status, 1);
	text_add_literal(&pending, ",\"bytes\":");
	text_add_number(&pending, request->bytes, 1);
	text_add_literal(&pending, ",\"us\":");
	text_add_number(&pending, request->microseconds, 1);
	text_add_literal(&pending, ",\"address\":");
	text_add_json(&pending, request->address);
	text_add_literal(&pending, ",\"request_id\":");
	text_add_json(&pending, request->request_id);
	if (request->user_id > 0)
	{
		text_add_literal(&pending, ",\"user_id\":");
		text_add_number(&pending, (unsigned long long) request->user_id, 1);
	}
	if (trace_parse(&trace, request->traceparent))
	{
		text_add_literal(&pending, ",\"trace_id\":");
		text_add_json(&pending, trace.id);
		text_add_literal(&pending, ",\"parent_id\":");
		text_add_json(&pending, trace.parent);
	}
	end_line(LEVEL_INFO);
}

void
log_library(void *event, const char *format, va_list args)
{
	char		line[256];

	if (!log_enabled(LEVEL_DEBUG))
		return;
	vsnprintf(line, sizeof line, format, args);
	line[strcspn(line, "\n")] = '\0';
	log_event(LEVEL_DEBUG, event, "error", line, NULL);
}
