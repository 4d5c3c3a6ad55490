/*
 * redis_greeting.c - the steps of the greeting. Sends nothing itself.
 */
#include "redis_greeting.h"

#include <stdio.h>
#include <string.h>

enum
{
	STEP_AUTH,
	STEP_SELECT,
	STEP_PING,
	STEP_ROLE
};

void
redis_greeting_fill(struct redis_greeting *greeting, const struct config_redis *server, int step)
{
	size_t		count = 0;

	if (step == STEP_AUTH && server->password != NULL)
	{
		greeting->words[count++] = "AUTH";
		if (server->user != NULL)
			greeting->words[count++] = server->user;
		greeting->words[count++] = server->password;
	}
	else if (step == STEP_SELECT)
	{
		snprintf(greeting->number, sizeof greeting->number, "%d", server->database);
		greeting->words[count++] = "SELECT";
		greeting->words[count++] = greeting->number;
	}
	else if (step == STEP_PING)
		greeting->words[count++] = "PING";
	else if (step == STEP_ROLE && server->sentinel_count > 0)
		greeting->words[count++] = "ROLE";
	greeting->count = count;
}

bool
redis_greeting_accepts(int step, const struct redis_reply *reply, char *why, size_t why_size)
{
	const char *text = redis_reply_text(reply);

	if (redis_reply_kind(reply) == REPLY_ERROR)
	{
		/* An error about AUTH may repeat what was sent, so only its code is told. */
		if (step == STEP_AUTH)
			snprintf(why, why_size, "it refuses the login (%.*s)",
					 (int) strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"), text);
		else
			snprintf(why, why_size, "%s", text);
		return false;
	}
	/* ROLE gives a list that begins with the role. */
	if (step == STEP_ROLE && (redis_reply_count(reply) == 0 ||
							  !redis_reply_is(redis_reply_element(reply, 0), "master")))
	{
		snprintf(why, why_size, "the server that the sentinels name is no master");
		return false;
	}
	return true;
}
