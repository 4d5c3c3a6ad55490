/*
 * poll.h - those who wait for an event of their own: long polls.
 *
 * A waiter is noted before the database is asked, so that no event falls
 * between the answer and the wait. Knows the feed, and nothing of requests or HTTP.
 */
#ifndef TIMETRACKR_POLL_H
#define TIMETRACKR_POLL_H

#include <stdbool.h>
#include <stdint.h>

#include "feed.h"
#include "loop.h"

/* Longest wait, and the one of who asks for events after an id without saying how long: seconds. */
#define POLL_SECONDS_MAX 30
#define POLL_SECONDS 20

/*
 * Most waiters of a worker: each time a request resumes, the HTTP library looks
 * at every suspended connection. And most of one user: the next one ends the oldest's wait.
 */
#define POLL_WAITERS_MAX 500
#define POLL_WAITERS_PER_USER 5

struct poll;

/* Embedded by who waits, zeroed at first; the first part is set by it. */
struct poll_waiter
{
	int64_t		user_id;
	/* Look again: there may be something. */
	void		(*came) (void *arg);
	/* The wait is over: its time is up, the proxy shuts down, or the client is gone. */
	void		(*ended) (void *arg);
	/* Has the client not gone away? */
	bool		(*is_there) (void *arg);
	void	   *arg;

	/* Private. */
	struct poll *poll;			/* NULL: not noted */
	bool		waiting;
	bool		seen;			/* an event has come since poll_look() */
	uint64_t	until;			/* ms */
	struct poll_waiter *next;
	struct poll_waiter *previous;
};

/* NULL when memory is out. Both must outlive it. */
struct poll *poll_new(struct loop *loop, struct feed *feed);

/* No waiter may be left. */
void		poll_free(struct poll *poll);

/* Note a waiter, who wants to wait for so many seconds in all. False: there are too many. */
bool		poll_begin(struct poll *poll, struct poll_waiter *waiter, long seconds);

/* The database is about to be asked: only what comes from now on is news. */
void		poll_look(struct poll_waiter *waiter);

enum poll_step
{
	POLL_WAITS,					/* came() or ended() will be called, not within this call */
	POLL_AGAIN,					/* something has come meanwhile: look again */
	POLL_OVER					/* there is no time left, or it was not noted */
};

/* Nothing was found: wait. */
enum poll_step poll_wait(struct poll_waiter *waiter);

/* Forget a waiter; harmless when it was not noted. */
void		poll_end(struct poll_waiter *waiter);

/* The proxy shuts down: end every wait, and let none begin. */
void		poll_drain(struct poll *poll);

#endif
