/*
 * net.c - listening sockets: on TCP one for each worker, which the kernel spreads
 * connections over, on a Unix socket one that all share. Those of the process before
 * this one, which its supervisor has kept, go on with what waits in them.
 */
#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "supervisor.h"

#define BACKLOG 4096

/* Who may connect to a Unix socket: the proxy's user and group. */
#define UNIX_MODE 0660

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
	int			off = 0;		/* :: is for IPv4, too, whatever the system's default is */
	int			saved;

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
		(!shared || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) &&
		(address->any.sa_family != AF_INET6 ||
		 setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0) &&
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
refuse_setting(const char *setting, int *fds, int count, int error, char *why, size_t why_size)
{
	for (int i = 0; i < count; i++)
		close(fds[i]);
	snprintf(why, why_size, "%s: %s", setting, strerror(error));
	return false;
}

static bool
refuse_host(int *fds, int count, int error, char *why, size_t why_size)
{
	return refuse_setting("HOST", fds, count, error, why, why_size);
}

static bool
refuse(int *fds, int count, int error, char *why, size_t why_size)
{
	return refuse_setting(error == EADDRINUSE || error == EACCES ? "PORT" : "HOST",
						  fds, count, error, why, why_size);
}

/* Let those that have no socket yet share the first ones. False with errno: no descriptor is left; *made is right. */
static bool
share_sockets(int *fds, int *made, int count)
{
	for (int first = *made; *made < count; ++*made)
	{
		fds[*made] = fcntl(fds[*made % first], F_DUPFD_CLOEXEC, 0);
		if (fds[*made] < 0)
			return false;
	}
	return true;
}

/* ---- sockets that were there before ---- */

/* Is it a socket that listens at this address? Port 0 is any port. */
static bool
listens_at(int fd, const struct sockaddr *wanted)
{
	union
	{
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un local;
	}			address = {0};
	socklen_t	length = sizeof address;
	int			listens = 0;
	socklen_t	listens_size = sizeof listens;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *) wanted;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *) wanted;

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_size) < 0 || listens == 0 ||
		getsockname(fd, &address.any, &length) < 0 || address.any.sa_family != wanted->sa_family)
		return false;
	if (wanted->sa_family == AF_UNIX)
		return strncmp(address.local.sun_path, ((const struct sockaddr_un *) wanted)->sun_path,
					   sizeof address.local.sun_path) == 0;
	if (wanted->sa_family == AF_INET)
		return address.v4.sin_addr.s_addr == v4->sin_addr.s_addr &&
			(v4->sin_port == 0 || address.v4.sin_port == v4->sin_port);
	return memcmp(&address.v6.sin6_addr, &v6->sin6_addr, sizeof v6->sin6_addr) == 0 &&
		(v6->sin6_port == 0 || address.v6.sin6_port == v6->sin6_port);
}

/*
 * Take over the sockets that are there and listen at the address; others are closed. Returns how many
 * there are now in fds. Whoever has connected to one of them waits in it.
 */
static int
take_over(const struct sockaddr *wanted, int *fds, int count)
{
	int			there = supervisor_take_sockets(fds, count);
	int			good = 0;

	for (int i = 0; i < there; i++)
	{
		if (listens_at(fds[i], wanted) && fcntl(fds[i], F_SETFL, O_NONBLOCK) == 0)
			fds[good++] = fds[i];
		else
			close(fds[i]);
	}
	return good;
}

/* ---- TCP ---- */

bool
net_listen_anew(const char *host, int *port, int *fds, int count, char *why, size_t why_size)
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

static bool
listen_tcp(const char *host, int *port, int *fds, int count, char *why, size_t why_size)
{
	union address address = {0};
	socklen_t	length;
	int			made;

	if (!make_address(host, *port, &address, &length))
		return refuse(fds, 0, EINVAL, why, why_size);
	made = take_over(&address.any, fds, count);
	if (made == 0)
		return net_listen_anew(host, port, fds, count, why, why_size);
	*port = port_of(fds[0]);
	return share_sockets(fds, &made, count) || refuse(fds, made, errno, why, why_size);
}

