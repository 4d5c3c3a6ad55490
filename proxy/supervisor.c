/*
 * supervisor.c - datagrams to $NOTIFY_SOCKET, sockets from $LISTEN_FDS (see supervisor.h).
 *
 * The environment is only read, so any thread may ask it. A datagram that cannot be sent is lost:
 * a supervisor that hears nothing acts by itself.
 */
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

/* The first of the descriptors that a process is started with. */
#define FIRST_SOCKET 3
#define SOCKETS_MAX 4096
/* What the kept sockets are called. */
#define KEPT "FDNAME=listening"

static atomic_bool ready;

/* Where datagrams go; the length of the address, 0: nowhere. A leading @ is a name without a file. */
static socklen_t
find_supervisor(struct sockaddr_un *address)
{
	const char *name = getenv("NOTIFY_SOCKET");
	size_t		length = name ? strlen(name) : 0;

	*address = (struct sockaddr_un) {.sun_family = AF_UNIX};
	if (length < 2 || length > sizeof address->sun_path || (name[0] != '/' && name[0] != '@'))
		return 0;
	memcpy(address->sun_path, name, length);
	if (name[0] == '@')
		address->sun_path[0] = '\0';
	return (socklen_t) (offsetof(struct sockaddr_un, sun_path) + length);
}

/* Send one datagram, with a descriptor unless that is -1. */
static void
say(const char *state, int passed)
{
	struct sockaddr_un address;
	socklen_t	length = find_supervisor(&address);
	struct iovec text = {.iov_base = (char *) state, .iov_len = strlen(state)};
	union
	{
		struct cmsghdr header;
		char		space[CMSG_SPACE(sizeof(int))];
	}			control = {0};
	struct msghdr message = {
		.msg_name = &address, .msg_namelen = length, .msg_iov = &text, .msg_iovlen = 1,
	};
	int			fd;
	ssize_t		sent;

	if (length == 0)
		return;
	if (passed >= 0)
	{
		control.header = (struct cmsghdr) {
			.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof passed),
		};
		memcpy(CMSG_DATA(&control.header), &passed, sizeof passed);
		message.msg_control = &control;
		message.msg_controllen = sizeof control;
	}
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	do
		sent = fd < 0 ? -1 : sendmsg(fd, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		log_event(LEVEL_WARN, "supervisor_unreachable", "error", strerror(errno), NULL);
	if (fd >= 0)
		close(fd);
}

void
supervisor_ready(void)
{
	if (!atomic_exchange(&ready, true))
		say("READY=1", -1);
}

/* The supervisor tells by the time whether this belongs to the signal that it has sent. */
void
supervisor_reloading(void)
{
	struct timespec now;
	char		state[64];

	if (!atomic_load(&ready) || clock_gettime(CLOCK_MONOTONIC, &now) != 0)
		return;
	snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%lld",
			 (long long) now.tv_sec * 1000000 + now.tv_nsec / 1000);
	say(state, -1);
}

void
supervisor_reloaded(void)
{
	if (atomic_load(&ready))
		say("READY=1", -1);
}

void
supervisor_stopping(void)
{
	say("STOPPING=1", -1);
}

/* A number of the environment; 0: there is none. */
static long
number(const char *name)
{
	const char *value = getenv(name);

	return value ? strtol(value, NULL, 10) : 0;
}

long
supervisor_watchdog_ms(void)
{
	long		us = number("WATCHDOG_USEC");

	/* what was meant for another process has been inherited by mistake */
	if (us <= 0 || (getenv("WATCHDOG_PID") != NULL && number("WATCHDOG_PID") != (long) getpid()))
		return 0;
	return us < 1000 ? 1 : us / 1000;
}

void
supervisor_alive(void)
{
	say("WATCHDOG=1", -1);
}

int
supervisor_take_sockets(int *fds, int most)
{
	long		count = number("LISTEN_PID") == (long) getpid() ? number("LISTEN_FDS") : 0;
	int			kept = 0;

	if (count > SOCKETS_MAX)
		return 0;
	for (int fd = FIRST_SOCKET; fd < FIRST_SOCKET + count; fd++)
	{
		if (kept < most && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0)
			fds[kept++] = fd;
		else
			close(fd);
	}
	return kept;
}

void
supervisor_keep_sockets(const int *fds, int count)
{
	say("FDSTOREREMOVE=1\n" KEPT, -1);
	for (int i = 0; i < count; i++)
		say("FDSTORE=1\n" KEPT, fds[i]);
}
