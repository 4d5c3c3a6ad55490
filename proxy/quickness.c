/*
 * quickness.c - the least time of late of each statement: what is above it is waiting.
 */
#include "quickness.h"

/* Below so many µs it is quick. */
#define QUICK 120
/* The least grows by this part of the difference to what was taken. */
#define FORGETTING 64

void
quickness_note(struct quickness *quickness, const struct db_statement *statement, uint64_t took, size_t rank)
{
	uint64_t   *least = &quickness->least[statement->id];

	/* those in front of it have had their share of the time */
	took /= rank;
	if (*least == 0 || took < *least)
		*least = took > 0 ? took : 1;
	else
		*least += (took - *least) / FORGETTING;
}

bool
quickness_is_quick(const struct quickness *quickness, const struct db_statement *statement)
{
	uint64_t	least = quickness->least[statement->id];

	return least > 0 && least < QUICK;
}
