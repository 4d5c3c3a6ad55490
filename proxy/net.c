/*
 * net.c - listening sockets.
 */
#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096

union address
{
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static bool
make_address(const char *host, int port, union address *address, socklen_t *length)
{
	memset(address, 0, sizeof *address);
	if (inet_pton(AF_INET, host, &address->v4.sin_addr) == 1)
	{
		address->v4.sin_family = AF_INET;
		address->v4.sin_port = htons((uint16_t) port);
		*length = sizeof address->v4;
		return true;
	}
	if (inet_pton(AF_INET6, host, &address->v6.sin6_addr) != 1)
		return false;
	address->v6.sin6_family = AF_INET6;
	address->v6.sin6_port = htons((uint16_t) port);
	*length = sizeof address->v6;
	return true;
}

/* One bound socket, or -1 with errno set. */
static int
bind_one(const union address *address, socklen_t length, bool shared)
{
	int			fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int			on = 1;
	int			saved;

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
		(!shared || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) &&
		bind(fd, &address->any, length) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static int
port_of(int fd)
{
	union address address = {0};
	socklen_t	length = sizeof address;

	memset(&address, 0, sizeof address);
	if (getsockname(fd, &address.any, &length) < 0)
		return -1;
	return ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
}

/* Close what was opened, and say which setting is to blame. */
static bool
refuse(int *fds, int count, int error, char *why, size_t why_size)
{
	for (int i = 0; i < count; i++)
		close(fds[i]);
	snprintf(why, why_size, "%s: %s", error == EADDRINUSE || error == EACCES ? "PORT" : "HOST",
			 strerror(error));
	return false;
}

bool
net_listen(const char *host, int *port, int *fds, int count, char *why, size_t why_size)
{
	union address address = {0};
	socklen_t	length;
	int			probe;

	if (!make_address(host, *port, &address, &length))
		return refuse(fds, 0, EINVAL, why, why_size);
	/* sockets that share a port do not mind another program that shares it too: ask without sharing */
	probe = bind_one(&address, length, false);
	if (probe < 0 || listen(probe, 1) < 0)
	{
		int			error = errno;

		return refuse(&probe, probe >= 0, error, why, why_size);
	}
	close(probe);
	for (int i = 0; i < count; i++)
	{
		fds[i] = bind_one(&address, length, true);
		if (fds[i] < 0 || listen(fds[i], BACKLOG) < 0)
		{
			int			error = errno;

			return refuse(fds, i + (fds[i] >= 0), error, why, why_size);
		}
		*port = port_of(fds[i]);
		make_address(host, *port, &address, &length);
	}
	return true;
}

bool
net_check(const char *host, int port, char *why, size_t why_size)
{
	union address address = {0};
	socklen_t	length;
	int			probe;

	if (!make_address(host, port, &address, &length))
		return refuse(NULL, 0, EINVAL, why, why_size);
	probe = bind_one(&address, length, false);
	if (probe < 0 && errno != EADDRINUSE)
		return refuse(NULL, 0, errno, why, why_size);
	if (probe >= 0)
		close(probe);
	return true;
}

unsigned
net_raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1024;
	if (limit.rlim_cur < limit.rlim_max)
	{
		struct rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};

		if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
			limit = raised;
	}
	return limit.rlim_cur > 1000000 ? 1000000 : (unsigned) limit.rlim_cur;
}
