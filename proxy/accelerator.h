/*
 * accelerator.h - how something faster than SQL may answer a read.
 *
 * A route of routes.def may name an accelerator. It is tried first; when it
 * declines, at once or later, the request goes to SQL as if nothing happened.
 * What it answers must be what the SQL function would have answered.
 */
#ifndef TIMETRACKR_ACCELERATOR_H
#define TIMETRACKR_ACCELERATOR_H

#include "catalog.h"

/* One row of a list: the object that timetrackr.json() would give, and the cursor columns. */
struct accelerated_row
{
	const char *json;
	size_t		length;
	const char *keys[CATALOG_KEYS_MAX]; /* as text, in the order of route->keys */
};

/*
 * The answer: `answered` false means "fall back to SQL". Rows are at most as
 * many as the parameter `limit` says (it asks for one more than the page
 * holds) and are not needed any more when the call returns.
 */
typedef void accelerator_done_fn(void *arg, bool answered, const struct accelerated_row *rows,
								 size_t row_count);

/*
 * Try to answer. False: declined, and done() will not be called. True: done()
 * will be called exactly once, within this call or later. `values` is not valid after the call.
 */
typedef bool accelerator_try_fn(void *state, const struct catalog_route *route,
								const struct param_values *values,
								accelerator_done_fn *done, void *arg);

struct accelerator
{
	accelerator_try_fn *attempt;
	void	   *state;
};

#endif
