/*
 * loop.h - one epoll loop, owned by one thread.
 *
 * Sockets (watches), timers, work before each wait (hooks) and wake-ups from
 * other threads (posts). A loop knows nothing about HTTP, databases or Redis.
 * All structs below are embedded by their user and never allocated here, so
 * starting a timer or a hook cannot fail. Except for loop_post() and
 * loop_stop(), call everything from the loop's own thread.
 */
#ifndef TIMETRACKR_LOOP_H
#define TIMETRACKR_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

/* Events of a watch, to be or-ed. */
enum
{
	LOOP_READ = 1,
	LOOP_WRITE = 2
};

/*
 * Called when the descriptor is ready. `events` holds LOOP_READ and/or
 * LOOP_WRITE; an error or hang-up is reported as both, so that the next read
 * or write finds it. May stop or restart any watch, its own included.
 */
typedef void loop_ready_fn(void *arg, unsigned events);

struct loop_watch
{
	loop_ready_fn *ready;
	void	   *arg;
	int			fd;				/* -1 while stopped */
	unsigned	events;
	uint64_t	generation;		/* private */
	int			slot;			/* private */
};

/* A watch that is not started; stopping it is harmless. */
#define LOOP_WATCH_INIT { .fd = -1, .slot = -1 }

typedef void loop_timer_fn(void *arg);

/* A zeroed struct is a timer that is not set; stopping it is harmless. */
struct loop_timer
{
	loop_timer_fn *fire;
	void	   *arg;
	uint64_t	due;			/* ms, on the clock of loop_now() */
	bool		active;
	struct loop_timer *child;	/* private from here: an intrusive pairing heap */
	struct loop_timer *next;
	struct loop_timer *previous;
};

/*
 * Called before each wait, in the order of loop_hook_start(). Returns for how
 * many ms at most the loop may sleep: 0 to be called again at once, -1 for no
 * opinion.
 */
typedef int loop_hook_fn(void *arg);

struct loop_hook
{
	loop_hook_fn *before_wait;
	void	   *arg;
	struct loop_hook *next;		/* private */
};

/* Create a loop; NULL (with errno set) when the system refuses. */
struct loop *loop_create(void);

/* Free a loop that does not run. Posts not yet run are dropped. */
void		loop_free(struct loop *loop);

/* Run until loop_stop(). Returns false when epoll itself failed (errno set). */
bool		loop_run(struct loop *loop);

/* Make loop_run() return after its present pass. Any thread may call it. */
void		loop_stop(struct loop *loop);

/*
 * Watch a descriptor. `watch` must be stopped. Returns false (errno set) when
 * epoll refuses it. `events` may be 0: then only errors are reported.
 */
bool		loop_watch_start(struct loop *loop, struct loop_watch *watch, int fd,
							 unsigned events, loop_ready_fn *ready, void *arg);

/* Change what a started watch waits for; free of cost when nothing changes. */
bool		loop_watch_change(struct loop *loop, struct loop_watch *watch, unsigned events);

/*
 * Stop a watch, before its descriptor is closed. A pending event of it is not
 * delivered any more, even within the present pass.
 */
void		loop_watch_stop(struct loop *loop, struct loop_watch *watch);

/* Set (or set anew) a one-shot timer `delay` ms from now. It may free itself when it fires. */
void		loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t delay,
						   loop_timer_fn *fire, void *arg);

/* Stop a timer; harmless when it is not set. */
void		loop_timer_stop(struct loop *loop, struct loop_timer *timer);

/* Add a hook / take it out again. */
void		loop_hook_start(struct loop *loop, struct loop_hook *hook,
							loop_hook_fn *before_wait, void *arg);
void		loop_hook_stop(struct loop *loop, struct loop_hook *hook);

/* Monotonic time in ms as of the start of this pass. */
uint64_t	loop_now(const struct loop *loop);

/* The same in µs. */
uint64_t	loop_now_us(const struct loop *loop);

/* Monotonic time in µs, right now. */
uint64_t	loop_clock_us(void);

typedef void loop_post_fn(void *arg);

/*
 * Have `run(arg)` called on the loop's thread in its next pass. Any thread may
 * call it. Returns false, and nothing will be called, when memory is out.
 */
bool		loop_post(struct loop *loop, loop_post_fn *run, void *arg);

#endif
