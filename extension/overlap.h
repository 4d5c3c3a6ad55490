/*
 * overlap.h: the rule that entries of one user do not overlap.
 */
#ifndef TT_OVERLAP_H
#define TT_OVERLAP_H

#include "totals.h"

/*
 * Raise 409 entry_overlaps, naming the other entry, when an entry whose
 * interval is new in changes overlaps any entry of the user. The rows are in
 * the table already and the user is locked. widest_entry of *totals must
 * cover every entry of the user. Needs tt_spi_begin().
 */
extern void tt_overlap_check(const UserTotals *totals, const EntryChange *changes, int nchanges);

#endif
