/*
 * mail.c: writes mails down (see mail.h). Those of notifications are written by
 * the relay, when it moves their events into the stream (enqueue_mails()).
 */
#include "mail.h"

#include "spi.h"
#include "wake.h"

static TtQuery insert_mail = {
	"INSERT INTO timetrackr.mails (user_id, kind) VALUES ($1, 'password_changed')",
	1, {INT8OID}, TT_AT_HOME
};

static TtQuery void_reset = {
	"DELETE FROM timetrackr.password_resets WHERE user_id = $1",
	1, {INT8OID}, TT_AT_HOME
};

void
tt_mail_password_changed(int64 user_id)
{
	Datum		arg = Int64GetDatum(user_id);

	(void) tt_query(&void_reset, &arg, NULL);
	(void) tt_query(&insert_mail, &arg, NULL);
	tt_wake_sender();
}
