/*
 * account.h: what the triggers on users need from account.c. The SQL functions
 * signup(), login(), refresh(), logout() and update_me() live there too.
 */
#ifndef TT_ACCOUNT_H
#define TT_ACCOUNT_H

#include "timetrackr.h"

#include "access/htup.h"
#include "commands/trigger.h"

/*
 * BEFORE INSERT OR UPDATE row trigger on users: trim and check email,
 * username, time zone and bio. Returns the row to store. Raises TT422
 * invalid_email, invalid_username, invalid_timezone, too_long.
 */
extern HeapTuple tt_user_normalise(TriggerData *trigger);

/*
 * AFTER row trigger on users: keep user_totals and scores in step, write the
 * timeline and the outbox. Needs tt_spi_begin().
 */
extern void tt_user_changed(TriggerData *trigger);

#endif
