/*
 * idmap.h - ids of rows → pointers: a hash table that grows and shrinks with what is in it.
 */
#ifndef TIMETRACKR_IDMAP_H
#define TIMETRACKR_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct idmap_place
{
	int64_t		id;				/* 0: free */
	void	   *value;
};

/* A zeroed struct is an empty map. */
struct idmap
{
	struct idmap_place *places;
	size_t		size;			/* a power of two, or 0 */
	size_t		count;
};

/* The value of an id, which is never 0; NULL when it has none. */
void	   *idmap_get(const struct idmap *map, int64_t id);

/* Set the value of an id; NULL takes it out. False, with nothing changed, when memory is out. */
bool		idmap_put(struct idmap *map, int64_t id, void *value);

/* Free the map's own memory; it is empty then. */
void		idmap_free(struct idmap *map);

#endif
