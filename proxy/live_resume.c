/*
 * live_resume.c - telling a client what it has missed.
 *
 * What is recent comes from memory; what is older is read from the table, page
 * by page, for a few clients at a time. A statement that is sent when the feed has delivered an event
 * sees it: so a page that is not full leads at least as far as the feed was then.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "live_state.h"
#include "log.h"
#include "statement.h"

/* Clients that are read for at the same time. */
#define PAGES_MAX 8

#define PAGE_ROWS 50
#define PAGE_ROWS_TEXT "50"

/* With more than this still to be sent the next page can wait. */
#define WAITING_MAX (PEER_QUEUE_MAX / 4)

static const struct db_statement statement = {
	.id = STATEMENT_LIVE_EVENTS,
	.sql = "SELECT id, topic, data FROM timetrackr.events(viewer_id => $1::pg_catalog.int8,"
	" after => $2::pg_catalog.int8, \"limit\" => " PAGE_ROWS_TEXT ")"
};

struct live_page
{
	struct live *live;
	struct live_client *client; /* NULL: it is gone, or wants no page any more */
	int64_t		feed_position;	/* when the statement was sent */
	struct lane_job job;
	char		user[24];
	char		after[24];
	const char *values[2];
};

static void advance(struct live_client *client);
static void pump(void *arg);

/* ---- the queue for pages ---- */

static void
enqueue(struct live_client *client)
{
	struct live *live = client->live;

	client->queued = true;
	client->next_queued = NULL;
	client->previous_queued = live->last_queued;
	if (live->last_queued != NULL)
		live->last_queued->next_queued = client;
	else
		live->first_queued = client;
	live->last_queued = client;
	live->queue_length++;
}

static void
dequeue(struct live_client *client)
{
	struct live *live = client->live;

	if (client->previous_queued != NULL)
		client->previous_queued->next_queued = client->next_queued;
	else
		live->first_queued = client->next_queued;
	if (client->next_queued != NULL)
		client->next_queued->previous_queued = client->previous_queued;
	else
		live->last_queued = client->previous_queued;
	client->queued = false;
	live->queue_length--;
}

/* Try again in a while. */
static void
wait_a_while(struct live_client *client)
{
	struct live *live = client->live;

	enqueue(client);
	if (!live->queue_timer.active)
		loop_timer_set(live->service->loop, &live->queue_timer, LIVE_RETRY, pump, live);
}

/* Go on with those that wait, each once. */
static void
pump(void *arg)
{
	struct live *live = arg;

	for (size_t left = live->queue_length; left > 0 && live->first_queued != NULL && live->pages < PAGES_MAX; left--)
	{
		struct live_client *client = live->first_queued;

		dequeue(client);
		advance(client);
	}
}

/* ---- from memory ---- */

static bool
sees(const struct live_client *client, const struct live_event *event)
{
	return event->for_all || event->user_id == client->user_id ||
		(event->project_id != 0 && live_follows(client, event->project_id));
}

/* The last event that is known of here. */
static int64_t
newest(const struct live_recent *recent)
{
	return recent->count > 0 ? live_recent_at(recent, recent->count - 1)->id : recent->after;
}

int64_t
live_position(const struct live_client *client)
{
	return client->phase == LIVE_CURRENT ? newest(&client->live->recent) : client->position;
}

/* Tell of the recent events from this index on; then the client is current. */
static void
replay(struct live_client *client, size_t index)
{
	struct live *live = client->live;
	char		data[40];

	for (; index < live->recent.count; index++)
	{
		const struct live_event *event = live_recent_at(&live->recent, index);

		if (sees(client, event))
			peer_send(&client->peer, event->frame);
	}
	client->phase = LIVE_CURRENT;
	if (client->greeted)
		return;
	client->greeted = true;
	snprintf(data, sizeof data, "{\"user_id\":%" PRId64 "}", client->user_id);
	live_tell(client, "ready", data, live_position(client));
}

/* ---- from the table ---- */

/*
 * The pages have the client's own events. Those for all only say that something
 * may have changed, so once more is as good; projects that it follows have to be read anew.
 */
static void
finish_pages(struct live_client *client, int64_t feed_position)
{
	if (client->position < feed_position)
		client->position = feed_position;
	client->verified = true;
	live_tell(client, "leaderboard_changed", "{\"boards\":[\"all\",\"day\",\"week\",\"month\",\"badges\"]}",
			  client->position);
	live_tell(client, "badges_changed", "{}", client->position);
	live_follow_reset(client);
}

/* Nobody can say what the client has missed. */
static void
start_anew(struct live_client *client)
{
	client->position = feed_position(client->live->service->feed);
	client->verified = true;
	live_tell(client, "reset", "{}", client->position);
}

