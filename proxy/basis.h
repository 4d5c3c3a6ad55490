/*
 * basis.h - what an answer rests on: when it was asked for, and the slots of
 * generations.h whose change ends it.
 */
#ifndef TIMETRACKR_BASIS_H
#define TIMETRACKR_BASIS_H

#include <stdbool.h>
#include <stdint.h>

#include "generations.h"

/* Most slots of one answer; one that names more users rests on all users. */
#define BASIS_SLOTS_MAX 40

struct basis
{
	struct stamp stamp;
	uint64_t	since;			/* ms, on the loop's clock: before its query was sent */
	uint32_t	max_age;		/* ms */
	unsigned	slot_count;
	uint16_t	slots[BASIS_SLOTS_MAX];
};

/* Let it rest on a slot too; one it rests on already does no harm. False: there is no room. */
bool		basis_add(struct basis *basis, unsigned slot);

/* Rest on a slot no more. */
void		basis_drop(struct basis *basis, unsigned slot);

/* Is none of its slots changed? */
bool		basis_holds(const struct basis *basis, const struct generations *generations);

/* May what was read at this position of the stream stand on it (see generations_admit())? */
bool		basis_admits(const struct basis *basis, const struct generations *generations, int64_t position);

#endif