/* ---- Unix sockets ---- */

bool
net_is_unix(const char *host)
{
	return strncmp(host, NET_UNIX, strlen(NET_UNIX)) == 0 && host[strlen(NET_UNIX)] == '/';
}

static void
make_unix_address(const char *host, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un) {.sun_family = AF_UNIX};
	/* config_values.c has looked that it fits */
	snprintf(address->sun_path, sizeof address->sun_path, "%s", host + strlen(NET_UNIX));
}

/* Does somebody listen there? */
static bool
is_served(const struct sockaddr_un *address)
{
	int			fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* a full queue is somebody's, too; whom we may not ask is taken for somebody */
	bool		served = fd < 0 || connect(fd, (const struct sockaddr *) address, sizeof *address) == 0 ||
		errno != ECONNREFUSED;

	if (fd >= 0)
		close(fd);
	return served;
}

/* Remove a socket that a proxy has left behind; false when the place is somebody else's. */
static bool
make_place(const struct sockaddr_un *address)
{
	struct stat there;

	if (lstat(address->sun_path, &there) < 0)
		return errno == ENOENT;
	if (!S_ISSOCK(there.st_mode) || is_served(address))
	{
		errno = EADDRINUSE;
		return false;
	}
	return unlink(address->sun_path) == 0;
}

/* One socket and its duplicates. */
static bool
listen_unix(const char *host, int *fds, int count, char *why, size_t why_size)
{
	struct sockaddr_un address;
	int			error = 0;
	int			made;
	mode_t		mask;

	make_unix_address(host, &address);
	made = take_over((const struct sockaddr *) &address, fds, count);
	if (made > 0)
		return share_sockets(fds, &made, count) || refuse_host(fds, made, errno, why, why_size);
	if (!make_place(&address))
		return refuse_host(fds, 0, errno, why, why_size);
	fds[0] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fds[0] < 0)
		return refuse_host(fds, 0, errno, why, why_size);
	made = 1;
	/* no thread has been started yet: the mask is ours alone, and there is no moment in which others get in */
	mask = umask(0777 & ~UNIX_MODE);
	if (bind(fds[0], (const struct sockaddr *) &address, sizeof address) < 0 ||
		listen(fds[0], BACKLOG) < 0)
		error = errno;
	umask(mask);
	if (error == 0 && !share_sockets(fds, &made, count))
		error = errno;
	return error == 0 || refuse_host(fds, made, error, why, why_size);
}

/* Could a socket be made there, or is one? */
static bool
check_unix(const char *host, char *why, size_t why_size)
{
	struct sockaddr_un address;
	struct stat there;
	char	   *slash;

	make_unix_address(host, &address);
	if (lstat(address.sun_path, &there) == 0 && !S_ISSOCK(there.st_mode))
		return refuse_host(NULL, 0, EADDRINUSE, why, why_size);
	slash = strrchr(address.sun_path, '/');
	slash[slash == address.sun_path] = '\0';
	return access(address.sun_path, W_OK | X_OK) == 0 ||
		refuse_host(NULL, 0, errno, why, why_size);
}

void
net_unlisten(const char *host)
{
	struct sockaddr_un address;

	if (!net_is_unix(host))
		return;
	make_unix_address(host, &address);
	/* whoever has taken the place meanwhile keeps it; a failure leaves what the next start removes */
	if (!is_served(&address))
		(void) unlink(address.sun_path);
}

/* ---- all ---- */

bool
net_listen(const char *host, int *port, int *fds, int count, char *why, size_t why_size)
{
	return net_is_unix(host) ? listen_unix(host, fds, count, why, why_size)
		: listen_tcp(host, port, fds, count, why, why_size);
}

bool
net_check(const char *host, int port, char *why, size_t why_size)
{
	union address address = {0};
	socklen_t	length;
	int			probe;

	if (net_is_unix(host))
		return check_unix(host, why, why_size);
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