static void
take_page(struct live_client *client, const struct live_page *page, const struct db_result *result)
{
	int			rows = db_result_rows(result);

	for (int row = 0; row < rows; row++)
	{
		int64_t		id = strtoll(db_result_value(result, row, 0), NULL, 10);

		live_tell_text(client, db_result_value(result, row, 1), db_result_value(result, row, 2),
					   db_result_length(result, row, 2), id);
		client->position = id;
	}
	if (rows < PAGE_ROWS)
		finish_pages(client, page->feed_position);
	else if (peer_waiting(&client->peer) > WAITING_MAX)
	{
		client->drains = true;
		return;
	}
	advance(client);
}

static void
page_came(struct live_client *client, const struct live_page *page, const struct db_result *result)
{
	bool		refused = result != NULL && db_result_outcome(result) == DB_ERROR;

	client->page = NULL;
	if (result != NULL && db_result_outcome(result) == DB_OK)
		take_page(client, page, result);
	else if (refused && strcmp(db_error_sqlstate(result), "TT410") == 0)
	{
		start_anew(client);
		advance(client);
	}
	else
	{
		if (refused)
			log_event(LEVEL_ERROR, "live_failed", "sqlstate", db_error_sqlstate(result),
					  "error", db_error_message(result), NULL);
		wait_a_while(client);
	}
}

static void
page_done(struct lane_job *job, struct db_result *result)
{
	struct live_page *page = job->arg;
	struct live *live = page->live;

	live->pages--;
	if (page->client != NULL)
		page_came(page->client, page, result);
	free(page);
	if (!live->stopped)
		pump(live);
}

static bool
is_wanted(const struct lane_job *job)
{
	const struct live_page *page = job->arg;

	return page->client != NULL;
}

/* Ask for the next page. False: not now. */
static bool
ask(struct live_client *client)
{
	struct live *live = client->live;
	struct live_page *page = calloc(1, sizeof *page);

	if (page == NULL)
		return false;
	page->live = live;
	page->client = client;
	page->feed_position = feed_position(live->service->feed);
	snprintf(page->user, sizeof page->user, "%" PRId64, client->user_id);
	snprintf(page->after, sizeof page->after, "%" PRId64, client->position);
	page->values[0] = page->user;
	page->values[1] = page->after;
	page->job = (struct lane_job) {
		.statement = &statement, .value_count = 2, .values = page->values,
		.done = page_done, .is_wanted = is_wanted, .arg = page
	};
	client->page = page;
	live->pages++;
	if (lane_submit(live->lane, &page->job))
		return true;
	live->pages--;
	client->page = NULL;
	free(page);
	return false;
}

/* ---- one step after the other ---- */

/* Where a client goes on in memory; -1: the table has to tell, or the feed has not come so far. */
static int
find_recent(const struct live_client *client, int64_t feed_position)
{
	const struct live_recent *recent = &client->live->recent;

	if (client->position > feed_position || (!client->verified && !live_recent_follows(recent, client->position)))
		return -1;
	return live_recent_find(recent, client->position);
}

/* Take the next step of a client that is behind and waits for nothing. */
static void
advance(struct live_client *client)
{
	struct live *live = client->live;
	int64_t		position = feed_position(live->service->feed);
	int			index;

	if (client->peer.state != PEER_OPEN || client->holds > 0)
		return;
	if (position != 0 && live->recent.after == 0)
		live_recent_begin(&live->recent, position);
	if (!client->resumes && client->position == 0)
		client->position = position;
	index = find_recent(client, position);
	if (position != 0 && index >= 0)
		replay(client, (size_t) index);
	else if (position == 0 || (client->verified && client->position > position))
		wait_a_while(client);	/* until the feed comes so far */
	else if (live->pages == PAGES_MAX)
		enqueue(client);
	else if (!ask(client))
		wait_a_while(client);
}

void
live_resume(struct live_client *client)
{
	if (client->phase == LIVE_BEHIND && client->page == NULL && !client->queued && !client->drains)
		advance(client);
}

void
live_resume_drained(struct live_client *client)
{
	client->drains = false;
	live_resume(client);
}

void
live_hold(struct live_client *client, int64_t before_id)
{
	client->holds++;
	if (client->phase != LIVE_CURRENT)
		return;
	client->phase = LIVE_BEHIND;
	client->position = before_id - 1;
	client->verified = true;
}

void
live_unhold(struct live_client *client)
{
	if (--client->holds == 0)
		live_resume(client);
}

void
live_resume_end(struct live_client *client)
{
	if (client->queued)
		dequeue(client);
	if (client->page != NULL)
		client->page->client = NULL;
}

void
live_resume_reset(struct live *live)
{
	live_recent_begin(&live->recent, feed_position(live->service->feed));
	for (struct live_client *client = live->clients; client != NULL; client = client->next)
	{
		if (client->phase != LIVE_BEHIND && client->phase != LIVE_CURRENT)
			continue;
		live_resume_end(client);
		client->page = NULL;
		client->phase = LIVE_BEHIND;
		client->drains = false;
		start_anew(client);
		live_resume(client);
	}
}
