/*
 * sentry_event.c - filling in a report, within its bounds.
 */
#include "sentry_event.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

void
sentry_event_begin(struct sentry_event *event, const char *level, const char *logger)
{
	struct timespec now;

	*event = (struct sentry_event) {.level = level, .logger = logger, .worker = -1};
	clock_gettime(CLOCK_REALTIME, &now);
	event->at = (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

void
sentry_event_step(struct sentry_event *event, uint64_t at, const char *category, bool is_error,
				  const char *format, ...)
{
	struct sentry_crumb *crumb;
	va_list		args;

	if (event->crumb_count == SENTRY_CRUMBS_MAX)
		return;
	crumb = &event->crumbs[event->crumb_count++];
	crumb->at = at;
	crumb->category = category;
	crumb->is_error = is_error;
	va_start(args, format);
	vsnprintf(crumb->message, sizeof crumb->message, format, args);
	va_end(args);
}

void
sentry_event_note(struct sentry_event *event, const char *name, const char *format, ...)
{
	struct sentry_note *note;
	va_list		args;

	if (event->note_count == SENTRY_NOTES_MAX)
		return;
	note = &event->notes[event->note_count++];
	note->name = name;
	va_start(args, format);
	vsnprintf(note->value, sizeof note->value, format, args);
	va_end(args);
}
