/*
 * badge.h: awarding and taking back badges.
 */
#ifndef TT_BADGE_H
#define TT_BADGE_H

#include "timetrackr.h"

#include "commands/trigger.h"

/*
 * Award every badge whose criteria user_id meets now, and take back revocable
 * ones no longer met. entry_id is the entry that caused it, 0 for none.
 * The user must be locked. Needs tt_spi_begin(), as all below.
 */
extern void tt_badges_evaluate(int64 user_id, int64 entry_id);

/* An entry is gone: the badges it earned stay, without it. */
extern void tt_badges_forget_entry(int64 user_id, int64 entry_id);

/* AFTER ROW on user_badges: count, timeline, notification, event. */
extern void tt_user_badge_changed(TriggerData *trigger);

/* BEFORE ROW on badges: refuse criteria that do not parse; needs no SPI. */
extern HeapTuple tt_badge_check(TriggerData *trigger);

/* AFTER STATEMENT on badges: every session compiles them anew. */
extern void tt_badges_changed(TriggerData *trigger);

/* Drop this session's compiled criteria when badges change anywhere. */
extern void tt_badge_init(void);

#endif
