/*
 * freshness.c - one table each for answers, writes and events.
 */
#include "freshness.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ms. A board is at most a second old, and its query takes a moment, too. */
#define BOARD_AGE 900

/* Ranks and streaks change by what other users do, or by the hour: such answers are this old at most. */
#define SAFETY_AGE 60000

/* What an answer rests on, besides GENERATION_ALL, and the viewer: what he may see changes with his roles. */
enum
{
	ON_USER = 1,				/* parameter user_id */
	ON_PROJECT = 2,				/* parameter project_id */
	ON_EDITS = 4,
	ON_BADGES = 8,
	ON_MEMBERS = 16				/* the users that its body names */
};

static const struct
{
	uint32_t	max_age;		/* ms; 0: not kept */
	unsigned	rests;
	const char *shared;			/* in front of and behind the id, in Redis; NULL: not shared */
	const char *shared_end;
	const char *shared_param;
}			answers[ACCELERATOR_COUNT] = {
	[ACCELERATOR_LEADERBOARD] = {.max_age = BOARD_AGE},
	[ACCELERATOR_PROJECT_BOARD] = {.max_age = BOARD_AGE, .rests = ON_PROJECT},
	[ACCELERATOR_PROFILE] = {SAFETY_AGE, ON_USER, "user:", ":profile", "user_id"},
	[ACCELERATOR_USER_BADGES] = {.max_age = SAFETY_AGE, .rests = ON_USER},
	[ACCELERATOR_PROJECT] = {SAFETY_AGE, ON_PROJECT | ON_EDITS | ON_MEMBERS, "project:", ":details", "project_id"},
	[ACCELERATOR_BADGES] = {.max_age = SAFETY_AGE, .rests = ON_BADGES},
	[ACCELERATOR_TIMELINE] = {.max_age = SAFETY_AGE, .rests = ON_USER},
	/* a timer that starts is no event */
	[ACCELERATOR_ACTIVITY] = {.max_age = BOARD_AGE, .rests = ON_USER},
	[ACCELERATOR_ME] = {.max_age = SAFETY_AGE},
};

/* What writes and events change. NAMED: the users and projects they name, the writer included. */
enum
{
	CHANGES_NOTHING = 0,
	CHANGES_NAMED = 1,
	CHANGES_EDITS = 2,
	CHANGES_BADGES = 4,
	CHANGES_ALL = 8
};

/*
 * Writes that change less than everything. Entries of a user are summed up in
 * his profile and in his projects' pages, which rest on their members; an edit may concern
 * a project that he has left.
 */
static const struct
{
	const char *function;
	unsigned	changes;
}			writes[] = {
	{"change_password", CHANGES_NOTHING},
	{"create_project", CHANGES_NAMED},
	{"create_webhook", CHANGES_NOTHING},
	{"delete_entry", CHANGES_NAMED | CHANGES_EDITS},
	{"delete_webhook", CHANGES_NOTHING},
	{"end_session", CHANGES_NOTHING},
	{"forgot_password", CHANGES_NOTHING},
	{"import_entries", CHANGES_NAMED | CHANGES_EDITS},
	{"join_project", CHANGES_NAMED},
	{"login", CHANGES_NOTHING},
	{"logout", CHANGES_NOTHING},
	{"read_notifications", CHANGES_NOTHING},
	{"refresh", CHANGES_NOTHING},
	{"reset_password", CHANGES_NOTHING},
	{"retry_webhook_delivery", CHANGES_NOTHING},
	{"rotate_webhook_secret", CHANGES_NOTHING},
	{"signup", CHANGES_NOTHING},
	{"start_entry", CHANGES_NAMED},
	{"stop_entry", CHANGES_NAMED},
	{"test_webhook", CHANGES_NOTHING},
	{"unsubscribe", CHANGES_NOTHING},	/* whose it was is told by the event */
	{"update_entry", CHANGES_NAMED | CHANGES_EDITS},
	{"update_webhook", CHANGES_NOTHING},
};

/* Events by topic; others change what they name. */
static const struct
{
	const char *topic;
	unsigned	changes;
}			events[] = {
	{"badge_awarded", CHANGES_NAMED | CHANGES_BADGES},
	{"badges_changed", CHANGES_ALL},
	{"entries_imported", CHANGES_NAMED | CHANGES_EDITS},
	{"leaderboard_changed", CHANGES_NOTHING},
	{"notification_created", CHANGES_NOTHING},
	{"project_changed", CHANGES_NAMED | CHANGES_ALL},
	{"score_changed", CHANGES_NAMED | CHANGES_EDITS},
};

#define LENGTH(table) (sizeof table / sizeof table[0])

/* ---- answers ---- */

bool
freshness_keeps(const struct catalog_route *route)
{
	return answers[route->accelerator].max_age > 0;
}

/* A parameter that is an id; 0 when it is none, or absent. */
static int64_t
id_param(const struct catalog_route *route, const struct param_values *values, const char *name)
{
	const char *text = catalog_value(route, values, name);

	return text != NULL ? strtoll(text, NULL, 10) : 0;
}

/* Whom the answer is for, when that matters; NULL: anybody, or a visitor. */
static const char *
viewer_of(const struct catalog_route *route, const struct param_values *values)
{
	return route->viewer >= 0 ? values->value[route->viewer] : NULL;
}

