/*
 * horizon.c - marks in an array, thinned out when it is full.
 */
#include "horizon.h"

/* Drop every second mark, and keep the last. */
static void
thin_out(struct horizon *horizon)
{
	for (size_t i = 0; i < HORIZON_MARKS_MAX / 2; i++)
	{
		uint64_t	first = horizon->marks[2 * i].first;

		horizon->marks[i] = horizon->marks[2 * i + 1];
		horizon->marks[i].first = first;
	}
	horizon->count = HORIZON_MARKS_MAX / 2;
}

void
horizon_add(struct horizon *horizon, uint64_t moment, uint64_t place)
{
	if (horizon->count > 0 && place < horizon_end(horizon))
		horizon->count = 0;
	if (horizon->count > 0 && place == horizon_end(horizon))
	{
		horizon->marks[horizon->count - 1].moment = moment;	/* nothing was written in between */
		return;
	}
	if (horizon->count == HORIZON_MARKS_MAX)
		thin_out(horizon);
	horizon->marks[horizon->count++] = (struct horizon_mark) {.place = place, .first = moment, .moment = moment};
}

/* How many marks does a place reach? */
static size_t
reached(const struct horizon *horizon, uint64_t place)
{
	size_t		count = horizon->count;

	while (count > 0 && horizon->marks[count - 1].place > place)
		count--;
	return count;
}

uint64_t
horizon_moment(const struct horizon *horizon, uint64_t place)
{
	size_t		count = reached(horizon, place);

	return count > 0 ? horizon->marks[count - 1].moment : 0;
}

uint64_t
horizon_behind_since(const struct horizon *horizon, uint64_t place)
{
	size_t		count = reached(horizon, place);

	return count < horizon->count ? horizon->marks[count].first : 0;
}

uint64_t
horizon_end(const struct horizon *horizon)
{
	return horizon->count > 0 ? horizon->marks[horizon->count - 1].place : 0;
}
