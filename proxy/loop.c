/*
 * loop.c - one epoll loop: watches, a pairing heap of timers, hooks, posts.
 *
 * An epoll event carries the slot of its watch and the slot's generation, so an
 * event that was fetched before its watch stopped is recognised and dropped.
 */
#include "loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* Most events fetched from the kernel at once. */
#define EVENTS_MAX 64

struct slot
{
	struct loop_watch *watch;	/* NULL while free */
	uint32_t	generation;
	int			next_free;		/* -1 ends the list of free slots */
};

struct post
{
	loop_post_fn *run;
	void	   *arg;
	struct post *next;
};

struct loop
{
	int			epoll_fd;
	int			wake_fd;		/* eventfd, readable while posts wait */
	struct loop_watch wake_watch;
	uint64_t	now;			/* µs */
	atomic_bool stopping;
	struct slot *slots;
	int			slot_count;
	int			free_slot;
	struct loop_timer *timers;	/* root of the heap: the one due first */
	struct loop_hook *hooks;
	pthread_mutex_t post_lock;	/* guards the two below, nothing else is shared */
	struct post *first_post;
	struct post *last_post;
};

uint64_t
loop_clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

static struct post *
take_posts(struct loop *loop)
{
	struct post *posts;

	pthread_mutex_lock(&loop->post_lock);
	posts = loop->first_post;
	loop->first_post = NULL;
	loop->last_post = NULL;
	pthread_mutex_unlock(&loop->post_lock);
	return posts;
}

/* Another thread has woken the loop: run what it left. */
static void
wake_ready(void *arg, unsigned events)
{
	struct loop *loop = arg;
	uint64_t	count;
	struct post *post;

	(void) events;
	/* EAGAIN only says that somebody was faster; the counter is of no interest. */
	if (read(loop->wake_fd, &count, sizeof count) < 0 && errno != EAGAIN)
		return;
	post = take_posts(loop);
	while (post != NULL)
	{
		struct post *next = post->next;

		post->run(post->arg);
		free(post);
		post = next;
	}
}

struct loop *
loop_create(void)
{
	struct loop *loop = calloc(1, sizeof *loop);

	if (loop == NULL)
		return NULL;
	loop->wake_watch = (struct loop_watch) LOOP_WATCH_INIT;
	loop->free_slot = -1;
	loop->now = loop_clock_us();
	loop->wake_fd = -1;
	pthread_mutex_init(&loop->post_lock, NULL);	/* cannot fail with default attributes on Linux */
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd >= 0)
		loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->wake_fd < 0 ||
		!loop_watch_start(loop, &loop->wake_watch, loop->wake_fd, LOOP_READ, wake_ready, loop))
	{
		int			saved = errno;

		loop_free(loop);
		errno = saved;
		return NULL;
	}
	return loop;
}

void
loop_free(struct loop *loop)
{
	struct post *post;

	if (loop == NULL)
		return;
	post = take_posts(loop);
	while (post != NULL)
	{
		struct post *next = post->next;

		free(post);
		post = next;
	}
	pthread_mutex_destroy(&loop->post_lock);
	if (loop->wake_fd >= 0)
		close(loop->wake_fd);
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	free(loop->slots);
	free(loop);
}

uint64_t
loop_now(const struct loop *loop)
{
	return loop->now / 1000;
}

uint64_t
loop_now_us(const struct loop *loop)
{
	return loop->now;
}

/* ---- watches ---- */

/* Find a free slot, growing the table when there is none; -1 when memory is out. */
static int
take_slot(struct loop *loop)
{
	int			taken;

	if (loop->free_slot < 0)
	{
		int			count = loop->slot_count ? loop->slot_count * 2 : 32;
		struct slot *slots = realloc(loop->slots, (size_t) count * sizeof *slots);

		if (slots == NULL)
			return -1;
		for (int i = loop->slot_count; i < count; i++)
			slots[i] = (struct slot) {.next_free = i + 1 < count ? i + 1 : -1};
		loop->free_slot = loop->slot_count;
		loop->slots = slots;
		loop->slot_count = count;
	}
	taken = loop->free_slot;
	loop->free_slot = loop->slots[taken].next_free;
	return taken;
}

