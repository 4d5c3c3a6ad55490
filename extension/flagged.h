/*
 * flagged.h: telling users of entries too long to count.
 */
#ifndef TT_FLAGGED_H
#define TT_FLAGGED_H

#include "totals.h"

/*
 * Tell the user of changed entries that are flagged now, and take back what
 * was told of those that no longer are. One that ended long ago is no news,
 * nor are more than TT_EVENTS_PER_STATEMENT at once. Needs tt_spi_begin().
 */
extern void tt_flagged_news(int64 user_id, const EntryChange *changes, int nchanges);

#endif
