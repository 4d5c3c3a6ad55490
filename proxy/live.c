/*
 * live.c - live connections come and go, and events are handed out to them.
 *
 * An event is written and framed once, however many it is for. Who is behind
 * is passed over here, and told of it later from the recent events or from the table.
 */
#include "live.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "live_state.h"
#include "log.h"
#include "tls.h"

/* ---- places ---- */

bool
live_reserve(struct live *live, int64_t user_id)
{
	if (live->service->draining || !live_quota_take(live->quota))
		return false;
	if (user_id == 0 || live_quota_take_user(live->quota, user_id))
		return true;
	live_quota_give(live->quota);
	return false;
}

void
live_unreserve(struct live *live, int64_t user_id)
{
	if (user_id != 0)
		live_quota_give_user(live->quota, user_id);
	live_quota_give(live->quota);
}

/* ---- messages ---- */

struct frame *
live_frame(struct live *live, int64_t id, const char *topic, const char *data, size_t length)
{
	struct text *text = &live->text;

	text_reset(text);
	text_printf(text, "{\"id\":%" PRId64 ",\"topic\":", id);
	text_add_json(text, topic);
	text_add(text, ",\"data\":");
	text_add_bytes(text, data, length);
	text_add_char(text, '}');
	if (!text->failed)
		return websocket_text(live->host.websocket, text->data, text->length);
	text_free(text);
	return NULL;
}

void
live_tell_text(struct live_client *client, const char *topic, const char *data, size_t length, int64_t id)
{
	struct frame *frame = live_frame(client->live, id, topic, data, length);

	if (frame != NULL)
		peer_send(&client->peer, frame);
	else
		peer_close(&client->peer, WEBSOCKET_INTERNAL, "out of memory");
	frame_release(frame);
}

void
live_tell(struct live_client *client, const char *topic, const char *data, int64_t id)
{
	live_tell_text(client, topic, data, strlen(data), id);
}

/* ---- events ---- */

/* Hand an event out to those it is for and who are current. */
static void
hand_out(struct live *live, const struct feed_event *event, struct frame *frame)
{
	struct live_client *client;

	if (event->for_all)
	{
		for (client = live->clients; client != NULL; client = client->next)
			if (client->phase == LIVE_CURRENT)
				peer_send(&client->peer, frame);
		return;
	}
	client = event->user_id != 0 ? idmap_get(&live->users, event->user_id) : NULL;
	for (; client != NULL; client = client->next_of_user)
		if (client->phase == LIVE_CURRENT)
			peer_send(&client->peer, frame);
	if (event->project_id != 0)
		live_follow_send(live, event, frame);
}

static void
event_came(void *arg, const struct feed_event *event)
{
	struct live *live = arg;
	struct frame *frame;

	if (live->clients == NULL)
	{
		live_recent_begin(&live->recent, event->id);
		return;
	}
	/* before anybody is told, even of this event: who may know has to be asked anew */
	if (event->project_id != 0 && strcmp(event->topic, "project_changed") == 0)
		live_project_changed(live, event->project_id, event->id);
	frame = live_frame(live, event->id, event->topic, event->data, event->data_length);
	if (frame == NULL || !live_recent_add(&live->recent, event, frame))
	{
		log_event(LEVEL_ERROR, "live_failed", "error", "out of memory", NULL);
		live_resume_reset(live);
	}
	else
		hand_out(live, event, frame);
	frame_release(frame);
}

static void
events_lost(void *arg)
{
	live_resume_reset(arg);
}

/* ---- clients ---- */

static void
log_client(const struct live_client *client, const char *event)
{
	char		user[24];
	char		code[16];
	char		seconds[24];
	char		messages[24];
	uint64_t	age = loop_now(client->live->service->loop) - client->opened;

	snprintf(user, sizeof user, "%" PRId64, client->user_id);
	snprintf(code, sizeof code, "%d", client->peer.code);
	snprintf(seconds, sizeof seconds, "%" PRIu64 ".%03u", age / 1000, (unsigned) (age % 1000));
	snprintf(messages, sizeof messages, "%" PRIu64, client->peer.messages);
	if (client->peer.code == 0)
		log_event(LEVEL_INFO, event, "request_id", client->request_id,
				  "user_id", client->user_id != 0 ? user : NULL, NULL);
	else
		log_event(LEVEL_INFO, event, "request_id", client->request_id,
				  "user_id", client->user_id != 0 ? user : NULL, "code", code,
				  "by", client->peer.closed_by_peer ? "client" : "server",
				  "seconds", seconds, "messages", messages, NULL);
}

static void
link_client(struct live_client *client)
{
	struct live *live = client->live;

	client->next = live->clients;
	if (client->next != NULL)
		client->next->previous = client;
	live->clients = client;
}

/* Take it out of everything, and free it; its peer has ended. */
static void
free_client(struct live_client *client)
{
	struct live *live = client->live;

	loop_timer_stop(live->service->loop, &client->deadline);
	identity_leave(&client->identity);
	live_follow_end(client);
	live_resume_end(client);
	if (client->previous_of_user != NULL)
		client->previous_of_user->next_of_user = client->next_of_user;
	else if (client->user_id != 0 && idmap_get(&live->users, client->user_id) == client)
		(void) idmap_put(&live->users, client->user_id, client->next_of_user);	/* needs no memory */
	if (client->next_of_user != NULL)
		client->next_of_user->previous_of_user = client->previous_of_user;
	if (client->previous != NULL)
		client->previous->next = client->next;
	else
		live->clients = client->next;
	if (client->next != NULL)
		client->next->previous = client->previous;
	live_unreserve(live, client->user_id);
	free(client);
}

