/*
 * relay_report.c - the relay's troubles as reports.
 */
#include "relay_report.h"

#include <stdio.h>

#include "sentry.h"
#include "sentry_scrub.h"

/* Title, issue and text; a message that is not for others is replaced. */
static void
describe(struct sentry_event *event, const char *type, const char *sqlstate, const char *message)
{
	snprintf(event->type, sizeof event->type, "%s", type);
	snprintf(event->sqlstate, sizeof event->sqlstate, "%s", sqlstate);
	snprintf(event->group, sizeof event->group, "%s %s", type, sqlstate);
	if (*sqlstate == '\0')
		sentry_scrub(event->text, sizeof event->text, message);
	else if (!sentry_scrub_error(event->text, sizeof event->text, sqlstate, message))
		snprintf(event->text, sizeof event->text, "PostgreSQL has refused a statement; its log says why");
}

void
relay_report_deaths(struct sentry *sentry, long events, const char *sqlstate, const char *message)
{
	struct sentry_event event;

	sentry_event_begin(&event, "error", "relay");
	describe(&event, "relay_event_dead", sqlstate, message);
	sentry_event_note(&event, "dead_events", "%ld", events);
	sentry_report(sentry, &event);
}

static void
lasts(void *arg)
{
	struct relay_trouble *trouble = arg;
	struct sentry_event event;

	sentry_event_begin(&event, "error", "relay");
	describe(&event, "relay_stuck", trouble->sqlstate, trouble->message);
	sentry_event_note(&event, "seconds", "%llu",
					  (unsigned long long) (loop_now(trouble->loop) - trouble->since) / 1000);
	sentry_report(trouble->sentry, &event);
	loop_timer_set(trouble->loop, &trouble->timer, RELAY_TROUBLE_INTERVAL, lasts, trouble);
}

void
relay_trouble_begin(struct relay_trouble *trouble, const char *sqlstate, const char *message)
{
	if (trouble->sentry == NULL)
		return;
	snprintf(trouble->sqlstate, sizeof trouble->sqlstate, "%s", sqlstate);
	snprintf(trouble->message, sizeof trouble->message, "%s", message);
	if (trouble->timer.active)
		return;
	trouble->since = loop_now(trouble->loop);
	loop_timer_set(trouble->loop, &trouble->timer, trouble->limit, lasts, trouble);
}

void
relay_trouble_end(struct relay_trouble *trouble)
{
	loop_timer_stop(trouble->loop, &trouble->timer);
}
