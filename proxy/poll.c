/*
 * poll.c - waiters by user, woken by the feed.
 */
#include "poll.h"

#include <stdlib.h>

/* In ms: how often waits are looked at for those whose time is up, or whose client has gone. */
#define SWEEP_INTERVAL 250

#define BUCKETS 64

struct poll
{
	struct loop *loop;
	struct feed *feed;
	struct feed_listener listener;
	struct poll_waiter *waiters[BUCKETS];	/* by user, newest first */
	unsigned	count;
	struct poll_waiter *next_up;	/* of a walk; moved on when it leaves */
	bool		draining;
	struct loop_timer sweep_timer;
};

static struct poll_waiter **
bucket(struct poll *poll, int64_t user_id)
{
	return &poll->waiters[(uint64_t) user_id % BUCKETS];
}

void
poll_end(struct poll_waiter *waiter)
{
	struct poll *poll = waiter->poll;

	if (poll == NULL)
		return;
	if (poll->next_up == waiter)
		poll->next_up = waiter->next;
	if (waiter->previous != NULL)
		waiter->previous->next = waiter->next;
	else
		*bucket(poll, waiter->user_id) = waiter->next;
	if (waiter->next != NULL)
		waiter->next->previous = waiter->previous;
	waiter->next = NULL;
	waiter->previous = NULL;
	waiter->poll = NULL;
	waiter->waiting = false;
	poll->count--;
	if (poll->count == 0)
		loop_timer_stop(poll->loop, &poll->sweep_timer);
}

/* Have a waiter look again. It may end, and be gone, within this call. */
static void
wake(struct poll_waiter *waiter)
{
	waiter->seen = true;
	if (!waiter->waiting)
		return;
	waiter->waiting = false;
	waiter->came(waiter->arg);
}

/* Begin or go on with a walk over a list, from which anybody may leave meanwhile. */
static struct poll_waiter *
walk(struct poll *poll, struct poll_waiter *at)
{
	poll->next_up = at != NULL ? at->next : NULL;
	return at;
}

static void
event_came(void *arg, const struct feed_event *event)
{
	struct poll *poll = arg;

	if (event->user_id == 0)
		return;
	for (struct poll_waiter *at = walk(poll, *bucket(poll, event->user_id)); at != NULL;
		 at = walk(poll, poll->next_up))
		if (at->user_id == event->user_id)
			wake(at);
}

/* Events were lost: the database says what is true. */
static void
feed_was_reset(void *arg)
{
	struct poll *poll = arg;

	for (int i = 0; i < BUCKETS; i++)
		for (struct poll_waiter *at = walk(poll, poll->waiters[i]); at != NULL; at = walk(poll, poll->next_up))
			wake(at);
}

static void
end_wait(struct poll_waiter *waiter)
{
	poll_end(waiter);
	waiter->ended(waiter->arg);
}

static void
sweep(void *arg)
{
	struct poll *poll = arg;
	uint64_t	now = loop_now(poll->loop);

	loop_timer_set(poll->loop, &poll->sweep_timer, SWEEP_INTERVAL, sweep, poll);
	for (int i = 0; i < BUCKETS; i++)
		for (struct poll_waiter *at = walk(poll, poll->waiters[i]); at != NULL; at = walk(poll, poll->next_up))
			if (at->waiting && (poll->draining || now >= at->until || !at->is_there(at->arg)))
				end_wait(at);
}

struct poll *
poll_new(struct loop *loop, struct feed *feed)
{
	struct poll *poll = calloc(1, sizeof *poll);

	if (poll == NULL)
		return NULL;
	poll->loop = loop;
	poll->feed = feed;
	poll->listener = (struct feed_listener) {.event = event_came, .reset = feed_was_reset, .arg = poll};
	feed_listen(feed, &poll->listener);
	return poll;
}

void
poll_free(struct poll *poll)
{
	if (poll == NULL)
		return;
	loop_timer_stop(poll->loop, &poll->sweep_timer);
	feed_ignore(poll->feed, &poll->listener);
	free(poll);
}

bool
poll_begin(struct poll *poll, struct poll_waiter *waiter, long seconds)
{
	struct poll_waiter **first = bucket(poll, waiter->user_id);

	if (poll->count >= POLL_WAITERS_MAX)
		return false;
	waiter->poll = poll;
	waiter->waiting = false;
	waiter->until = loop_now(poll->loop) + (uint64_t) seconds * 1000;
	waiter->previous = NULL;
	waiter->next = *first;
	if (waiter->next != NULL)
		waiter->next->previous = waiter;
	*first = waiter;
	if (poll->count++ == 0)
		loop_timer_set(poll->loop, &poll->sweep_timer, SWEEP_INTERVAL, sweep, poll);
	return true;
}

void
poll_look(struct poll_waiter *waiter)
{
	waiter->seen = false;
}

/* One user must not take all the places: end his oldest wait when this one is too many. */
static void
make_room(struct poll *poll, int64_t user_id)
{
	struct poll_waiter *oldest = NULL;
	unsigned	count = 0;

	for (struct poll_waiter *at = *bucket(poll, user_id); at != NULL; at = at->next)
		if (at->user_id == user_id && at->waiting)
		{
			count++;
			oldest = at;
		}
	if (count >= POLL_WAITERS_PER_USER)
		end_wait(oldest);
}

enum poll_step
poll_wait(struct poll_waiter *waiter)
{
	struct poll *poll = waiter->poll;

	if (poll == NULL || poll->draining || loop_now(poll->loop) >= waiter->until)
		return POLL_OVER;
	if (waiter->seen)
		return POLL_AGAIN;
	make_room(poll, waiter->user_id);
	waiter->waiting = true;
	return POLL_WAITS;
}

void
poll_drain(struct poll *poll)
{
	poll->draining = true;
	if (poll->count > 0)
		sweep(poll);
}
