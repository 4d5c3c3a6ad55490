/*
 * basis.c - a short list of slots.
 */
#include "basis.h"

_Static_assert(GENERATION_SLOTS <= UINT16_MAX, "a slot's number fits");

bool
basis_add(struct basis *basis, unsigned slot)
{
	for (unsigned i = 0; i < basis->slot_count; i++)
		if (basis->slots[i] == slot)
			return true;
	if (basis->slot_count == BASIS_SLOTS_MAX)
		return false;
	basis->slots[basis->slot_count++] = (uint16_t) slot;
	return true;
}

void
basis_drop(struct basis *basis, unsigned slot)
{
	for (unsigned i = 0; i < basis->slot_count; i++)
		if (basis->slots[i] == slot)
		{
			basis->slots[i] = basis->slots[--basis->slot_count];
			return;
		}
}

bool
basis_holds(const struct basis *basis, const struct generations *generations)
{
	for (unsigned i = 0; i < basis->slot_count; i++)
		if (!generations_hold(generations, &basis->stamp, basis->slots[i]))
			return false;
	return true;
}

bool
basis_admits(const struct basis *basis, const struct generations *generations, int64_t position)
{
	for (unsigned i = 0; i < basis->slot_count; i++)
		if (!generations_admit(generations, position, basis->slots[i]))
			return false;
	return true;
}
