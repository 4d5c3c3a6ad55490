/*
 * public_key.h - under which key an answer is kept: the route, and the values of the
 * call, the viewer where the function asks for him. Two calls of one key have the same answer.
 */
#ifndef TIMETRACKR_PUBLIC_KEY_H
#define TIMETRACKR_PUBLIC_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog.h"

/* Longest key; a call that needs a longer one has none. */
#define PUBLIC_KEY_MAX 512

struct public_key
{
	size_t		length;
	char		bytes[PUBLIC_KEY_MAX];
};

/* The key of a call; false when that is too long. */
bool		public_key_of_call(struct public_key *key, const struct catalog *catalog,
							   const struct catalog_route *route, const struct param_values *values);

/* The key under which it is kept that a user exists. */
void		public_key_of_viewer(struct public_key *key, int64_t user_id);

bool		public_key_equals(const struct public_key *a, const struct public_key *b);

unsigned	public_key_hash(const struct public_key *key);

#endif
