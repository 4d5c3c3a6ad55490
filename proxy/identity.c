/*
 * identity.c - subjects of the provider → users (see identity.h).
 */
#include "identity.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "log.h"
#include "statement.h"
#include "text_cache.h"

/* An eighth of the number of users that are remembered. */
#define CACHE_SETS 1024

static const struct db_statement statement = {
	.id = STATEMENT_IDENTITY,
	.sql = "SELECT timetrackr.external_user($1::pg_catalog.text, $2::pg_catalog.text,"
	" pg_catalog.to_timestamp($3::pg_catalog.float8), $4::pg_catalog.text, $5::pg_catalog.text)::pg_catalog.text"
};

struct identities
{
	struct feed *feed;
	struct feed_listener listener;
	struct lane *lane;
	char	   *issuer;
	struct text_cache *users;	/* subject → int64_t */
	uint64_t	changes;		/* times that something was forgotten */
};

struct identity_lookup
{
	struct identities *identities;
	struct identity_wait *wait;	/* NULL: nobody waits any more */
	struct lane_job job;
	uint64_t	changes;		/* when it was asked: what was forgotten since is not to come back */
	struct arena arena;
	const char *subject;
	const char *values[5];
};

/* ---- what is known ---- */

static bool
is_of_user(const void *value, const void *arg)
{
	return *(const int64_t *) value == *(const int64_t *) arg;
}

void
identity_forget(struct identities *identities, int64_t user_id)
{
	identities->changes++;
	text_cache_drop(identities->users, is_of_user, &user_id);
}

static void
forget_all(void *arg)
{
	struct identities *identities = arg;

	identities->changes++;
	text_cache_drop(identities->users, NULL, NULL);
}

static void
event_came(void *arg, const struct feed_event *event)
{
	if (event->user_id != 0 && strcmp(event->topic, "profile_changed") == 0)
		identity_forget(arg, event->user_id);
}

static void
feed_changed(void *arg, bool current)
{
	if (!current)
		forget_all(arg);
}

int64_t
identity_known(struct identities *identities, const struct token *token)
{
	const int64_t *user_id = text_cache_find(identities->users, token->subject, strlen(token->subject));

	return user_id != NULL ? *user_id : 0;
}

/* Remember what the database said, unless something may have changed since it was asked. */
static void
remember(const struct identity_lookup *lookup, int64_t user_id)
{
	struct identities *identities = lookup->identities;
	size_t		length = strlen(lookup->subject);
	int64_t    *value;

	if (lookup->changes != identities->changes || !feed_is_current(identities->feed) ||
		text_cache_find(identities->users, lookup->subject, length) != NULL)
		return;
	value = malloc(sizeof *value);
	if (value == NULL)
		return;					/* it will be asked for again */
	*value = user_id;
	(void) text_cache_keep(identities->users, lookup->subject, length, value);
}

/* ---- asking ---- */

static void
free_lookup(struct identity_lookup *lookup)
{
	arena_free(&lookup->arena);
	free(lookup);
}

/* What came of it: the user, or 0 and the problem. */
static int64_t
read_result(struct identity_lookup *lookup, const struct db_result *result, struct problem *problem)
{
	const char *value;

	if (result != NULL && db_result_outcome(result) == DB_OK)
	{
		value = db_result_rows(result) == 1 ? db_result_value(result, 0, 0) : NULL;
		if (value != NULL)
			return strtoll(value, NULL, 10);
		problem_set(problem, 500, "internal_error", "The token's user could not be found out.");
	}
	else if (result != NULL && db_result_outcome(result) == DB_ERROR)
	{
		if (!problem_from_error(problem, result, &lookup->arena))
			problem_set(problem, 503, "out_of_memory", "The server is out of memory.");
		if (problem->status >= 500)
			log_event(LEVEL_ERROR, "identity_failed", "sqlstate", db_error_sqlstate(result),
					  "error", db_error_message(result), NULL);
	}
	else
		problem_set(problem, 503, "database_unavailable", "The database is not available.");
	return 0;
}

static void
answered(struct lane_job *job, struct db_result *result)
{
	struct identity_lookup *lookup = job->arg;
	struct identity_wait *wait = lookup->wait;
	struct problem problem = {0};
	int64_t		user_id = read_result(lookup, result, &problem);

	if (user_id != 0)
		remember(lookup, user_id);
	if (wait != NULL)
	{
		wait->lookup = NULL;
		wait->done(wait->arg, user_id, &problem);
	}
	free_lookup(lookup);
}

static bool
is_wanted(const struct lane_job *job)
{
	return ((const struct identity_lookup *) job->arg)->wait != NULL;
}

/* Copy a value; NULL stays NULL. False when memory is out. */
static bool
put_value(struct identity_lookup *lookup, int n, const char *value)
{
	if (value != NULL)
		lookup->values[n] = arena_copy(&lookup->arena, value, strlen(value));
	return lookup->values[n] != NULL || value == NULL;
}

bool
identity_ask(struct identities *identities, const struct token *token, struct identity_wait *wait)
{
	struct identity_lookup *lookup = calloc(1, sizeof *lookup);

	if (lookup == NULL)
		return false;
	lookup->values[2] = arena_printf(&lookup->arena, "%" PRId64, token->issued);
	if (!put_value(lookup, 0, identities->issuer) || !put_value(lookup, 1, token->subject) ||
		lookup->values[2] == NULL || !put_value(lookup, 3, token->username) || !put_value(lookup, 4, token->email))
	{
		free_lookup(lookup);
		return false;
	}
	lookup->identities = identities;
	lookup->subject = lookup->values[1];
	lookup->changes = identities->changes;
	lookup->wait = wait;
	wait->lookup = lookup;
	lookup->job = (struct lane_job) {
		.statement = &statement,
		.value_count = 5,
		.values = lookup->values,
		.done = answered,
		.is_wanted = is_wanted,
		.arg = lookup,
	};
	if (lane_submit(identities->lane, &lookup->job))
		return true;
	wait->lookup = NULL;
	free_lookup(lookup);
	return false;
}

void
identity_leave(struct identity_wait *wait)
{
	struct identity_lookup *lookup = wait->lookup;

	if (lookup == NULL)
		return;
	wait->lookup = NULL;
	lookup->wait = NULL;
	if (lane_withdraw(&lookup->job))
		free_lookup(lookup);
}

/* ---- the whole ---- */

struct identities *
identities_open(struct feed *feed, struct lane *lane, const char *issuer)
{
	struct identities *identities = calloc(1, sizeof *identities);

	if (identities == NULL)
		return NULL;
	identities->feed = feed;
	identities->lane = lane;
	identities->issuer = strdup(issuer);
	identities->users = text_cache_create(CACHE_SETS);
	if (identities->issuer == NULL || identities->users == NULL)
	{
		identities_close(identities);
		return NULL;
	}
	identities->listener = (struct feed_listener) {
		.event = event_came, .current = feed_changed, .reset = forget_all, .arg = identities
	};
	feed_listen(feed, &identities->listener);
	return identities;
}

void
identities_end(struct identities *identities)
{
	if (identities != NULL)
		feed_ignore(identities->feed, &identities->listener);
}

void
identities_close(struct identities *identities)
{
	if (identities == NULL)
		return;
	if (identities->users != NULL)
		text_cache_free(identities->users);
	free(identities->issuer);
	free(identities);
}
