/*
 * freshness.h - the rules of the cache: which answers are kept and for how long,
 * what each rests on, and what writes and events change.
 *
 * Kept are answers of the routes that routes.def marks so. A
 * rule left out here makes answers stale, so what is not known changes everything.
 */
#ifndef TIMETRACKR_FRESHNESS_H
#define TIMETRACKR_FRESHNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "basis.h"
#include "catalog.h"
#include "feed.h"

/* Longest key in Redis, with its NUL; most keys that a write or an event concerns. */
#define FRESHNESS_KEY_MAX 48
#define FRESHNESS_KEYS_MAX 4

/* How long Redis keeps an answer, in ms. */
#define FRESHNESS_SHARED_AGE 60000

/* Slots that something changes, and the keys in Redis that are to go. */
struct changes
{
	unsigned	slots[8];
	size_t		slot_count;
	char		keys[FRESHNESS_KEYS_MAX][FRESHNESS_KEY_MAX];
	size_t		key_count;
};

/* Are answers of this route kept? */
bool		freshness_keeps(const struct catalog_route *route);

/* Fill in how long an answer to this call is kept, and what it rests on as far as the call tells. */
void		freshness_begin(struct basis *basis, const struct catalog_route *route,
							const struct param_values *values);

/* Now the answer is there, ended by a NUL: it may name users whom it rests on, too. */
void		freshness_complete(struct basis *basis, const struct catalog_route *route,
							   const char *body, size_t length);

/* What it rests on that a token's user is known to exist. */
void		freshness_of_viewer(struct basis *basis, int64_t user_id);

/* The key under which all proxies share the answer to a call; false: they do not, as it is some viewer's own. */
bool		freshness_shared_key(const struct catalog_route *route, const struct param_values *values,
								 char key[FRESHNESS_KEY_MAX]);

/* What a write has changed, by the user who made it. */
void		freshness_of_write(struct changes *changes, const struct catalog_route *route,
							   const struct param_values *values, int64_t viewer_id);

/* What an event tells of. */
void		freshness_of_event(struct changes *changes, const struct feed_event *event);

#endif
