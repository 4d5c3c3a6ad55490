/*
 * test_poll.c - waiters for events, with a feed that the test plays.
 *
 * The functions of feed.h that poll.c calls are defined here.
 */
#include "../poll.h"

#include <string.h>

#include "check.h"

static struct feed_listener *listener;

void
feed_listen(struct feed *feed, struct feed_listener *given)
{
	(void) feed;
	listener = given;
}

void
feed_ignore(struct feed *feed, struct feed_listener *given)
{
	(void) feed;
	CHECK(listener == given);
	listener = NULL;
}

static void
event_for(int64_t user_id)
{
	const struct feed_event event = {.id = 1, .topic = "t", .user_id = user_id, .data = "{}", .data_length = 2};

	listener->event(listener->arg, &event);
}

/* A client: its waiter, and how often it was called. */
struct client
{
	struct poll_waiter waiter;
	int			came;
	int			ended;
	bool		gone;
	struct client *takes_along; /* leaves when this one is called */
	struct loop *stops;
};

static void
came(void *arg)
{
	struct client *client = arg;

	client->came++;
	if (client->takes_along != NULL)
		poll_end(&client->takes_along->waiter);
}

static void
ended(void *arg)
{
	struct client *client = arg;

	client->ended++;
	if (client->stops != NULL)
		loop_stop(client->stops);
}

static bool
is_there(void *arg)
{
	return !((struct client *) arg)->gone;
}

static bool
begin(struct poll *poll, struct client *client, int64_t user_id, long seconds)
{
	client->waiter = (struct poll_waiter) {
		.user_id = user_id, .came = came, .ended = ended, .is_there = is_there, .arg = client
	};
	if (!poll_begin(poll, &client->waiter, seconds))
		return false;
	poll_look(&client->waiter);
	return true;
}

static void
test_wake_up(struct poll *poll)
{
	struct client client = {.came = 0};
	struct client other = {.came = 0};

	CHECK(begin(poll, &client, 7, 30) && begin(poll, &other, 7 + 64, 30));
	event_for(7);				/* after the look, before the wait */
	CHECK(poll_wait(&client.waiter) == POLL_AGAIN && client.came == 0);
	poll_look(&client.waiter);
	CHECK(poll_wait(&client.waiter) == POLL_WAITS && poll_wait(&other.waiter) == POLL_WAITS);
	event_for(8);
	event_for(0);
	CHECK(client.came == 0 && other.came == 0);
	event_for(7);
	event_for(7);				/* it is looking already */
	CHECK(client.came == 1 && other.came == 0);
	poll_look(&client.waiter);
	CHECK(poll_wait(&client.waiter) == POLL_WAITS);
	listener->reset(listener->arg);
	CHECK(client.came == 2 && other.came == 1);
	poll_end(&client.waiter);
	poll_end(&client.waiter);
	poll_end(&other.waiter);
	event_for(7);
	CHECK(client.came == 2);
	CHECK(poll_wait(&client.waiter) == POLL_OVER);
}

static void
test_leaving_together(struct poll *poll)
{
	struct client clients[3] = {{.came = 0}};

	for (int i = 0; i < 3; i++)
		CHECK(begin(poll, &clients[i], 7, 30) && poll_wait(&clients[i].waiter) == POLL_WAITS);
	/* the newest is woken first, and takes the next one along */
	clients[2].takes_along = &clients[1];
	event_for(7);
	CHECK(clients[2].came == 1 && clients[1].came == 0 && clients[0].came == 1);
	for (int i = 0; i < 3; i++)
		poll_end(&clients[i].waiter);
}

static void
test_bounds(struct poll *poll)
{
	static struct client clients[POLL_WAITERS_MAX + 1];
	struct client more[POLL_WAITERS_PER_USER + 1] = {{.came = 0}};

	for (int i = 0; i <= POLL_WAITERS_PER_USER; i++)
		CHECK(begin(poll, &more[i], 7, 30) && poll_wait(&more[i].waiter) == POLL_WAITS);
	CHECK(more[0].ended == 1 && more[1].ended == 0);
	for (int i = 0; i <= POLL_WAITERS_PER_USER; i++)
		poll_end(&more[i].waiter);
	memset(clients, 0, sizeof clients);
	for (int i = 0; i < POLL_WAITERS_MAX; i++)
		CHECK(begin(poll, &clients[i], 1 + i, 30));
	CHECK(!begin(poll, &clients[POLL_WAITERS_MAX], 1 + POLL_WAITERS_MAX, 30));
	poll_end(&clients[3].waiter);
	CHECK(begin(poll, &clients[POLL_WAITERS_MAX], 1 + POLL_WAITERS_MAX, 30));
	for (int i = 0; i <= POLL_WAITERS_MAX; i++)
		poll_end(&clients[i].waiter);
}

/* Whose time is up, and who has gone, end by themselves; others go on. */
static void
test_ends(struct loop *loop, struct poll *poll)
{
	struct client short_one = {.stops = loop};
	struct client gone = {.gone = true};
	struct client looking = {.came = 0};
	struct client long_one = {.came = 0};

	CHECK(begin(poll, &short_one, 1, 1) && poll_wait(&short_one.waiter) == POLL_WAITS);
	CHECK(begin(poll, &gone, 2, 30) && poll_wait(&gone.waiter) == POLL_WAITS);
	CHECK(begin(poll, &looking, 3, 1));
	CHECK(begin(poll, &long_one, 4, 30) && poll_wait(&long_one.waiter) == POLL_WAITS);
	CHECK(loop_run(loop));
	CHECK(short_one.ended == 1 && gone.ended == 1 && looking.ended == 0 && long_one.ended == 0);
	CHECK(poll_wait(&looking.waiter) == POLL_OVER);
	poll_drain(poll);
	CHECK(long_one.ended == 1 && short_one.ended == 1 && looking.ended == 0);
	poll_end(&looking.waiter);
	CHECK(begin(poll, &long_one, 4, 30) && poll_wait(&long_one.waiter) == POLL_OVER);
	poll_end(&long_one.waiter);
}

int
main(void)
{
	struct loop *loop = loop_create();
	struct poll *poll = loop != NULL ? poll_new(loop, NULL) : NULL;

	if (!CHECK(poll != NULL))
		return check_summary("poll");
	test_wake_up(poll);
	test_leaving_together(poll);
	test_bounds(poll);
	test_ends(loop, poll);
	poll_free(poll);
	poll_free(NULL);
	CHECK(listener == NULL);
	loop_free(loop);
	return check_summary("poll");
}
