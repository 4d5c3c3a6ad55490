/*
 * live_follow.c - who follows which project.
 *
 * A project is asked about in one statement for all its followers in doubt:
 * the new ones, and after project_changed everybody. A client in doubt is held: it
 * stays behind until the answer is there, and is then told of what it may see.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "live_state.h"
#include "log.h"
#include "statement.h"

static const struct db_statement statement = {
	.id = STATEMENT_LIVE_FOLLOWERS,
	.sql = "SELECT u FROM pg_catalog.unnest($1::pg_catalog.int8[]) u"
	" WHERE timetrackr.project_visible(u, $2::pg_catalog.int8)"
};

enum follow_state
{
	FOLLOW_NEW,					/* not decided yet */
	FOLLOW_DOUBTED,				/* was allowed, and is asked about again; holds its client */
	FOLLOW_ALLOWED
};

struct live_project
{
	struct live *live;
	int64_t		id;
	struct live_follow *followers;
	struct lane_job job;
	bool		in_flight;
	bool		outdated;		/* the project has changed since the question in flight was sent */
	struct text list;
	char		id_text[24];
	const char *values[2];
	struct loop_timer timer;
};

struct live_follow
{
	struct live_client *client;
	struct live_project *project;
	enum follow_state state;
	bool		is_asked;		/* in the statement in flight */
	struct live_follow *next;	/* of the project */
	struct live_follow *previous;
	struct live_follow *next_of_client;
};

static void ask(void *arg);

/* ---- the two lists ---- */

static struct live_follow *
find(const struct live_client *client, int64_t project_id)
{
	struct live_follow *follow = client->follows;

	while (follow != NULL && follow->project->id != project_id)
		follow = follow->next_of_client;
	return follow;
}

bool
live_follows(const struct live_client *client, int64_t project_id)
{
	const struct live_follow *follow = find(client, project_id);

	return follow != NULL && follow->state == FOLLOW_ALLOWED;
}

static void
free_project(struct live_project *project)
{
	loop_timer_stop(project->live->service->loop, &project->timer);
	(void) idmap_put(&project->live->projects, project->id, NULL);	/* needs no memory */
	text_free(&project->list);
	free(project);
}

static struct live_project *
get_project(struct live *live, int64_t id)
{
	struct live_project *project = idmap_get(&live->projects, id);

	if (project != NULL)
		return project;
	project = calloc(1, sizeof *project);
	if (project == NULL)
		return NULL;
	project->live = live;
	project->id = id;
	snprintf(project->id_text, sizeof project->id_text, "%" PRId64, id);
	if (idmap_put(&live->projects, id, project))
		return project;
	free(project);
	return NULL;
}

/* Take a follow out of both lists, and with the last one of a project the project. */
static void
end_follow(struct live_follow *follow)
{
	struct live_project *project = follow->project;
	struct live_follow **at = &follow->client->follows;

	while (*at != follow)
		at = &(*at)->next_of_client;
	*at = follow->next_of_client;
	follow->client->follow_count--;
	if (follow->previous != NULL)
		follow->previous->next = follow->next;
	else
		project->followers = follow->next;
	if (follow->next != NULL)
		follow->next->previous = follow->previous;
	free(follow);
	if (project->followers == NULL && !project->in_flight)
		free_project(project);
}

static struct live_follow *
add_follow(struct live_client *client, int64_t project_id)
{
	struct live_follow *follow = calloc(1, sizeof *follow);
	struct live_project *project = follow != NULL ? get_project(client->live, project_id) : NULL;

	if (project == NULL)
	{
		free(follow);
		return NULL;
	}
	follow->client = client;
	follow->project = project;
	follow->next_of_client = client->follows;
	client->follows = follow;
	client->follow_count++;
	follow->next = project->followers;
	if (follow->next != NULL)
		follow->next->previous = follow;
	project->followers = follow;
	return follow;
}

/* ---- telling the client ---- */

static void
tell(struct live_client *client, const char *topic, int64_t project_id)
{
	char		data[48];

	snprintf(data, sizeof data, "{\"project_id\":%" PRId64 "}", project_id);
	live_tell(client, topic, data, live_position(client));
}

/* ---- asking ---- */

static void
ask_again(struct live_project *project)
{
	loop_timer_set(project->live->service->loop, &project->timer, LIVE_RETRY, ask, project);
}

/* He may not, or no longer: he is told so, and follows it no more. */
static void
refuse(struct live_follow *follow)
{
	struct live_client *client = follow->client;
	bool		held = follow->state == FOLLOW_DOUBTED;

	if (held)
		tell(client, "unsubscribed", follow->project->id);
	else
		live_refuse(client, "project_not_found", "There is no such project.", follow->project->id);
	end_follow(follow);
	if (held)
		live_unhold(client);
}

static void
allow(struct live_follow *follow)
{
	bool		held = follow->state == FOLLOW_DOUBTED;

	follow->state = FOLLOW_ALLOWED;
	if (held)
		live_unhold(follow->client);
	else
		tell(follow->client, "subscribed", follow->project->id);
}

/* Decide about all that were asked about. The project is freed with its last follower. */
static void
decide(struct live_project *project, const struct idmap *allowed)
{
	struct live_follow *next;

	for (struct live_follow *follow = project->followers; follow != NULL; follow = next)
	{
		next = follow->next;
		if (!follow->is_asked)
			continue;
		follow->is_asked = false;
		if (idmap_get(allowed, follow->client->user_id) != NULL)
			allow(follow);
		else
			refuse(follow);
	}
}

