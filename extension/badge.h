/*
 * badge.h: awarding and taking back badges.
 */
#ifndef TT_BADGE_H
#define TT_BADGE_H

#include "timetrackr.h"

/*
 * Award every badge whose criteria user_id meets now, and take back revocable
 * ones no longer met. entry_id is the entry that caused it, 0 for none.
 * The user must be locked. Needs tt_spi_begin().
 */
extern void tt_badges_evaluate(int64 user_id, int64 entry_id);

/* Drop this session's compiled criteria when badges change anywhere. */
extern void tt_badge_init(void);

#endif
