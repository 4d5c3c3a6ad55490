/*
 * servers.h - a private redis-server for a test: own port, own directory,
 * loopback only, ended by its process id.
 */
#ifndef TIMETRACKR_SERVERS_H
#define TIMETRACKR_SERVERS_H

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct redis_server
{
	pid_t		pid;			/* 0: not running */
	int			port;
	char		port_text[8];
	char		directory[64];
	const char *password;		/* or NULL */
};

/* A socket bound to a free port of the loopback. */
static inline int
bind_free_port(int *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t	size = sizeof address;
	int			fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *) &address, sizeof address) != 0 ||
		getsockname(fd, (struct sockaddr *) &address, &size) != 0)
	{
		perror("bind_free_port");
		exit(2);
	}
	*port = ntohs(address.sin_port);
	return fd;
}

static inline void
redis_server_prepare(struct redis_server *server, const char *password)
{
	close(bind_free_port(&server->port));
	snprintf(server->port_text, sizeof server->port_text, "%d", server->port);
	snprintf(server->directory, sizeof server->directory, "/tmp/timetrackr-redis-XXXXXX");
	if (mkdtemp(server->directory) == NULL)
	{
		perror("mkdtemp");
		exit(2);
	}
	server->password = password;
	server->pid = 0;
}

static inline void
redis_server_start(struct redis_server *server)
{
	static const char *const programs[] = {"redis-server", "redis-check-rdb"};

	server->pid = fork();
	if (server->pid < 0)
	{
		perror("fork");
		exit(2);
	}
	if (server->pid > 0)
		return;
	/* Where only Debian's redis-tools is installed, the server goes by another name. */
	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
		execlp(programs[i], "redis-server", "--port", server->port_text, "--bind", "127.0.0.1",
			   "--dir", server->directory, "--save", "", "--appendonly", "no", "--logfile", "redis.log",
			   "--requirepass", server->password != NULL ? server->password : "", (char *) NULL);
	perror("redis-server");
	_exit(127);
}

static inline void
redis_server_kill(struct redis_server *server)
{
	if (server->pid > 0)
	{
		kill(server->pid, SIGKILL);
		waitpid(server->pid, NULL, 0);
	}
	server->pid = 0;
}

static inline void
redis_server_remove(struct redis_server *server)
{
	char		log[96];

	redis_server_kill(server);
	snprintf(log, sizeof log, "%s/redis.log", server->directory);
	unlink(log);
	rmdir(server->directory);
}

#endif
