/*
 * upgrade.c - the opening handshake (see upgrade.h).
 */
#include "upgrade.h"

#include <string.h>
#include <strings.h>

#include "websocket.h"

#define BEARER "bearer."

static bool
is_named(const char *name, size_t length, const char *known)
{
	return strlen(known) == length && strncasecmp(name, known, length) == 0;
}

/* The next element of a comma-separated list; its length, 0 at the end. */
static size_t
next_element(const char **at)
{
	size_t		length;

	*at += strspn(*at, ", \t");
	length = strcspn(*at, ",");
	while (length > 0 && ((*at)[length - 1] == ' ' || (*at)[length - 1] == '\t'))
		length--;
	return length;
}

static bool
lists(const char *value, const char *wanted)
{
	size_t		length;

	for (; (length = next_element(&value)) > 0; value += length)
		if (is_named(value, length, wanted))
			return true;
	return false;
}

static void
note_protocols(struct upgrade_offer *offer, const char *value)
{
	size_t		length;

	for (; offer->bearer == NULL && (length = next_element(&value)) > 0; value += length)
	{
		if (length <= strlen(BEARER) || strncmp(value, BEARER, strlen(BEARER)) != 0)
			continue;
		offer->bearer = value;
		offer->bearer_length = length;
	}
}

void
upgrade_note(struct upgrade_offer *offer, const char *name, size_t name_length, const char *value)
{
	if (is_named(name, name_length, "Connection"))
		offer->connection = offer->connection || lists(value, "upgrade");
	else if (is_named(name, name_length, "Upgrade"))
		offer->websocket = offer->websocket || lists(value, "websocket");
	else if (is_named(name, name_length, "Sec-WebSocket-Protocol"))
		note_protocols(offer, value);
	else if (is_named(name, name_length, "Sec-WebSocket-Key"))
	{
		offer->keys++;
		offer->key = value;
	}
	else if (is_named(name, name_length, "Sec-WebSocket-Version"))
	{
		offer->versions++;
		offer->version = value;
	}
}

const char *
upgrade_authorization(const struct upgrade_offer *offer, struct arena *arena)
{
	if (offer->bearer == NULL)
		return NULL;
	return arena_printf(arena, "Bearer %.*s", (int) (offer->bearer_length - strlen(BEARER)),
						offer->bearer + strlen(BEARER));
}

bool
upgrade_same_host(const char *origin, const char *host)
{
	const char *authority = strncmp(origin, "http://", 7) == 0 ? origin + 7
		: strncmp(origin, "https://", 8) == 0 ? origin + 8 : NULL;

	return authority != NULL && host != NULL && strcasecmp(authority, host) == 0;
}

/* Another version, or none: say which one it has to be. */
static bool
require(struct answer *answer, struct problem *problem, const char *detail)
{
	answer_add_header(answer, "Upgrade", "websocket");
	answer_add_header(answer, "Sec-WebSocket-Version", "13");
	problem_set(problem, 426, "upgrade_required", detail);
	return false;
}

bool
upgrade_accept(const struct upgrade_offer *offer, struct answer *answer, struct arena *arena,
			   struct problem *problem)
{
	char		accept[DIGEST_SHA1_BASE64];

	if (!offer->websocket || !offer->connection)
		return require(answer, problem, "This is a WebSocket: it needs an upgrade.");
	if (offer->versions != 1 || strcmp(offer->version, "13") != 0)
		return require(answer, problem, "Only version 13 of WebSocket is understood.");
	if (offer->keys != 1 || !websocket_key_is_valid(offer->key))
	{
		problem_set(problem, 400, "malformed_request",
					"There must be one Sec-WebSocket-Key of 16 bytes in base64.");
		return false;
	}
	if (!websocket_accept(offer->key, accept))
	{
		problem_set(problem, 503, "out_of_memory", "The server is out of memory.");
		return false;
	}
	answer->status = 101;
	answer_add_header(answer, "Upgrade", "websocket");
	answer_add_header(answer, "Sec-WebSocket-Accept", arena_copy(arena, accept, strlen(accept)));
	if (offer->bearer != NULL)
		answer_add_header(answer, "Sec-WebSocket-Protocol",
						  arena_copy(arena, offer->bearer, offer->bearer_length));
	return true;
}
