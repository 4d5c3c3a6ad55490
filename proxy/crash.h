/*
 * crash.h - a signal that ends the process (SIGSEGV, SIGABRT …) is reported to Sentry.
 *
 * Whatever crashed cannot be trusted to send anything. So the process starts itself anew, as another one that
 * does nothing but report (`--report-crash`), waits for that a moment, and then ends by the signal
 * as it would have done.
 */
#ifndef TIMETRACKR_CRASH_H
#define TIMETRACKR_CRASH_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"

#define CRASH_FRAMES_MAX 32

/* What the crashed process says, through a pipe. */
struct crash_note
{
	uint32_t	version;		/* CRASH_NOTE_VERSION */
	int			number;			/* of the signal */
	int			code;			/* why it came: si_code */
	int			worker;			/* number of the event loop; -1: another thread */
	int64_t		process;
	uint64_t	address;		/* that was touched; 0: it is about none */
	char		route[128];		/* of the request at work; empty: none */
	char		request_id[65];
	uint32_t	frame_count;
	uint64_t	frames[CRASH_FRAMES_MAX];	/* offsets into the program, innermost first */
};

#define CRASH_NOTE_VERSION 1

/* From now on signals that end the process are reported. To be called before any thread starts. */
void		crash_watch(void);

/* Of each event loop's thread: how it is called, and a stack for the moment when its own is full. */
void		crash_enter_thread(int worker);
void		crash_leave_thread(void);

/* What this thread is at: a request's route and id, which must stay as long as it is. NULL: nothing that has a name. */
void		crash_at(const char *route, const char *request_id);

/* The other process: read the note from standard input, and report it. The exit status. */
int			crash_report(const struct config *config);

/*
 * Of a process that could not say anything any more (SIGKILL, for lack of memory perhaps): systemd tells its
 * ExecStopPost= in the environment how the service ended. Reports that, unless it is fine or reported already.
 */
int			crash_report_end(const struct config *config);

#endif