static void
give_slot(struct loop *loop, int slot)
{
	loop->slots[slot].watch = NULL;
	loop->slots[slot].generation++;
	loop->slots[slot].next_free = loop->free_slot;
	loop->free_slot = slot;
}

static int
epoll_change(struct loop *loop, int operation, const struct loop_watch *watch, unsigned events)
{
	struct epoll_event event = {0};

	event.events = ((events & LOOP_READ) ? EPOLLIN | EPOLLRDHUP : 0u) |
		((events & LOOP_WRITE) ? EPOLLOUT : 0u);
	event.data.u64 = watch->generation << 32 | (uint32_t) watch->slot;
	return epoll_ctl(loop->epoll_fd, operation, watch->fd, &event);
}

bool
loop_watch_start(struct loop *loop, struct loop_watch *watch, int fd,
				 unsigned events, loop_ready_fn *ready, void *arg)
{
	int			slot = take_slot(loop);

	if (slot < 0)
	{
		errno = ENOMEM;
		return false;
	}
	watch->ready = ready;
	watch->arg = arg;
	watch->fd = fd;
	watch->events = events;
	watch->slot = slot;
	watch->generation = loop->slots[slot].generation;
	if (epoll_change(loop, EPOLL_CTL_ADD, watch, events) < 0)
	{
		give_slot(loop, slot);
		*watch = (struct loop_watch) LOOP_WATCH_INIT;
		return false;
	}
	loop->slots[slot].watch = watch;
	return true;
}

bool
loop_watch_change(struct loop *loop, struct loop_watch *watch, unsigned events)
{
	if (watch->events == events)
		return true;
	if (epoll_change(loop, EPOLL_CTL_MOD, watch, events) < 0)
		return false;
	watch->events = events;
	return true;
}

void
loop_watch_stop(struct loop *loop, struct loop_watch *watch)
{
	if (watch->slot < 0)
		return;
	/* It fails only when the descriptor was closed already, which took it out too. */
	(void) epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	give_slot(loop, watch->slot);
	*watch = (struct loop_watch) LOOP_WATCH_INIT;
}

static void
deliver(struct loop *loop, const struct epoll_event *event)
{
	uint32_t	slot = (uint32_t) event->data.u64;
	uint32_t	generation = (uint32_t) (event->data.u64 >> 32);
	struct loop_watch *watch = loop->slots[slot].watch;
	unsigned	events = 0;

	if (watch == NULL || loop->slots[slot].generation != generation)
		return;
	if (event->events & (EPOLLIN | EPOLLRDHUP))
		events |= LOOP_READ;
	if (event->events & EPOLLOUT)
		events |= LOOP_WRITE;
	if (event->events & (EPOLLERR | EPOLLHUP))
		events |= LOOP_READ | LOOP_WRITE;
	watch->ready(watch->arg, events);
}

/* ---- timers: a pairing heap; `previous` is the parent for a first child ---- */

static struct loop_timer *
heap_meld(struct loop_timer *a, struct loop_timer *b)
{
	if (a == NULL || b == NULL)
		return a ? a : b;
	if (b->due < a->due)
	{
		struct loop_timer *swap = a;

		a = b;
		b = swap;
	}
	b->previous = a;
	b->next = a->child;
	if (a->child != NULL)
		a->child->previous = b;
	a->child = b;
	a->next = NULL;
	a->previous = NULL;
	return a;
}

/* Meld a list of siblings into one heap: in pairs, then the pairs from the last to the first. */
static struct loop_timer *
heap_meld_siblings(struct loop_timer *first)
{
	struct loop_timer *pairs = NULL;
	struct loop_timer *root = NULL;

	while (first != NULL)
	{
		struct loop_timer *a = first;
		struct loop_timer *b = a->next;
		struct loop_timer *pair;

		first = b ? b->next : NULL;
		a->next = NULL;
		a->previous = NULL;
		if (b != NULL)
		{
			b->next = NULL;
			b->previous = NULL;
		}
		pair = heap_meld(a, b);
		pair->next = pairs;
		pairs = pair;
	}
	while (pairs != NULL)
	{
		struct loop_timer *rest = pairs->next;

		pairs->next = NULL;
		root = heap_meld(root, pairs);
		pairs = rest;
	}
	return root;
}

