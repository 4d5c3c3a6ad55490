/*
 * leaving.h: what becomes of a user's projects when the account is deleted.
 */
#ifndef TT_LEAVING_H
#define TT_LEAVING_H

#include "timetrackr.h"

/*
 * BEFORE DELETE on users: hand those of the user's projects in which others
 * have a stake over to one of them; the rest goes with the account. Waits for
 * entries that others are just writing on these projects. Needs
 * tt_spi_begin().
 */
extern void tt_user_leaves(int64 user_id);

#endif