void
freshness_begin(struct basis *basis, const struct catalog_route *route, const struct param_values *values)
{
	unsigned	rests = answers[route->accelerator].rests;

	basis->max_age = answers[route->accelerator].max_age;
	basis->slot_count = 0;
	(void) basis_add(basis, GENERATION_ALL);	/* there is room for all of these */
	if (viewer_of(route, values) != NULL)
		(void) basis_add(basis, generation_of_user(strtoll(viewer_of(route, values), NULL, 10)));
	if (rests & ON_USER)
		(void) basis_add(basis, generation_of_user(id_param(route, values, "user_id")));
	if (rests & ON_PROJECT)
		(void) basis_add(basis, generation_of_project(id_param(route, values, "project_id")));
	if (rests & ON_EDITS)
		(void) basis_add(basis, GENERATION_EDITS);
	if (rests & ON_BADGES)
		(void) basis_add(basis, GENERATION_BADGES);
	/* who they are is known when the answer is there */
	if (rests & ON_MEMBERS)
		(void) basis_add(basis, GENERATION_USERS);
}

void
freshness_complete(struct basis *basis, const struct catalog_route *route, const char *body, size_t length)
{
	static const char mark[] = "\"user_id\":";
	struct basis wanted = *basis;
	const char *end = body + length;
	const char *at = body;

	if (!(answers[route->accelerator].rests & ON_MEMBERS))
		return;
	/* quotes within strings are escaped, so only a member's name looks like that */
	while ((at = memmem(at, (size_t) (end - at), mark, sizeof mark - 1)) != NULL)
	{
		at += sizeof mark - 1;
		if (!basis_add(&wanted, generation_of_user(strtoll(at, NULL, 10))))
			return;				/* so many that it rests on all of them */
	}
	basis_drop(&wanted, GENERATION_USERS);
	*basis = wanted;
}

void
freshness_of_viewer(struct basis *basis, int64_t user_id)
{
	basis->max_age = SAFETY_AGE;
	basis->slot_count = 0;
	(void) basis_add(basis, GENERATION_ALL);
	(void) basis_add(basis, generation_of_user(user_id));
}

bool
freshness_shared_key(const struct catalog_route *route, const struct param_values *values,
					 char key[FRESHNESS_KEY_MAX])
{
	const char *param = answers[route->accelerator].shared_param;

	if (param == NULL || viewer_of(route, values) != NULL)
		return false;
	snprintf(key, FRESHNESS_KEY_MAX, "%s%" PRId64 "%s", answers[route->accelerator].shared,
			 id_param(route, values, param), answers[route->accelerator].shared_end);
	return true;
}

/* ---- changes ---- */

static void
add_slot(struct changes *changes, unsigned slot)
{
	changes->slots[changes->slot_count++] = slot;
}

static void
add_key(struct changes *changes, enum catalog_accelerator kind, int64_t id)
{
	snprintf(changes->keys[changes->key_count++], FRESHNESS_KEY_MAX, "%s%" PRId64 "%s",
			 answers[kind].shared, id, answers[kind].shared_end);
}

static void
add_user(struct changes *changes, int64_t user_id)
{
	if (user_id <= 0)
		return;
	add_slot(changes, generation_of_user(user_id));
	add_key(changes, ACCELERATOR_PROFILE, user_id);
}

static void
add_project(struct changes *changes, int64_t project_id)
{
	if (project_id <= 0)
		return;
	add_slot(changes, generation_of_project(project_id));
	add_key(changes, ACCELERATOR_PROJECT, project_id);
}

/* Slots that go by what is changed, not by whose it is. */
static void
add_kinds(struct changes *changes, unsigned what)
{
	if (what & CHANGES_NAMED)
		add_slot(changes, GENERATION_USERS);
	if (what & CHANGES_EDITS)
		add_slot(changes, GENERATION_EDITS);
	if (what & CHANGES_BADGES)
		add_slot(changes, GENERATION_BADGES);
	if (what & CHANGES_ALL)
		add_slot(changes, GENERATION_ALL);
}

void
freshness_of_write(struct changes *changes, const struct catalog_route *route,
				   const struct param_values *values, int64_t viewer_id)
{
	unsigned	what = CHANGES_NAMED | CHANGES_ALL;

	*changes = (struct changes) {0};
	for (size_t i = 0; i < LENGTH(writes); i++)
		if (strcmp(writes[i].function, route->function) == 0)
			what = writes[i].changes;
	add_kinds(changes, what);
	if (!(what & CHANGES_NAMED))
		return;
	add_user(changes, viewer_id);
	add_user(changes, id_param(route, values, "user_id"));
	add_project(changes, id_param(route, values, "project_id"));
}

/* Does it tell of somebody who joined, left, or has another role? Then the project's name and audience are as before. */
static bool
is_about_member(const struct feed_event *event)
{
	/* quotes within strings are escaped, so no text of a user's looks like that */
	return memmem(event->data, event->data_length, "\"change\": \"member\"", 18) != NULL;
}

void
freshness_of_event(struct changes *changes, const struct feed_event *event)
{
	unsigned	what = CHANGES_NAMED;

	*changes = (struct changes) {0};
	for (size_t i = 0; i < LENGTH(events); i++)
		if (strcmp(events[i].topic, event->topic) == 0)
			what = events[i].changes;
	if (strcmp(event->topic, "project_changed") == 0 && is_about_member(event))
		what = CHANGES_NAMED;
	add_kinds(changes, what);
	if (!(what & CHANGES_NAMED))
		return;
	add_user(changes, event->user_id);
	add_project(changes, event->project_id);
}
