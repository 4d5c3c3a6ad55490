/*
 * quickness.h - which statements PostgreSQL answers in no time, learned from those
 * that were answered. To wake a second backend costs more than such a one
 * does, so several of them may go to one.
 */
#ifndef TIMETRACKR_QUICKNESS_H
#define TIMETRACKR_QUICKNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "db.h"

struct quickness
{
	uint64_t	least[DB_STATEMENTS_MAX];	/* µs a statement takes; 0: not known yet */
};

/* A statement was answered after so many µs, as the rank-th (from 1) of those in flight on its connection. */
void		quickness_note(struct quickness *quickness, const struct db_statement *statement, uint64_t took, size_t rank);

/* Is it known to be quick? */
bool		quickness_is_quick(const struct quickness *quickness, const struct db_statement *statement);

#endif
