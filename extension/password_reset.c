/*
 * password_reset.c: forgot_password() and reset_password(). The token is made
 * when the mail is sent (new_password_reset()), so that it is stored nowhere
 * but as a digest.
 */
#include "timetrackr.h"

#include "arguments.h"
#include "error.h"
#include "mail.h"
#include "password.h"
#include "password_rules.h"
#include "secret.h"
#include "session.h"
#include "spi.h"
#include "user_rules.h"
#include "wake.h"

#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(tt_forgot_password);
PG_FUNCTION_INFO_V1(tt_reset_password);

/* Whether there is such an account is looked up later, and takes nobody's time here. */
static TtQuery ask_for_reset = {
	"INSERT INTO timetrackr.password_reset_requests (email) VALUES (pg_catalog.lower($1))"
	" ON CONFLICT (email) DO UPDATE SET requested_at = pg_catalog.now()",
	1, {TEXTOID}
};

/* Whose a token is never changes. */
static TtQuery owner = {
	"SELECT user_id FROM timetrackr.password_resets WHERE token_sha256 = $1",
	1, {BYTEAOID}
};

/* The user comes first, as in DELETE FROM users. Of two at once the second waits here, and finds no token. */
static TtQuery lock_account = {
	"SELECT email, username FROM timetrackr.users WHERE id = $1 FOR NO KEY UPDATE",
	1, {INT8OID}, TT_EVERY_COPY
};

static TtQuery use_token = {
	"DELETE FROM timetrackr.password_resets"
	" WHERE user_id = $1 AND token_sha256 = $2"
	" RETURNING expires_at",
	2, {INT8OID, BYTEAOID}, TT_AT_HOME
};

static TtQuery store_hash = {
	"UPDATE timetrackr.users SET password_hash = $2 WHERE id = $1",
	2, {INT8OID, TEXTOID}, TT_EVERY_COPY
};

/* forgot_password(email, has_mail) */
Datum
tt_forgot_password(PG_FUNCTION_ARGS)
{
	Datum		email = CStringGetTextDatum(tt_clean_email(tt_required_text(fcinfo, 0, "email")));

	if (!PG_ARGISNULL(1) && !PG_GETARG_BOOL(1))
		tt_raise(501, "mail_not_configured", NULL, NULL, "no mails are sent here");
	tt_spi_begin();
	(void) tt_query(&ask_for_reset, &email, NULL);
	tt_wake_sender();
	tt_spi_end();
	PG_RETURN_VOID();
}

static _Noreturn void
invalid_token(void)
{
	tt_raise(422, "reset_token_invalid", "token", NULL, "the token is unknown, expired or used");
	pg_unreachable();
}

/* Whose token is it? He stays locked, and it is used up unless the transaction fails. */
static int64
take_token(const char *token, char **email, char **username)
{
	Datum		args[2] = {(Datum) 0, tt_secret_digest(token)};
	int64		user_id;

	if (tt_query(&owner, &args[1], NULL) == 0)
		invalid_token();
	user_id = tt_int64(0, 0);
	args[0] = Int64GetDatum(user_id);
	if (tt_query(&lock_account, args, NULL) == 0)
		invalid_token();
	*email = tt_text(0, 0);
	*username = tt_text(0, 1);
	if (tt_query(&use_token, args, NULL) == 0 || tt_int64(0, 0) <= GetCurrentTimestamp())
		invalid_token();
	return user_id;
}

/* reset_password(token, new_password) */
Datum
tt_reset_password(PG_FUNCTION_ARGS)
{
	char	   *token = tt_required_secret(fcinfo, 0, "token");
	char	   *password = tt_required_secret(fcinfo, 1, "new_password");
	char	   *email;
	char	   *username;
	int64		user_id;
	Datum		args[2];

	tt_spi_begin();
	user_id = take_token(token, &email, &username);
	tt_password_check(password, "new_password", email, username);
	args[0] = Int64GetDatum(user_id);
	args[1] = CStringGetTextDatum(tt_password_hash(password));
	(void) tt_query(&store_hash, args, NULL);
	tt_session_close_all(user_id);
	tt_mail_password_changed(user_id);
	tt_spi_end();
	PG_RETURN_VOID();
}
