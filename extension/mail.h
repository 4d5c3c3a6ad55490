/*
 * mail.h: what is mailed to users. Rows wait to be sent; what they say, and to
 * which address they go, is found out when they are.
 */
#ifndef TT_MAIL_H
#define TT_MAIL_H

#include "timetrackr.h"

/*
 * The password of user_id has changed: tell him, and void what he was mailed
 * to reset it. Needs tt_spi_begin().
 */
extern void tt_mail_password_changed(int64 user_id);

#endif