static void
peer_ended(struct peer *peer)
{
	struct live_client *client = (struct live_client *) peer;
	struct live *live = client->live;

	log_client(client, "live_closed");
	counter_add(&live->service->metrics->live_closed, 1);
	free_client(client);
	if (live->clients == NULL && live->drained != NULL)
	{
		void		(*drained) (void *arg) = live->drained;

		live->drained = NULL;
		drained(live->drained_arg);
	}
}

static void
peer_says(struct peer *peer, const char *text, size_t length)
{
	live_client_hear((struct live_client *) peer, text, length);
}

static void
peer_drained(struct peer *peer)
{
	live_resume_drained((struct live_client *) peer);
}

static void
peer_pinged(struct peer *peer)
{
	struct live_client *client = (struct live_client *) peer;

	if (client->user_id != 0)
		live_users_ask(client->live, client->user_id, false);
}

/* Enter it among its user's clients; his place is taken already. */
static void
enter_user(struct live_client *client, int64_t user_id, int64_t expires)
{
	struct live *live = client->live;
	struct live_client *first = idmap_get(&live->users, user_id);

	if (!idmap_put(&live->users, user_id, client))
	{
		live_quota_give_user(live->quota, user_id);
		peer_close(&client->peer, WEBSOCKET_TRY_LATER, "out of memory");
		return;
	}
	client->user_id = user_id;
	client->expires = expires;
	client->next_of_user = first;
	if (first != NULL)
		first->previous_of_user = client;
	live_client_check(client);
}

void
live_name(struct live_client *client, int64_t user_id, int64_t expires)
{
	if (live_quota_take_user(client->live->quota, user_id))
		enter_user(client, user_id, expires);
	else
		peer_close(&client->peer, LIVE_TOO_MANY, "too many connections of this user");
}

void
live_open(struct live *live, const struct live_opening *opening)
{
	size_t		id_size = strlen(opening->request_id) + 1;
	struct live_client *client = calloc(1, sizeof *client + id_size);

	if (client == NULL)
	{
		tls_free(opening->tls);
		close(opening->fd);
		live_unreserve(live, opening->user_id);
		return;
	}
	client->live = live;
	client->opened = loop_now(live->service->loop);
	client->position = opening->after;
	client->resumes = opening->after >= 0;
	memcpy(client->request_id, opening->request_id, id_size);
	if (!peer_open(&client->peer, &live->host, opening->fd, opening->tls))
	{
		live_unreserve(live, opening->user_id);
		free(client);
		return;
	}
	link_client(client);
	counter_add(&live->service->metrics->live_opened, 1);
	if (opening->user_id != 0)
		enter_user(client, opening->user_id, opening->expires);
	else
		live_client_wait(client);
	log_client(client, "live_opened");
	if (live->service->draining)
		peer_close(&client->peer, WEBSOCKET_GOING_AWAY, "shutting down");
	peer_hear(&client->peer, opening->bytes, opening->length);
}

/* ---- the whole ---- */

struct live *
live_new(struct service *service, struct live_quota *quota)
{
	struct live *live = calloc(1, sizeof *live);
	const struct config *config = service->config;

	if (live == NULL)
		return NULL;
	live->service = service;
	live->quota = quota;
	live->lane = service->lanes[LANE_READ];
	live->host = (struct peer_host) {
		.loop = service->loop,
		.ping_interval = (uint64_t) config->live_ping * 1000,
		.message = peer_says,
		.drained = peer_drained,
		.pinged = peer_pinged,
		.ended = peer_ended,
		.messages = &service->metrics->live_messages,
	};
	if (!peer_host_start(&live->host))
	{
		free(live);
		return NULL;
	}
	live->listener = (struct feed_listener) {.event = event_came, .reset = events_lost, .arg = live};
	feed_listen(service->feed, &live->listener);
	return live;
}

void
live_drain(struct live *live, void (*done) (void *arg), void *arg)
{
	if (live->clients == NULL)
	{
		done(arg);
		return;
	}
	live->drained = done;
	live->drained_arg = arg;
	for (struct live_client *client = live->clients; client != NULL; client = client->next)
		peer_close(&client->peer, WEBSOCKET_GOING_AWAY, "shutting down");
}

void
live_stop(struct live *live)
{
	struct live_client *next;

	if (live == NULL)
		return;
	live->stopped = true;
	live->drained = NULL;
	feed_ignore(live->service->feed, &live->listener);
	for (struct live_client *client = live->clients; client != NULL; client = next)
	{
		next = client->next;
		peer_drop(&client->peer);
		free_client(client);
	}
	loop_timer_stop(live->service->loop, &live->queue_timer);
}

void
live_free(struct live *live)
{
	if (live == NULL)
		return;
	live_users_free(live);
	live_recent_free(&live->recent);
	peer_host_stop(&live->host);
	idmap_free(&live->users);
	idmap_free(&live->projects);
	text_free(&live->text);
	free(live);
}
