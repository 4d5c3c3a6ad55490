/*
 * redis_greeting.h - the first words on a connection to Redis, and what to make
 * of the answers: log in, select the database, ask whether it serves (it does not
 * while it loads) and, of a server that sentinels named, whether it is a master.
 */
#ifndef TIMETRACKR_REDIS_GREETING_H
#define TIMETRACKR_REDIS_GREETING_H

#include <stdbool.h>
#include <stddef.h>

#include "redis_reply.h"
#include "redis_url.h"

/* Steps of a greeting, to be sent in this order; not every server needs all of them. */
#define REDIS_GREETING_STEPS 4

/* One step as a command. */
struct redis_greeting
{
	const char *words[3];
	size_t		count;			/* 0: this step is left out */
	char		number[16];
};

/* Fill in a step. Its words point into it and into `server`. */
void		redis_greeting_fill(struct redis_greeting *greeting, const struct config_redis *server, int step);

/* Is this the answer to go on with? Else the reason is in `why`; it holds no password. */
bool		redis_greeting_accepts(int step, const struct redis_reply *reply, char *why, size_t why_size);

#endif