void
loop_timer_stop(struct loop *loop, struct loop_timer *timer)
{
	struct loop_timer *below;

	if (!timer->active)
		return;
	below = heap_meld_siblings(timer->child);
	if (timer == loop->timers)
		loop->timers = below;
	else
	{
		if (timer->previous->child == timer)
			timer->previous->child = timer->next;
		else
			timer->previous->next = timer->next;
		if (timer->next != NULL)
			timer->next->previous = timer->previous;
		loop->timers = heap_meld(loop->timers, below);
	}
	timer->child = NULL;
	timer->next = NULL;
	timer->previous = NULL;
	timer->active = false;
}

void
loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t delay,
			   loop_timer_fn *fire, void *arg)
{
	loop_timer_stop(loop, timer);
	timer->fire = fire;
	timer->arg = arg;
	timer->due = loop_now(loop) + (delay > 0 ? delay : 1);	/* never within the pass that sets it */
	timer->active = true;
	loop->timers = heap_meld(loop->timers, timer);
}

static void
fire_timers(struct loop *loop)
{
	uint64_t	now = loop_now(loop);

	while (loop->timers != NULL && loop->timers->due <= now)
	{
		struct loop_timer *timer = loop->timers;

		loop_timer_stop(loop, timer);
		timer->fire(timer->arg);
	}
}

/* ---- hooks, posts and the loop itself ---- */

void
loop_hook_start(struct loop *loop, struct loop_hook *hook,
				loop_hook_fn *before_wait, void *arg)
{
	struct loop_hook **end = &loop->hooks;

	while (*end != NULL)
		end = &(*end)->next;
	hook->before_wait = before_wait;
	hook->arg = arg;
	hook->next = NULL;
	*end = hook;
}

void
loop_hook_stop(struct loop *loop, struct loop_hook *hook)
{
	for (struct loop_hook **at = &loop->hooks; *at != NULL; at = &(*at)->next)
	{
		if (*at != hook)
			continue;
		*at = hook->next;
		hook->next = NULL;
		return;
	}
}

static void
wake(struct loop *loop)
{
	uint64_t	one = 1;

	/* EAGAIN means that the counter is full, so the loop is woken anyway. */
	while (write(loop->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
		continue;
}

bool
loop_post(struct loop *loop, loop_post_fn *run, void *arg)
{
	struct post *post = malloc(sizeof *post);

	if (post == NULL)
		return false;
	*post = (struct post) {.run = run, .arg = arg};
	pthread_mutex_lock(&loop->post_lock);
	if (loop->last_post != NULL)
		loop->last_post->next = post;
	else
		loop->first_post = post;
	loop->last_post = post;
	pthread_mutex_unlock(&loop->post_lock);
	wake(loop);
	return true;
}

void
loop_stop(struct loop *loop)
{
	atomic_store(&loop->stopping, true);
	wake(loop);
}

/* Run the hooks, and find out how long the loop may sleep; -1: until something happens. */
static int
prepare_wait(struct loop *loop)
{
	int64_t		wait = -1;

	for (struct loop_hook *hook = loop->hooks, *next; hook != NULL; hook = next)
	{
		int			most;

		next = hook->next;
		most = hook->before_wait(hook->arg);
		if (most >= 0 && (wait < 0 || most < wait))
			wait = most;
	}
	if (loop->timers != NULL)
	{
		int64_t		left = (int64_t) loop->timers->due - (int64_t) (loop_clock_us() / 1000);

		if (left < 0)
			left = 0;
		if (wait < 0 || left < wait)
			wait = left;
	}
	return wait > INT32_MAX ? INT32_MAX : (int) wait;
}

bool
loop_run(struct loop *loop)
{
	struct epoll_event events[EVENTS_MAX];

	while (!atomic_load(&loop->stopping))
	{
		int			wait = prepare_wait(loop);
		int			count = epoll_wait(loop->epoll_fd, events, EVENTS_MAX, wait);

		if (count < 0 && errno != EINTR)
			return false;
		loop->now = loop_clock_us();
		for (int i = 0; i < count; i++)
			deliver(loop, &events[i]);
		fire_timers(loop);
	}
	atomic_store(&loop->stopping, false);
	return true;
}
