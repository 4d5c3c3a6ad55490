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

/*
 * Award a badge to a locked user, with the entry that earned it, 0 for none.
 * False when he has it already. What is told of it follows by trigger: always
 * a row of his timeline at awarded_at, and a notification unless awarded_at,
 * or the end of that entry, is more than TT_NEWS_DAYS ago.
 */
extern bool tt_badge_award(int64 user_id, int64 badge_id, int64 entry_id, TimestampTz awarded_at);

/* How many badges this session has awarded so far, rolled back or not. */
extern uint64 tt_badges_awarded(void);

/* Take a badge back from a locked user in silence, with all that told of it; false when he has it not. */
extern bool tt_badge_revoke(int64 user_id, int64 badge_id);

/* An entry is gone: the badges it earned stay, without it. */
extern void tt_badges_forget_entry(int64 user_id, int64 entry_id);

/* AFTER ROW on user_badges: count, timeline, notification, event. */
extern void tt_user_badge_changed(TriggerData *trigger);

/* AFTER TRUNCATE on user_badges: nobody has a badge any more. */
extern void tt_user_badges_truncated(TriggerData *trigger);

/* BEFORE ROW on badges: refuse criteria that do not parse; needs no SPI. */
extern HeapTuple tt_badge_check(TriggerData *trigger);

/* AFTER STATEMENT on badges: every session compiles them anew. */
extern void tt_badges_changed(TriggerData *trigger);

#endif
