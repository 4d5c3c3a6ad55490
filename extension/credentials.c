/*
 * credentials.c: change_password() and delete_me(): what a token alone is not
 * enough for. Signing in is login.c's matter, what a deleted account leaves
 * behind leaving.c's.
 */
#include "timetrackr.h"

#include "account.h"
#include "arguments.h"
#include "error.h"
#include "home.h"
#include "leaving.h"
#include "mail.h"
#include "password.h"
#include "password_rules.h"
#include "place.h"
#include "session.h"
#include "spi.h"
#include "throttle.h"

#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(tt_change_password);
PG_FUNCTION_INFO_V1(tt_delete_me);

static TtQuery account = {
	"SELECT pg_catalog.lower(email), password_hash, email, username"
	" FROM timetrackr.users WHERE id = $1",
	1, {INT8OID}
};

/* Unless somebody has changed it since it was compared. */
static TtQuery store_hash = {
	"UPDATE timetrackr.users SET password_hash = $2"
	" WHERE id = $1 AND password_hash = $3",
	3, {INT8OID, TEXTOID, TEXTOID}, TT_EVERY_COPY
};

static TtQuery delete_user = {
	"DELETE FROM timetrackr.users"
	" WHERE id = $1 AND password_hash IS NOT DISTINCT FROM $2",
	2, {INT8OID, TEXTOID}, TT_EVERY_COPY
};

static TtQuery outcome = {
	"SELECT $1, $2",
	2, {TEXTOID, INT4OID}
};

typedef struct Account
{
	TtAttempt	attempt;
	char	   *hash;			/* NULL: it has no password */
	char	   *email;
	char	   *username;
} Account;

static Account
read_account(int64 user_id, const char *place)
{
	Datum		arg = Int64GetDatum(user_id);

	if (tt_query(&account, &arg, NULL) == 0)
		tt_no_viewer();
	return (Account) {
		.attempt = {.email = tt_text(0, 0), .place = place, .user_id = user_id},
		.hash = tt_text(0, 1),
		.email = tt_text(0, 2),
		.username = tt_text(0, 3),
	};
}

/* The row {refused, retry_after}; refused is NULL when it is done. */
static Datum
outcome_row(const char *refused, int wait)
{
	Datum		args[2] = {refused == NULL ? (Datum) 0 : CStringGetTextDatum(refused), Int32GetDatum(wait)};
	bool		nulls[2] = {refused == NULL, wait == 0};

	(void) tt_query(&outcome, args, nulls);
	return tt_row_result();
}

/* The password was wrong: counted, or without a place, where nothing is counted, an error. */
static Datum
wrong_password(const Account *user, const char *field)
{
	if (user->attempt.place == NULL)
		tt_raise(403, "wrong_password", field, NULL, "this is not the account's password");
	tt_throttle_failed(&user->attempt);
	return outcome_row("wrong_password", 0);
}

/* Somebody was quicker: the account is gone, or has another password. */
static Datum
outrun(const Account *user, const char *field)
{
	tt_require_viewer(user->attempt.user_id);
	return wrong_password(user, field);
}

static Datum
change_password(Account *user, const char *current, const char *next)
{
	Datum		args[3] = {Int64GetDatum(user->attempt.user_id)};
	int			wait;

	if (user->hash == NULL)
		tt_raise(409, "no_password", NULL, NULL, "this account signs in elsewhere, without a password");
	tt_password_check(next, "new_password", user->email, user->username);
	wait = tt_throttle_wait(&user->attempt);
	if (wait > 0)
		return outcome_row("too_many_attempts", wait);
	if (!tt_password_matches(current, user->hash))
		return wrong_password(user, "current_password");
	args[1] = CStringGetTextDatum(tt_password_hash(next));
	args[2] = CStringGetTextDatum(user->hash);
	if (tt_query(&store_hash, args, NULL) == 0)
		return outrun(user, "current_password");
	tt_session_close_all(user->attempt.user_id);
	tt_mail_password_changed(user->attempt.user_id);
	tt_throttle_succeeded(&user->attempt);
	return outcome_row(NULL, 0);
}

/* change_password(viewer_id, current_password, new_password, client_address) */
Datum
tt_change_password(PG_FUNCTION_ARGS)
{
	int64		viewer_id = tt_viewer(fcinfo);
	char	   *current = tt_required_secret(fcinfo, 1, "current_password");
	char	   *next = tt_required_secret(fcinfo, 2, "new_password");
	char	   *place = tt_place_argument(fcinfo, 3);
	Account		user;
	Datum		result;

	tt_spi_begin();
	user = read_account(viewer_id, place);
	result = change_password(&user, current, next);
	tt_spi_end();
	PG_RETURN_DATUM(result);
}

/* password is NULL when none is given: right for an account that has none. */
static Datum
delete_account(Account *user, const char *password)
{
	Datum		args[2] = {Int64GetDatum(user->attempt.user_id)};
	bool		nulls[2] = {false, user->hash == NULL};
	int			wait;

	if (user->hash != NULL && password == NULL)
		tt_raise(422, "missing_field", "password", NULL, "password must be given");
	wait = password == NULL ? 0 : tt_throttle_wait(&user->attempt);
	if (wait > 0)
		return outcome_row("too_many_attempts", wait);
	if (password != NULL && !tt_password_matches(password, user->hash))
		return wrong_password(user, "password");
	if (user->hash != NULL)
		args[1] = CStringGetTextDatum(user->hash);
	if (tt_is_distributed())
		tt_user_leaves(user->attempt.user_id);
	if (tt_query(&delete_user, args, nulls) == 0)
		return outrun(user, "password");
	tt_throttle_succeeded(&user->attempt);
	return outcome_row(NULL, 0);
}

/* delete_me(viewer_id, password, client_address) */
Datum
tt_delete_me(PG_FUNCTION_ARGS)
{
	int64		viewer_id = tt_viewer(fcinfo);
	char	   *password = PG_ARGISNULL(1) ? NULL : tt_required_secret(fcinfo, 1, "password");
	char	   *place = tt_place_argument(fcinfo, 2);
	Account		user;
	Datum		result;

	tt_spi_begin();
	user = read_account(viewer_id, place);
	result = delete_account(&user, password);
	tt_spi_end();
	PG_RETURN_DATUM(result);
}