/* The users that may see the project; false when memory is out. */
static bool
read_users(struct idmap *users, const struct db_result *result)
{
	for (int row = 0; row < db_result_rows(result); row++)
		if (!idmap_put(users, strtoll(db_result_value(result, row, 0), NULL, 10), users))
			return false;
	return true;
}

static bool
is_undecided(const struct live_project *project)
{
	for (const struct live_follow *follow = project->followers; follow != NULL; follow = follow->next)
		if (follow->state != FOLLOW_ALLOWED)
			return true;
	return false;
}

static void
answered(struct lane_job *job, struct db_result *result)
{
	struct live_project *project = job->arg;
	struct live *live = project->live;
	int64_t		id = project->id;
	struct idmap users = {0};
	bool		good = result != NULL && db_result_outcome(result) == DB_OK && read_users(&users, result);

	project->in_flight = false;
	if (project->followers == NULL)
		free_project(project);
	else if (good && !project->outdated && !live->stopped)
		decide(project, &users);
	if (result != NULL && db_result_outcome(result) == DB_ERROR)
		log_event(LEVEL_ERROR, "live_failed", "sqlstate", db_error_sqlstate(result),
				  "error", db_error_message(result), NULL);
	idmap_free(&users);
	project = idmap_get(&live->projects, id);	/* it may be gone */
	if (project == NULL || live->stopped || !is_undecided(project))
		return;
	if (good)
		ask(project);
	else
		ask_again(project);
}

static bool
is_wanted(const struct lane_job *job)
{
	const struct live_project *project = job->arg;

	return project->followers != NULL;
}

/* Ask about everybody who is in doubt. */
static void
ask(void *arg)
{
	struct live_project *project = arg;

	project->outdated = project->in_flight;
	if (project->in_flight)
		return;
	loop_timer_stop(project->live->service->loop, &project->timer);
	text_reset(&project->list);
	for (struct live_follow *follow = project->followers; follow != NULL; follow = follow->next)
	{
		follow->is_asked = follow->state != FOLLOW_ALLOWED;
		if (follow->is_asked)
			text_printf(&project->list, "%c%" PRId64, project->list.length > 0 ? ',' : '{',
						follow->client->user_id);
	}
	text_add_char(&project->list, '}');
	project->values[0] = project->list.data;
	project->values[1] = project->id_text;
	project->job = (struct lane_job) {
		.statement = &statement, .value_count = 2, .values = project->values,
		.done = answered, .is_wanted = is_wanted, .arg = project
	};
	project->in_flight = true;
	if (!project->list.failed && lane_submit(project->live->lane, &project->job))
		return;
	project->in_flight = false;
	if (project->list.failed)
		text_free(&project->list);
	ask_again(project);
}

/* ---- from outside ---- */

void
live_follow(struct live_client *client, int64_t project_id)
{
	struct live_follow *follow = find(client, project_id);

	if (client->user_id == 0 || client->peer.state != PEER_OPEN)
		return;
	if (follow != NULL && follow->state == FOLLOW_ALLOWED)
		tell(client, "subscribed", project_id);
	if (follow != NULL)
		return;
	if (client->follow_count == LIVE_FOLLOWS_MAX)
	{
		live_refuse(client, "too_many_subscriptions", "Nobody can follow more projects.", project_id);
		return;
	}
	follow = add_follow(client, project_id);
	if (follow == NULL)
		peer_close(&client->peer, WEBSOCKET_TRY_LATER, "out of memory");
	else if (!follow->project->in_flight && !follow->project->timer.active)
		ask(follow->project);	/* otherwise it is among the next ones */
}

void
live_unfollow(struct live_client *client, int64_t project_id)
{
	struct live_follow *follow = find(client, project_id);
	bool		held = follow != NULL && follow->state == FOLLOW_DOUBTED;

	if (follow != NULL)
		end_follow(follow);
	tell(client, "unsubscribed", project_id);
	if (held)
		live_unhold(client);
}

void
live_follow_reset(struct live_client *client)
{
	for (struct live_follow *follow = client->follows; follow != NULL; follow = follow->next_of_client)
		if (follow->state == FOLLOW_ALLOWED)
			tell(client, "reset", follow->project->id);
}

void
live_follow_end(struct live_client *client)
{
	struct live_follow *next;

	for (struct live_follow *follow = client->follows; follow != NULL; follow = next)
	{
		next = follow->next_of_client;
		end_follow(follow);
	}
}

void
live_project_changed(struct live *live, int64_t project_id, int64_t event_id)
{
	struct live_project *project = idmap_get(&live->projects, project_id);

	if (project == NULL)
		return;
	for (struct live_follow *follow = project->followers; follow != NULL; follow = follow->next)
	{
		if (follow->state != FOLLOW_ALLOWED)
			continue;
		follow->state = FOLLOW_DOUBTED;
		live_hold(follow->client, event_id);
	}
	if (project->followers != NULL)
		ask(project);
}

void
live_follow_send(struct live *live, const struct feed_event *event, struct frame *frame)
{
	struct live_project *project = idmap_get(&live->projects, event->project_id);

	if (project == NULL)
		return;
	for (struct live_follow *follow = project->followers; follow != NULL; follow = follow->next)
		if (follow->state == FOLLOW_ALLOWED && follow->client->phase == LIVE_CURRENT &&
			follow->client->user_id != event->user_id)
			peer_send(&follow->client->peer, frame);
}
