/*
 * idmap.c - linear probing, at most two thirds full, without tombstones.
 */
#include "idmap.h"

#include <stdlib.h>

#define SIZE_MIN 16

/* Where an id belongs. Ids are given out by the database, not by clients: a fixed hash does. */
static size_t
home(const struct idmap *map, int64_t id)
{
	uint64_t	hash = (uint64_t) id * UINT64_C(0x9E3779B97F4A7C15);

	return (size_t) (hash >> 32) & (map->size - 1);
}

/* The place of an id, or the free one where it would be put. */
static struct idmap_place *
find(const struct idmap *map, int64_t id)
{
	size_t		at = home(map, id);

	while (map->places[at].id != 0 && map->places[at].id != id)
		at = (at + 1) & (map->size - 1);
	return &map->places[at];
}

void *
idmap_get(const struct idmap *map, int64_t id)
{
	return map->size > 0 ? find(map, id)->value : NULL;
}

static bool
resize(struct idmap *map, size_t size)
{
	struct idmap bigger = {calloc(size, sizeof *bigger.places), size, map->count};

	if (bigger.places == NULL)
		return false;
	for (size_t i = 0; i < map->size; i++)
		if (map->places[i].id != 0)
			*find(&bigger, map->places[i].id) = map->places[i];
	free(map->places);
	*map = bigger;
	return true;
}

/* Free a place, and move up those behind it that would not be found any more. */
static void
take_out(struct idmap *map, struct idmap_place *place)
{
	size_t		mask = map->size - 1;
	size_t		hole = (size_t) (place - map->places);

	for (size_t at = (hole + 1) & mask; map->places[at].id != 0; at = (at + 1) & mask)
	{
		size_t		distance = (at - home(map, map->places[at].id)) & mask;

		if (distance < ((at - hole) & mask))
			continue;
		map->places[hole] = map->places[at];
		hole = at;
	}
	map->places[hole] = (struct idmap_place) {0};
	map->count--;
	/* should memory be out, the larger table serves as well */
	if (map->size > SIZE_MIN && map->count < map->size / 8)
		(void) resize(map, map->size / 2);
}

bool
idmap_put(struct idmap *map, int64_t id, void *value)
{
	struct idmap_place *place = map->size > 0 ? find(map, id) : NULL;

	if (place != NULL && place->id == id)
	{
		if (value == NULL)
			take_out(map, place);
		else
			place->value = value;
		return true;
	}
	if (value == NULL)
		return true;
	if (place == NULL || map->count + 1 > map->size / 3 * 2)
	{
		if (!resize(map, map->size > 0 ? map->size * 2 : SIZE_MIN))
			return false;
		place = find(map, id);
	}
	*place = (struct idmap_place) {id, value};
	map->count++;
	return true;
}

void
idmap_free(struct idmap *map)
{
	free(map->places);
	*map = (struct idmap) {0};
}
