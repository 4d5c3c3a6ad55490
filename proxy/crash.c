/*
 * crash.c - the moment of a crash.
 *
 * A signal handler may call little: no malloc(), no stdio, no locks. backtrace() is called once
 * beforehand, so that it need not load what it is made of; if something should hang all the
 * same, an alarm ends the process.
 */
#include "crash.h"

#include <execinfo.h>
#include <link.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ALARM_AFTER 6			/* s */
#define WAIT_STEP 10000000		/* ns */
#define WAIT_STEPS 400
#define STACK_SIZE 65536

static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP};

#define SIGNAL_COUNT (sizeof signals / sizeof signals[0])

static bool watching;
static uintptr_t program_start; /* where the program was loaded to, and where it ends */
static uintptr_t program_end;
static _Thread_local int this_worker = -1;
static _Thread_local const char *this_route;
static _Thread_local const char *this_request;
static _Thread_local void *this_stack;

extern char **environ;

void
crash_at(const char *route, const char *request_id)
{
	this_route = route;
	this_request = request_id;
}

/* ---- in the handler ---- */

static void
copy(char *out, size_t size, const char *text)
{
	size_t		length = text != NULL ? strnlen(text, size - 1) : 0;

	memcpy(out, text != NULL ? text : "", length);
	out[length] = '\0';
}

static bool
is_in_program(const void *address)
{
	return (uintptr_t) address >= program_start && (uintptr_t) address < program_end;
}

/* Where the thread was. The frames of the handler end where the system's own begins, which is in no program. */
static void
note_frames(struct crash_note *note)
{
	void	   *frames[CRASH_FRAMES_MAX + 8];
	int			count = backtrace(frames, CRASH_FRAMES_MAX + 8);
	int			at = 0;

	while (at < count && is_in_program(frames[at]))
		at++;
	for (; at < count && note->frame_count < CRASH_FRAMES_MAX; at++)
		if (is_in_program(frames[at]))
			note->frames[note->frame_count++] = (uintptr_t) frames[at] - program_start;
}

/* In the new process, which has everything of the crashed one but its memory's good order. */
static _Noreturn void
become_reporter(int pipe_end)
{
	static char name[] = "timetrackr-proxy";
	static char command[] = "--report-crash";
	char	   *arguments[] = {name, command, NULL};
	sigset_t	none;

	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) == 0 && dup2(pipe_end, STDIN_FILENO) >= 0 &&
		close_range(3, ~0U, 0) == 0)
		execve("/proc/self/exe", arguments, environ);
	_exit(EXIT_FAILURE);
}

/* Wait until it has ended, but not for ever. */
static void
wait_for(pid_t child)
{
	const struct timespec step = {.tv_nsec = WAIT_STEP};

	for (int i = 0; i < WAIT_STEPS; i++)
	{
		if (waitpid(child, NULL, WNOHANG) != 0)
			return;
		nanosleep(&step, NULL);
	}
	kill(child, SIGKILL);
}

static void
report(const struct crash_note *note)
{
	int			ends[2];
	pid_t		child;

	if (pipe(ends) != 0)
		return;
	/* fork() would run what libraries do at a fork, and wait for their locks */
	child = _Fork();
	if (child == 0)
		become_reporter(ends[0]);
	close(ends[0]);
	/* it fits into the pipe */
	if (child > 0 && write(ends[1], note, sizeof *note) == (ssize_t) sizeof *note)
	{
		close(ends[1]);
		wait_for(child);
	}
}

static void
crashed(int number, siginfo_t *info, void *context)
{
	static atomic_flag taken = ATOMIC_FLAG_INIT;
	static struct crash_note note;	/* zeroed, and of no use twice */

	(void) context;
	while (atomic_flag_test_and_set(&taken))
		pause();				/* another thread was first, and ends the process */
	alarm(ALARM_AFTER);
	note.version = CRASH_NOTE_VERSION;
	note.number = number;
	note.code = info->si_code;
	note.worker = this_worker;
	note.process = getpid();
	if (info->si_code > 0)
		note.address = (uintptr_t) info->si_addr;
	copy(note.route, sizeof note.route, this_route);
	copy(note.request_id, sizeof note.request_id, this_request);
	note_frames(&note);
	report(&note);
	/* what the system would have done: now if it was sent, else when what went wrong goes wrong again */
	for (size_t i = 0; i < SIGNAL_COUNT; i++)
		signal(signals[i], SIG_DFL);
	/* the first process of a container survives what it sends itself */
	if (info->si_code <= 0 && getpid() == 1)
		_exit(128 + number);
	if (info->si_code <= 0)
		raise(number);
}

/* ---- before it ---- */

/* The first object is the program itself. */
static int
find_program(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void) size;
	(void) arg;
	program_start = info->dlpi_addr;
	for (int i = 0; i < info->dlpi_phnum; i++)
	{
		uintptr_t	end = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;

		if (info->dlpi_phdr[i].p_type == PT_LOAD && end > program_end)
			program_end = end;
	}
	return 1;
}

void
crash_watch(void)
{
	struct sigaction action = {.sa_sigaction = crashed, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	void	   *frame;

	(void) dl_iterate_phdr(find_program, NULL);
	(void) backtrace(&frame, 1);
	sigemptyset(&action.sa_mask);
	/* it cannot fail for signals that there are */
	for (size_t i = 0; i < SIGNAL_COUNT; i++)
		(void) sigaction(signals[i], &action, NULL);
	watching = true;
}

void
crash_enter_thread(int worker)
{
	stack_t		stack = {.ss_size = STACK_SIZE};

	if (!watching)
		return;
	this_worker = worker;
	stack.ss_sp = malloc(STACK_SIZE);
	/* without one a thread whose stack is full ends without a report */
	if (stack.ss_sp != NULL && sigaltstack(&stack, NULL) == 0)
		this_stack = stack.ss_sp;
	else
		free(stack.ss_sp);
}

void
crash_leave_thread(void)
{
	const stack_t none = {.ss_flags = SS_DISABLE};

	if (this_stack == NULL)
		return;
	(void) sigaltstack(&none, NULL);
	free(this_stack);
	this_stack = NULL;
}
