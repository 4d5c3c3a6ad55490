/*
 * crash_report.c - the process that reports a crash: from the note to an event, and to the server.
 *
 * The note comes from a process whose memory was not in order, so nothing in it is believed blindly.
 */
#include "crash.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "log.h"
#include "loop.h"
#include "sentry_post.h"

/* In ms; the crashed process waits a little longer. */
#define SEND_LIMIT 3000

struct reporter
{
	struct loop *loop;
	bool		sent;
	char		why[200];
};

static bool
read_note(struct crash_note *note)
{
	size_t		length = 0;

	while (length < sizeof *note)
	{
		ssize_t		n = read(STDIN_FILENO, (char *) note + length, sizeof *note - length);

		if (n <= 0)
			return false;
		length += (size_t) n;
	}
	note->route[sizeof note->route - 1] = '\0';
	note->request_id[sizeof note->request_id - 1] = '\0';
	return note->version == CRASH_NOTE_VERSION && note->frame_count <= CRASH_FRAMES_MAX;
}

/* Will there be a core file, and who gets it? */
static void
note_core(struct sentry_event *event)
{
	FILE	   *file = fopen("/proc/sys/kernel/core_pattern", "re");
	char		pattern[60] = "";
	struct rlimit limit;

	if (getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY)
		sentry_event_note(event, "core_limit", "unlimited");
	else if (getrlimit(RLIMIT_CORE, &limit) == 0)
		sentry_event_note(event, "core_limit", "%llu bytes", (unsigned long long) limit.rlim_cur);
	if (file != NULL && fgets(pattern, sizeof pattern, file) != NULL)
		sentry_event_note(event, "core_pattern", "%.*s", (int) strcspn(pattern, " \n"), pattern);
	if (file != NULL)
		fclose(file);
}

static void
describe(struct sentry_event *event, const struct crash_note *note)
{
	const char *name = sigabbrev_np(note->number);
	const char *meaning = sigdescr_np(note->number);

	sentry_event_begin(event, "fatal", "process");
	event->is_fatal = true;
	event->worker = note->worker;
	snprintf(event->type, sizeof event->type, "SIG%s", name != NULL ? name : "???");
	snprintf(event->text, sizeof event->text, "%s%s%s", meaning != NULL ? meaning : "an unknown signal",
			 note->route[0] != '\0' ? ", while it was at " : "", note->route);
	snprintf(event->group, sizeof event->group, "%s %s", event->type, note->route[0] != '\0' ? note->route : "-");
	event->request.route = note->route;
	snprintf(event->request.id, sizeof event->request.id, "%s", note->request_id);
	sentry_event_note(event, "signal", "%d", note->number);
	sentry_event_note(event, "signal_code", "%d", note->code);
	sentry_event_note(event, "process", "%lld", (long long) note->process);
	if (note->address != 0)
		sentry_event_note(event, "address", "0x%llx", (unsigned long long) note->address);
	note_core(event);
	memcpy(event->frames, note->frames, note->frame_count * sizeof note->frames[0]);
	event->frame_count = note->frame_count;
}

static void
answered(void *arg, const struct outbound_answer *answer)
{
	struct reporter *reporter = arg;

	reporter->sent = answer->status >= 200 && answer->status < 300;
	if (answer->status == 0)
		snprintf(reporter->why, sizeof reporter->why, "%s", answer->why);
	else
		snprintf(reporter->why, sizeof reporter->why, "the server answers %d", answer->status);
	loop_stop(reporter->loop);
}

static void
send_event(struct reporter *reporter, const struct config *config, const struct sentry_event *event)
{
	struct outbound *outbound = outbound_open(reporter->loop, 1);
	struct sentry_post post = {0};
	struct sentry_origin origin;

	sentry_origin_find(&origin, &config->sentry, config->sentry_environment);
	if (outbound != NULL &&
		sentry_post_begin(&post, outbound, &origin, event, SEND_LIMIT, answered, reporter))
		(void) loop_run(reporter->loop);	/* false: it was not sent, which is told */
	outbound_close(outbound);
	sentry_post_end(&post);
}

/* Send it and wait for what becomes of it; the exit status. */
static int
report(const struct config *config, const struct sentry_event *event)
{
	struct reporter reporter = {.why = "out of memory"};

	(void) signal(SIGPIPE, SIG_IGN);	/* it cannot fail for a signal that there is */
	reporter.loop = loop_create();
	if (reporter.loop != NULL)
		send_event(&reporter, config, event);
	loop_free(reporter.loop);
	if (!reporter.sent)
		log_event(LEVEL_WARN, "sentry_refused", "error", reporter.why, NULL);
	log_finish();
	return reporter.sent ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
crash_report(const struct config *config)
{
	struct crash_note note;
	struct sentry_event event;

	if (config->sentry.key == NULL || !read_note(&note))
		return EXIT_FAILURE;
	describe(&event, &note);
	log_event(LEVEL_ERROR, "crashed", "signal", event.type, "route", note.route, "request_id", note.request_id, NULL);
	return report(config, &event);
}

/* A variable of systemd's, which is a word. */
static const char *
said(const char *name)
{
	const char *value = getenv(name);

	return value != NULL ? value : "";
}

int
crash_report_end(const struct config *config)
{
	const char *result = said("SERVICE_RESULT");
	const char *status = said("EXIT_STATUS");
	struct sentry_event event;

	/* other signals have been reported by the process itself */
	if (config->sentry.key == NULL || strcmp(said("EXIT_CODE"), "killed") != 0 || strcmp(status, "KILL") != 0)
		return EXIT_SUCCESS;
	sentry_event_begin(&event, "fatal", "process");
	event.is_fatal = true;
	snprintf(event.type, sizeof event.type, "SIGKILL");
	snprintf(event.text, sizeof event.text, "the service was killed: %s",
			 strcmp(result, "oom-kill") == 0 ? "the system had no memory left for it"
			 : strcmp(result, "timeout") == 0 ? "it did not end in time"
			 : strcmp(result, "watchdog") == 0 ? "an event loop stood still" : "by hand, or by the system");
	snprintf(event.group, sizeof event.group, "SIGKILL %.32s", result);
	sentry_event_note(&event, "service_result", "%s", result);
	log_event(LEVEL_ERROR, "killed", "result", result, NULL);
	return report(config, &event);
}
