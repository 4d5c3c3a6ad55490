/*
 * upkeep.c - building goes before comparing.
 */
#include "upkeep.h"

void
upkeep_open(struct upkeep *upkeep, struct db *db, struct board *board, const char *position, long rate,
			rebuild_done_fn *done, void *arg)
{
	upkeep->rebuild = (struct rebuild) {
		.db = db, .board = board, .position = position, .done = done, .arg = arg
	};
	upkeep->audit = (struct audit) {
		.db = db, .board = board, .position = position, .rate = rate, .counters = &upkeep->counters,
		.done = done, .arg = arg
	};
}

void
upkeep_build(struct upkeep *upkeep, const char *name)
{
	if (upkeep->rebuild.name[0] == '\0')
		rebuild_start(&upkeep->rebuild, name);
}

uint64_t
upkeep_wait(const struct upkeep *upkeep, uint64_t now)
{
	return upkeep->rebuild.name[0] != '\0' ? 0 : audit_wait(&upkeep->audit, now);
}

void
upkeep_page(struct upkeep *upkeep, uint64_t now)
{
	if (upkeep->rebuild.name[0] != '\0')
		rebuild_page(&upkeep->rebuild);
	else
		audit_page(&upkeep->audit, now);
}

void
upkeep_abandon(struct upkeep *upkeep)
{
	rebuild_abandon(&upkeep->rebuild);
	audit_abandon(&upkeep->audit);
}
