/*
 * account.h: the row of an account and what follows from it. account.c also
 * has the SQL functions update_me() and user_exists().
 */
#ifndef TT_ACCOUNT_H
#define TT_ACCOUNT_H

#include "timetrackr.h"

#include "spi.h"

#include "access/htup.h"
#include "commands/trigger.h"

/*
 * BEFORE INSERT OR UPDATE row trigger on users: trim and check email,
 * username, time zone and bio. Returns the row to store, made in context
 * result. Raises TT422 invalid_email, invalid_username, invalid_timezone,
 * too_long, user_id_immutable.
 */
extern HeapTuple tt_user_normalise(TriggerData *trigger, MemoryContext result);

/*
 * AFTER row trigger on users: keep user_totals and scores in step, write the
 * timeline and the outbox. Needs tt_spi_begin().
 */
extern void tt_user_changed(TriggerData *trigger);

/*
 * Run query, which stores a row of users. Raises TT409 email_taken or
 * username_taken for a unique violation. Needs tt_spi_begin().
 */
extern void tt_store_user(TtQuery *query, const Datum *values, const bool *nulls);

/* Is there such a user? Needs tt_spi_begin(). */
extern bool tt_user_exists(int64 user_id);

#endif
