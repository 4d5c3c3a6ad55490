/*
 * live_client.c - what a live client says, and how long its token holds.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "json_body.h"
#include "live_state.h"
#include "token.h"

/* ms for the token to come, and for its user to be found. */
#define TOKEN_LIMIT 5000
#define CHECK_LIMIT 15000

/* Who is told of so many faults is not listening. */
#define ERRORS_MAX 20

/* ---- the deadline ---- */

static void
no_token(void *arg)
{
	struct live_client *client = arg;

	peer_close(&client->peer, LIVE_UNAUTHORIZED, "no token in time");
}

static void
no_answer(void *arg)
{
	struct live_client *client = arg;

	peer_close(&client->peer, WEBSOCKET_TRY_LATER, "the database does not answer");
}

/* The token's end was due by the monotonic clock; it counts by the other one, which can be set. */
static void
token_ends(void *arg)
{
	struct live_client *client = arg;
	int64_t		left = client->expires - time(NULL);

	if (left <= 0)
		peer_close(&client->peer, LIVE_UNAUTHORIZED, "the token has expired");
	else
		loop_timer_set(client->live->service->loop, &client->deadline, (uint64_t) left * 1000,
					   token_ends, client);
}

void
live_client_wait(struct live_client *client)
{
	loop_timer_set(client->live->service->loop, &client->deadline, TOKEN_LIMIT, no_token, client);
}

void
live_client_check(struct live_client *client)
{
	client->phase = LIVE_CHECKED;
	if (!client->resumes)
		client->position = feed_position(client->live->service->feed);
	loop_timer_set(client->live->service->loop, &client->deadline, CHECK_LIMIT, no_answer, client);
	live_users_ask(client->live, client->user_id, true);
}

void
live_client_admit(struct live_client *client)
{
	if (client->phase != LIVE_CHECKED || client->peer.state != PEER_OPEN)
		return;
	client->phase = LIVE_BEHIND;
	token_ends(client);
	if (client->peer.state == PEER_OPEN)
		live_resume(client);
}

/* ---- messages ---- */

void
live_refuse(struct live_client *client, const char *code, const char *detail, int64_t project_id)
{
	struct text *text = &client->live->text;
	struct frame *frame;

	text_reset(text);
	text_add(text, "{\"error\":{\"code\":");
	text_add_json(text, code);
	text_add(text, ",\"detail\":");
	text_add_json(text, detail);
	if (project_id != 0)
		text_printf(text, ",\"project_id\":%" PRId64, project_id);
	text_add(text, "}}");
	frame = text->failed ? NULL : websocket_text(client->live->host.websocket, text->data, text->length);
	if (frame != NULL)
		peer_send(&client->peer, frame);
	else
		peer_close(&client->peer, WEBSOCKET_INTERNAL, "out of memory");
	frame_release(frame);
}

/* A message is not one: tell, but not for ever. */
static void
tell_fault(struct live_client *client, const char *code, const char *detail)
{
	if (++client->errors > ERRORS_MAX)
		peer_close(&client->peer, WEBSOCKET_POLICY, "too many errors");
	else
		live_refuse(client, code, detail, 0);
}

/* The user of its token is known: go on with what else the first message said. */
static void
name_client(struct live_client *client, int64_t user_id, int64_t expires)
{
	live_name(client, user_id, expires);
	if (client->wanted != 0)
		live_follow(client, client->wanted);
}

static void
identified(void *arg, int64_t user_id, const struct problem *problem)
{
	struct live_client *client = arg;

	if (client->peer.state != PEER_OPEN)
		return;
	if (user_id != 0)
		name_client(client, user_id, client->expires);
	else if (problem->status == 401)
		peer_close(&client->peer, LIVE_UNAUTHORIZED, "the token is not valid");
	else
		no_answer(client);
}

/* A token is valid: whose is it? That of an identity provider may have to be asked for. */
static void
find_user(struct live_client *client, const struct token *token)
{
	struct identities *identities = client->live->service->identities;
	int64_t		user_id = token->subject != NULL ? identity_known(identities, token) : token->user_id;

	if (user_id != 0)
	{
		name_client(client, user_id, token->expires);
		return;
	}
	client->expires = token->expires;
	client->identity = (struct identity_wait) {.done = identified, .arg = client};
	if (!identity_ask(identities, token, &client->identity))
		no_answer(client);
}

/* The first message: it must name the user. */
static void
hear_token(struct live_client *client, const struct json_live *message)
{
	struct tokens *tokens = client->live->service->tokens;
	struct token token;
	enum token_status status;

	if (message->token == NULL)
	{
		peer_close(&client->peer, LIVE_UNAUTHORIZED, "the first message must have a token");
		return;
	}
	status = token_verify(tokens, message->token, strlen(message->token), time(NULL), &token);
	if (status != TOKEN_OK)
	{
		peer_close(&client->peer, LIVE_UNAUTHORIZED, status == TOKEN_EXPIRED
				   ? "the token has expired" : "the token is not valid");
		return;
	}
	if (message->after >= 0)
	{
		client->resumes = true;
		client->position = message->after;
	}
	client->wanted = message->follow;
	find_user(client, &token);
}

/* Questions to the database count as requests of the user. */
static bool
may_ask(struct live_client *client)
{
	struct service *service = client->live->service;
	struct limit_state state;
	char		who[32];

	snprintf(who, sizeof who, "user %" PRId64, client->user_id);
	if (limit_take(service->limits, LIMIT_REQUESTS, who, loop_now(service->loop), &state))
		return true;
	tell_fault(client, "too_many_requests", "Too many requests. Wait a little.");
	return false;
}

static void
hear_message(struct live_client *client, const struct json_live *message)
{
	if (message->token != NULL || message->after >= 0)
		tell_fault(client, "unknown_message", "token and after belong into the first message, where it has the token.");
	else if (message->unfollow != 0)
		live_unfollow(client, message->unfollow);
	else if (may_ask(client))
		live_follow(client, message->follow);
}

void
live_client_hear(struct live_client *client, const char *text, size_t length)
{
	struct arena arena = {0};
	struct json_live message;
	const char *detail;
	const char *code = json_read_live(text, length, &message, &arena, &detail);

	if (client->identity.lookup != NULL)
		tell_fault(client, "too_early", "Wait until you are told that you are current.");
	else if (client->phase == LIVE_NAMELESS && code != NULL)
		peer_close(&client->peer, LIVE_UNAUTHORIZED, "the first message must have a token");
	else if (code != NULL)
		tell_fault(client, code, detail);
	else if (client->phase == LIVE_NAMELESS)
		hear_token(client, &message);
	else
		hear_message(client, &message);
	arena_free(&arena);
}
