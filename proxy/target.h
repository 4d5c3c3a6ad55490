/*
 * target.h - a request target (/a/b?c=d) taken apart and percent-decoded.
 */
#ifndef TIMETRACKR_TARGET_H
#define TIMETRACKR_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "catalog.h"
#include "problem.h"

/* Most name=value pairs of a query string. */
#define TARGET_QUERY_MAX 32

struct target_pair
{
	const char *name;
	const char *value;
};

/* Everything in it lives in the arena. */
struct target
{
	const char *path;			/* as received */
	size_t		path_length;
	const char *segments[CATALOG_SEGMENTS_MAX];
	size_t		segment_count;	/* more than CATALOG_SEGMENTS_MAX: no route has so many */
	struct target_pair query[TARGET_QUERY_MAX];
	size_t		query_count;
};

/*
 * Take a raw target apart. False with the problem set when it is not
 * well-formed: bad percent sequence, not UTF-8, NUL, too many parameters.
 */
bool		target_parse(const char *raw, struct target *target, struct arena *arena,
						 struct problem *problem);

/*
 * The route for a method and a target; fixed segments win over parameters.
 * NULL: none. `allowed` gets a bit (1 << method) for each method of the path.
 */
const struct catalog_route *target_match(const struct catalog *catalog,
										 enum catalog_method method,
										 const struct target *target, unsigned *allowed);

#endif
