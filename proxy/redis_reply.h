/*
 * redis_reply.h - what Redis answered, without hiredis's types. The functions
 * are in redis_wire.c.
 */
#ifndef TIMETRACKR_REDIS_REPLY_H
#define TIMETRACKR_REDIS_REPLY_H

#include <stdbool.h>
#include <stddef.h>

struct redis_reply;

enum redis_kind
{
	REPLY_NIL,
	REPLY_TEXT,					/* a string or a status */
	REPLY_NUMBER,
	REPLY_LIST,
	REPLY_ERROR
};

enum redis_kind redis_reply_kind(const struct redis_reply *reply);

/* Text of REPLY_TEXT and REPLY_ERROR, ended by a NUL, else "". */
const char *redis_reply_text(const struct redis_reply *reply);

/* Is this REPLY_TEXT, and the very same text? */
bool		redis_reply_is(const struct redis_reply *reply, const char *text);

/* Is this the error of a replica, which takes no writes, be they a command's or a script's? */
bool		redis_reply_is_readonly(const struct redis_reply *reply);

/* Elements of REPLY_LIST: how many (else 0), and one of them (index below that). */
size_t		redis_reply_count(const struct redis_reply *reply);
const struct redis_reply *redis_reply_element(const struct redis_reply *reply, size_t index);

#endif
