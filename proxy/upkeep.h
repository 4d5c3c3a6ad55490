/*
 * upkeep.h - what the relay does to the boards of Redis besides events, page by
 * page: it builds one anew (rebuild.h), or compares them with PostgreSQL (audit.h).
 */
#ifndef TIMETRACKR_UPKEEP_H
#define TIMETRACKR_UPKEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "audit.h"
#include "rebuild.h"

/* Embedded by the relay. */
struct upkeep
{
	struct rebuild rebuild;
	struct audit audit;
	struct audit_counters counters;
};

/*
 * Fill it in. `board` NULL: no Redis, and never anything to do. `position` is the batch's and
 * must outlive it; `rate` is that of audit.h. done() is called after every page.
 */
void		upkeep_open(struct upkeep *upkeep, struct db *db, struct board *board, const char *position,
						long rate, rebuild_done_fn *done, void *arg);

/* Begin to build a board, unless one is being built. */
void		upkeep_build(struct upkeep *upkeep, const char *name);

/* In how many ms is there something to do? 0: now. UINT64_MAX: never. `now` is loop_now(). */
uint64_t	upkeep_wait(const struct upkeep *upkeep, uint64_t now);

/* Do one page of it. done() is called once, not within this call, unless the connection is lost first. */
void		upkeep_page(struct upkeep *upkeep, uint64_t now);

/* Forget the board that is being built, and the page on its way. */
void		upkeep_abandon(struct upkeep *upkeep);

#endif
