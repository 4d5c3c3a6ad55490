/*
 * live_users.c - do the users of live clients still exist?
 *
 * Asked of every client before it is told of anything, and once each interval
 * of its pings. Many are asked about in one statement; the users of the next one gather meanwhile.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "live_state.h"
#include "log.h"
#include "statement.h"

/* Most users of one statement. */
#define USERS_MAX 1000

/* ms: users that are in no hurry wait for others. */
#define GATHERING 1000

static const struct db_statement statement = {
	.id = STATEMENT_LIVE_USERS,
	.sql = "SELECT u FROM pg_catalog.unnest($1::pg_catalog.int8[]) u WHERE NOT timetrackr.user_exists(u)"
};

static void ask(void *arg);

static void
ask_again(struct live *live, uint64_t delay)
{
	if (live->checks.count > 0 && !live->stopped)
		loop_timer_set(live->service->loop, &live->checks.timer, delay, ask, live);
}

/* What was found out about one of them: his clients go, or those that waited for it come in. */
static void
settle(struct live *live, int64_t user_id, bool is_gone)
{
	struct live_client *next;

	for (struct live_client *client = idmap_get(&live->users, user_id); client != NULL; client = next)
	{
		next = client->next_of_user;
		if (is_gone)
			peer_close(&client->peer, LIVE_UNAUTHORIZED, "the token's user does not exist");
		else
			live_client_admit(client);
	}
}

/* Settle those that were asked about. */
static void
take_answer(struct live *live, const struct db_result *result)
{
	struct live_users *checks = &live->checks;
	size_t		asked = checks->asked_count;
	int			rows = db_result_rows(result);

	for (size_t i = 0; i < asked; i++)
	{
		bool		is_gone = false;

		/* there is hardly ever one */
		for (int row = 0; row < rows && !is_gone; row++)
			is_gone = strtoll(db_result_value(result, row, 0), NULL, 10) == checks->asked[i];
		settle(live, checks->asked[i], is_gone);
	}
	memmove(checks->asked, checks->asked + asked, (checks->count - asked) * sizeof *checks->asked);
	checks->count -= asked;
}

static void
answered(struct lane_job *job, struct db_result *result)
{
	struct live *live = job->arg;
	struct live_users *checks = &live->checks;
	bool		good = result != NULL && db_result_outcome(result) == DB_OK;

	checks->in_flight = false;
	if (live->stopped)
		return;
	if (good)
		take_answer(live, result);
	else if (result != NULL && db_result_outcome(result) == DB_ERROR)
		log_event(LEVEL_ERROR, "live_failed", "sqlstate", db_error_sqlstate(result),
				  "error", db_error_message(result), NULL);
	checks->asked_count = 0;
	ask_again(live, good ? 0 : LIVE_RETRY);
}

static bool
always_wanted(const struct lane_job *job)
{
	(void) job;
	return true;
}

static void
ask(void *arg)
{
	struct live *live = arg;
	struct live_users *checks = &live->checks;

	text_reset(&checks->list);
	checks->asked_count = checks->count < USERS_MAX ? checks->count : USERS_MAX;
	for (size_t i = 0; i < checks->asked_count; i++)
		text_printf(&checks->list, "%c%" PRId64, i > 0 ? ',' : '{', checks->asked[i]);
	text_add_char(&checks->list, '}');
	if (!checks->list.failed)
	{
		checks->values[0] = checks->list.data;
		checks->job = (struct lane_job) {
			.statement = &statement, .value_count = 1, .values = checks->values,
			.done = answered, .is_wanted = always_wanted, .arg = live
		};
		checks->in_flight = true;
		if (lane_submit(live->lane, &checks->job))
			return;
		checks->in_flight = false;
	}
	text_free(&checks->list);
	checks->asked_count = 0;
	ask_again(live, LIVE_RETRY);
}

/* Add a user to those of the next statement. */
static bool
add(struct live_users *checks, int64_t user_id)
{
	if (checks->count == checks->capacity)
	{
		size_t		capacity = checks->capacity > 0 ? checks->capacity * 2 : 16;
		int64_t    *asked = realloc(checks->asked, capacity * sizeof *asked);

		if (asked == NULL)
			return false;
		checks->asked = asked;
		checks->capacity = capacity;
	}
	checks->asked[checks->count++] = user_id;
	return true;
}

void
live_users_ask(struct live *live, int64_t user_id, bool soon)
{
	struct live_users *checks = &live->checks;

	/* without memory: a new client has a deadline for this, an old one is asked about again */
	if (!add(checks, user_id))
	{
		log_event(LEVEL_ERROR, "live_failed", "error", "out of memory", NULL);
		return;
	}
	if (checks->in_flight)
		return;
	if (!checks->timer.active || soon)
		ask_again(live, soon ? 0 : GATHERING);
}

void
live_users_free(struct live *live)
{
	loop_timer_stop(live->service->loop, &live->checks.timer);
	free(live->checks.asked);
	text_free(&live->checks.list);
}
