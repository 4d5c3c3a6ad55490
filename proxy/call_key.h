/*
 * call_key.h - under which key an answer is kept: the route, and the values of the
 * call, the viewer where the function asks for him. Two calls of one key have the same answer.
 */
#ifndef TIMETRACKR_CALL_KEY_H
#define TIMETRACKR_CALL_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog.h"

/* Longest key; a call that needs a longer one has none. */
#define CALL_KEY_MAX 512

struct call_key
{
	size_t		length;
	char		bytes[CALL_KEY_MAX];
};

/* The key of a call; false when that is too long. */
bool		call_key_of(struct call_key *key, const struct catalog *catalog,
						const struct catalog_route *route, const struct param_values *values);

/* The key under which it is kept that a user exists. */
void		call_key_of_viewer(struct call_key *key, int64_t user_id);

bool		call_key_equals(const struct call_key *a, const struct call_key *b);

unsigned	call_key_hash(const struct call_key *key);

#endif
