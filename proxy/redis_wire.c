/*
 * redis_wire.c - one connection to a Redis or a Sentinel; the only user of hiredis.
 *
 * Built on hiredis's non-blocking context, not on its async context: that one
 * aborts the process on an answer nobody asked for, and frees itself in the
 * middle of calls.
 */
#include "redis_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct redis_wire
{
	redisContext *context;
	char		error[160];		/* "" while all is well */
};

/* Note what went wrong; the first failure counts. */
static bool
fail(struct redis_wire *wire, const char *why)
{
	if (wire->error[0] == '\0')
		snprintf(wire->error, sizeof wire->error, "%s", why);
	return false;
}

static bool
fail_as_context(struct redis_wire *wire)
{
	return fail(wire, wire->context->errstr[0] != '\0' ? wire->context->errstr : strerror(errno));
}

struct redis_wire *
redis_wire_open(const char *host, int port)
{
	struct redis_wire *wire = calloc(1, sizeof *wire);

	if (wire == NULL)
		return NULL;
	wire->context = host[0] == '/' ? redisConnectUnixNonBlock(host) : redisConnectNonBlock(host, port);
	if (wire->context == NULL)
	{
		free(wire);
		return NULL;
	}
	if (wire->context->err != 0)
		(void) fail_as_context(wire);
	else if (fcntl(wire->context->fd, F_SETFD, FD_CLOEXEC) != 0)
		(void) fail(wire, strerror(errno));
	return wire;
}

void
redis_wire_close(struct redis_wire *wire)
{
	if (wire == NULL)
		return;
	redisFree(wire->context);
	free(wire);
}

int
redis_wire_socket(const struct redis_wire *wire)
{
	return wire->context->fd;
}

bool
redis_wire_connected(struct redis_wire *wire)
{
	int			failure = 0;
	socklen_t	size = sizeof failure;

	if (getsockopt(wire->context->fd, SOL_SOCKET, SO_ERROR, &failure, &size) != 0)
		failure = errno;
	return failure == 0 || fail(wire, strerror(failure));
}

const char *
redis_wire_error(const struct redis_wire *wire)
{
	return wire->error[0] != '\0' ? wire->error : NULL;
}

bool
redis_wire_append(struct redis_wire *wire, size_t count, const char *const *words, const size_t *lengths)
{
	const char *argv[REDIS_WORDS_MAX];	/* hiredis wants it without the const */

	if (wire->error[0] != '\0' || count == 0 || count > REDIS_WORDS_MAX)
		return false;
	memcpy(argv, words, count * sizeof argv[0]);
	if (redisAppendCommandArgv(wire->context, (int) count, argv, lengths) == REDIS_OK)
		return true;
	/* Nothing of it was added: the error is about memory, not about the stream. */
	wire->context->err = 0;
	return false;
}

bool
redis_wire_flush(struct redis_wire *wire, bool *all)
{
	int			done = 0;

	if (redisBufferWrite(wire->context, &done) != REDIS_OK)
		return fail_as_context(wire);
	*all = done;
	return true;
}

bool
redis_wire_receive(struct redis_wire *wire)
{
	return redisBufferRead(wire->context) == REDIS_OK || fail_as_context(wire);
}

bool
redis_wire_next(struct redis_wire *wire, struct redis_reply **reply)
{
	void	   *next = NULL;

	*reply = NULL;
	if (redisGetReplyFromReader(wire->context, &next) != REDIS_OK)
		return fail_as_context(wire);
	*reply = next;
	return true;
}

void
redis_wire_free_reply(struct redis_reply *reply)
{
	freeReplyObject(reply);
}

/* ---- a struct redis_reply is a redisReply under another name ---- */

static const redisReply *
inside(const struct redis_reply *reply)
{
	return (const redisReply *) reply;
}

enum redis_kind
redis_reply_kind(const struct redis_reply *reply)
{
	switch (inside(reply)->type)
	{
		case REDIS_REPLY_STRING:
		case REDIS_REPLY_STATUS:
			return REPLY_TEXT;
		case REDIS_REPLY_INTEGER:
			return REPLY_NUMBER;
		case REDIS_REPLY_ARRAY:
			return REPLY_LIST;
		case REDIS_REPLY_ERROR:
			return REPLY_ERROR;
		default:
			return REPLY_NIL;
	}
}

const char *
redis_reply_text(const struct redis_reply *reply)
{
	enum redis_kind kind = redis_reply_kind(reply);

	return kind == REPLY_TEXT || kind == REPLY_ERROR ? inside(reply)->str : "";
}

bool
redis_reply_is(const struct redis_reply *reply, const char *text)
{
	return redis_reply_kind(reply) == REPLY_TEXT && strcmp(inside(reply)->str, text) == 0;
}

bool
redis_reply_is_readonly(const struct redis_reply *reply)
{
	const char *text = redis_reply_text(reply);

	return redis_reply_kind(reply) == REPLY_ERROR &&
		(strncmp(text, "READONLY", 8) == 0 || strstr(text, "-READONLY") != NULL);
}

size_t
redis_reply_count(const struct redis_reply *reply)
{
	return redis_reply_kind(reply) == REPLY_LIST ? inside(reply)->elements : 0;
}

const struct redis_reply *
redis_reply_element(const struct redis_reply *reply, size_t index)
{
	return (const struct redis_reply *) inside(reply)->element[index];
}
