/*
 * linger.c - the other end of a connection may not have noticed that it is over.
 */
#include "linger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIMIT 2000				/* ms */
#define DROP_MAX (1024 * 1024)

struct lingerer
{
	struct lingering *lingering;
	struct loop *loop;
	struct loop_watch watch;
	struct loop_timer timer;
	int			fd;
	size_t		dropped;		/* bytes */
	struct lingerer *next;
	struct lingerer *previous;
};

static void
end(void *arg)
{
	struct lingerer *lingerer = arg;

	if (lingerer->previous != NULL)
		lingerer->previous->next = lingerer->next;
	else
		lingerer->lingering->first = lingerer->next;
	if (lingerer->next != NULL)
		lingerer->next->previous = lingerer->previous;
	lingerer->lingering->count--;
	loop_timer_stop(lingerer->loop, &lingerer->timer);
	loop_watch_stop(lingerer->loop, &lingerer->watch);
	close(lingerer->fd);
	free(lingerer);
}

static void
ready(void *arg, unsigned events)
{
	struct lingerer *lingerer = arg;
	char		waste[16384];
	ssize_t		n = recv(lingerer->fd, waste, sizeof waste, MSG_DONTWAIT);

	(void) events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	lingerer->dropped += n > 0 ? (size_t) n : 0;
	if (n <= 0 || lingerer->dropped > DROP_MAX)
		end(lingerer);
}

void
linger_start(struct lingering *lingering, struct loop *loop, int fd)
{
	struct lingerer *lingerer = lingering->count < LINGER_MAX
		? calloc(1, sizeof *lingerer) : NULL;

	/* for those who have not done so yet; fails when the client has gone */
	(void) shutdown(fd, SHUT_WR);
	if (lingerer == NULL)
		return;
	lingerer->lingering = lingering;
	lingerer->loop = loop;
	lingerer->watch = (struct loop_watch) LOOP_WATCH_INIT;
	lingerer->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (lingerer->fd < 0 ||
		!loop_watch_start(loop, &lingerer->watch, lingerer->fd, LOOP_READ, ready, lingerer))
	{
		if (lingerer->fd >= 0)
			close(lingerer->fd);
		free(lingerer);
		return;
	}
	loop_timer_set(loop, &lingerer->timer, LIMIT, end, lingerer);
	lingerer->next = lingering->first;
	if (lingerer->next != NULL)
		lingerer->next->previous = lingerer;
	lingering->first = lingerer;
	lingering->count++;
}

void
linger_end_all(struct lingering *lingering)
{
	for (struct lingerer *at = lingering->first, *next; at != NULL; at = next)
	{
		next = at->next;
		end(at);
	}
}
