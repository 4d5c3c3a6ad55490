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
 * username, time zone and bio. Returns the row to store. Raises TT422
 * invalid_email, invalid_username, invalid_timezone, too_long,
 * user_id_immutable.
 */
extern HeapTuple tt_user_normalise(TriggerData *trigger);

/*
 * AFTER row trigger on users: keep user_totals and scores in step, write the
 * timeline and the outbox; let go of the picture that was shown. Needs tt_spi_begin().
 */
extern void tt_user_changed(TriggerData *trigger);

/*
 * Run query, which stores a row of users. Raises TT409 email_taken, username_taken
 * or external_id_taken for a unique violation. Needs tt_spi_begin().
 */
extern void tt_store_user(TtQuery *query, const Datum *values, const bool *nulls);

/* Raise TT401 invalid_token unless there is such a user. Needs tt_spi_begin(). */
extern void tt_require_viewer(int64 user_id);

/* Raise TT404 user_not_found unless there is such a user. Needs tt_spi_begin(). */
extern void tt_require_user(int64 user_id);

/* Raise TT401 invalid_token, or TT403 not_admin, unless user_id is an admin. Needs tt_spi_begin(). */
extern void tt_require_admin(int64 user_id);

/* Raise TT401 invalid_token: the acting user is gone. */
extern _Noreturn void tt_no_viewer(void);

#endif
