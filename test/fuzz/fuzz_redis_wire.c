/*
 * fuzz_redis_wire.c - what a server that claims to be Redis may send.
 */
#include "fuzz.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "redis_wire.h"

static struct sockaddr_un address = {.sun_family = AF_UNIX};

static void
forget_socket(void)
{
	(void) unlink(address.sun_path);
}

static int
listen_once(void)
{
	int			fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "/tmp/fuzz_redis.%d", (int) getpid());
	(void) unlink(address.sun_path);
	CLAIM(fd >= 0 && bind(fd, (struct sockaddr *) &address, sizeof address) == 0 && listen(fd, 5) == 0);
	CLAIM(atexit(forget_socket) == 0);
	return fd;
}

/* Look at everything that a reply tells. */
static size_t
walk(const struct redis_reply *reply)
{
	size_t		seen = strlen(redis_reply_text(reply)) + redis_reply_is(reply, "OK") + redis_reply_is_readonly(reply);

	CLAIM(redis_reply_kind(reply) <= REPLY_ERROR);
	for (size_t i = 0; i < redis_reply_count(reply); i++)
		seen += walk(redis_reply_element(reply, i));
	return seen;
}

/*
 * hiredis 0.14 makes room for as many elements as a list's head announces, before
 * any is there: from a server that one trusts that is no fault, here it would only use up memory.
 */
static bool
announces_too_much(const uint8_t *data, size_t size)
{
	size_t		digits = 0;

	for (size_t i = 0; i < size; i++)
	{
		bool		starts = strchr("*%~>", data[i]) != NULL && data[i] != '\0';

		digits = starts ? 1 : digits > 0 && strchr("+-0123456789 ", data[i]) != NULL ? digits + 1 : 0;
		if (digits > 6)
			return true;
	}
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int	listener = -1;
	struct redis_wire *wire;
	struct redis_reply *reply;
	int			server;

	/* more than a socket's buffer holds would have to be sent in turns */
	if (size > 65536 || announces_too_much(data, size))
		return -1;
	if (listener < 0)
		listener = listen_once();
	wire = redis_wire_open(address.sun_path, 0);
	CLAIM(wire != NULL && redis_wire_error(wire) == NULL);
	server = accept(listener, NULL, NULL);
	CLAIM(server >= 0 && redis_wire_connected(wire));
	CLAIM(send(server, data, size, MSG_NOSIGNAL) == (ssize_t) size && close(server) == 0);
	while (redis_wire_receive(wire))
	{
		while (redis_wire_next(wire, &reply) && reply != NULL)
		{
			(void) walk(reply);
			redis_wire_free_reply(reply);
		}
		if (redis_wire_error(wire) != NULL)
			break;
	}
	CLAIM(redis_wire_error(wire) != NULL);
	redis_wire_close(wire);
	return 0;
}
