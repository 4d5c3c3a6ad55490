/*
 * login.c: signup(), login(), refresh(), logout() and end_session(). Hashing is
 * password.c's matter, tokens are session.c's, and how often one may guess is
 * throttle.c's.
 */
#include "timetrackr.h"

#include "account.h"
#include "arguments.h"
#include "error.h"
#include "password.h"
#include "password_rules.h"
#include "place.h"
#include "session.h"
#include "spi.h"
#include "throttle.h"
#include "user_rules.h"

#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(tt_signup);
PG_FUNCTION_INFO_V1(tt_login);
PG_FUNCTION_INFO_V1(tt_refresh);
PG_FUNCTION_INFO_V1(tt_logout);
PG_FUNCTION_INFO_V1(tt_end_session);

static TtQuery insert_user = {
	"INSERT INTO timetrackr.users (email, username, password_hash, timezone)"
	" VALUES ($1, $2, $3, $4) RETURNING id",
	4, {TEXTOID, TEXTOID, TEXTOID, TEXTOID}
};

/* Always one row, so that an unknown email costs what a known one does. */
static TtQuery user_by_email = {
	"SELECT l.email, u.id, u.password_hash"
	" FROM (SELECT pg_catalog.lower($1) AS email) AS l"
	" LEFT JOIN timetrackr.users AS u ON pg_catalog.lower(u.email) = l.email",
	1, {TEXTOID}
};

/*
 * Hashing takes a tenth of a second, in which the account may be deleted or get
 * another password. Who does so next waits for our session, and ends it.
 */
static TtQuery still_theirs = {
	"SELECT FROM timetrackr.users"
	" WHERE id = $1 AND password_hash = $2"
	" FOR SHARE",
	2, {INT8OID, TEXTOID}, TT_COPIES
};

static TtQuery renew_hash = {
	"UPDATE timetrackr.users SET password_hash = $2 WHERE id = $1",
	2, {INT8OID, TEXTOID}, TT_EVERY_COPY
};

/* What signup() and refresh() return. */
static TtQuery session = {
	"SELECT id, username, role, $2 FROM timetrackr.users WHERE id = $1",
	2, {INT8OID, TEXTOID}
};

/* And login(): why not, and when again, are for the next one. */
static TtQuery login_session = {
	"SELECT id, username, role, $2, NULL::text, NULL::integer FROM timetrackr.users WHERE id = $1",
	2, {INT8OID, TEXTOID}
};

static TtQuery no_login = {
	"SELECT NULL::bigint, NULL::text, NULL::text, NULL::text, $1, $2",
	2, {TEXTOID, INT4OID}
};

static TtQuery no_session = {
	"SELECT NULL::bigint, NULL::text, NULL::text, NULL::text",
	0, {0}
};

/* Argument n: how long a refresh token lives, in seconds. */
static int
refresh_ttl(FunctionCallInfo fcinfo, int n)
{
	if (PG_ARGISNULL(n) || PG_GETARG_INT32(n) < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("refresh_ttl must be a positive number of seconds")));
	return PG_GETARG_INT32(n);
}

/* The row of a session just opened. The user is there: the token refers to him. */
static Datum
session_row(TtQuery *query, int64 user_id, const char *token)
{
	Datum		args[2] = {Int64GetDatum(user_id), CStringGetTextDatum(token)};

	if (tt_query(query, args, NULL) != 1)
		elog(ERROR, "timetrackr: the token of user " INT64_FORMAT " refers to nobody", user_id);
	return tt_row_result();
}

/*
 * signup(email, password, username, timezone, refresh_ttl, client_address). The
 * cheap checks come before the hash, which takes a tenth of a second; the trigger on users
 * makes them again, for every writer.
 */
Datum
tt_signup(PG_FUNCTION_ARGS)
{
	char	   *email = tt_required_text(fcinfo, 0, "email");
	char	   *password = tt_required_secret(fcinfo, 1, "password");
	char	   *username = tt_required_text(fcinfo, 2, "username");
	char	   *timezone = tt_required_text(fcinfo, 3, "timezone");
	int			ttl = refresh_ttl(fcinfo, 4);
	char	   *place = tt_place_argument(fcinfo, 5);
	Datum		user[4];
	int64		user_id;
	Datum		result;

	tt_spi_begin();
	email = tt_clean_email(email);
	username = tt_clean_username(username);
	user[0] = CStringGetTextDatum(email);
	user[1] = CStringGetTextDatum(username);
	user[3] = CStringGetTextDatum(tt_clean_timezone(timezone));
	tt_password_check(password, "password", email, username);
	user[2] = CStringGetTextDatum(tt_password_hash(password));
	tt_store_user(&insert_user, user, NULL);
	user_id = tt_int64(0, 0);
	result = session_row(&session, user_id, tt_session_open(user_id, ttl, place));
	tt_spi_end();
	PG_RETURN_DATUM(result);
}

/* Is password the one of the attempt's account, and does it stay so until we commit? */
static bool
prove(const TtAttempt *attempt, const char *password, const char *hash)
{
	Datum		args[2] = {Int64GetDatum(attempt->user_id)};

	if (!tt_password_matches(password, hash))
		return false;
	args[1] = CStringGetTextDatum(hash);
	if (tt_query(&still_theirs, args, NULL) == 0)
		return false;
	if (tt_password_is_outdated(hash))
	{
		args[1] = CStringGetTextDatum(tt_password_hash(password));
		(void) tt_query(&renew_hash, args, NULL);
	}
	return true;
}

/* The row of login() without a session, or an error where failures are not counted. */
static Datum
no_login_row(const TtAttempt *attempt, const char *refused, int wait)
{
	Datum		args[2] = {CStringGetTextDatum(refused), Int32GetDatum(wait)};
	bool		nulls[2] = {false, wait == 0};

	if (attempt->place == NULL)
		tt_raise(401, "bad_credentials", NULL, NULL, "email or password is wrong");
	(void) tt_query(&no_login, args, nulls);
	return tt_row_result();
}

/*
 * login(email, password, refresh_ttl, client_address). An unknown email costs a
 * hash too, so that neither answer nor time tells which accounts there are.
 */
Datum
tt_login(PG_FUNCTION_ARGS)
{
	char	   *email = tt_required_text(fcinfo, 0, "email");
	char	   *password = tt_required_secret(fcinfo, 1, "password");
	int			ttl = refresh_ttl(fcinfo, 2);
	TtAttempt	attempt = {.place = tt_place_argument(fcinfo, 3)};
	Datum		arg = CStringGetTextDatum(email);
	char	   *hash;
	int			wait;
	Datum		result;

	tt_spi_begin();
	(void) tt_query(&user_by_email, &arg, NULL);
	attempt.email = tt_text(0, 0);
	attempt.user_id = tt_int64(0, 1);
	hash = tt_text(0, 2);
	wait = tt_throttle_wait(&attempt);
	if (wait > 0)
		result = no_login_row(&attempt, "too_many_attempts", wait);
	else if (prove(&attempt, password, hash))
	{
		tt_throttle_succeeded(&attempt);
		result = session_row(&login_session, attempt.user_id,
							 tt_session_open(attempt.user_id, ttl, attempt.place));
	}
	else
	{
		tt_throttle_failed(&attempt);
		result = no_login_row(&attempt, "bad_credentials", 0);
	}
	tt_spi_end();
	PG_RETURN_DATUM(result);
}

/*
 * refresh(refresh_token, refresh_ttl, client_address). A refused token gives a
 * row of NULLs, not an error: an error would roll back the revocation of its session.
 */
Datum
tt_refresh(PG_FUNCTION_ARGS)
{
	char	   *token = tt_required_secret(fcinfo, 0, "refresh_token");
	int			ttl = refresh_ttl(fcinfo, 1);
	char	   *place = tt_place_argument(fcinfo, 2);
	int64		user_id;
	char	   *next;
	Datum		result;

	tt_spi_begin();
	if (tt_session_rotate(token, ttl, place, &user_id, &next))
		result = session_row(&session, user_id, next);
	else
	{
		(void) tt_query(&no_session, NULL, NULL);
		result = tt_row_result();
	}
	tt_spi_end();
	PG_RETURN_DATUM(result);
}

/* logout(viewer_id, refresh_token): NULL ends every session. */
Datum
tt_logout(PG_FUNCTION_ARGS)
{
	int64		viewer_id = tt_viewer(fcinfo);

	tt_spi_begin();
	tt_require_viewer(viewer_id);
	if (PG_ARGISNULL(1))
		tt_session_close_all(viewer_id);
	else
		tt_session_close(viewer_id, TextDatumGetCString(PG_GETARG_DATUM(1)));
	tt_spi_end();
	PG_RETURN_VOID();
}

/* end_session(viewer_id, session_id) */
Datum
tt_end_session(PG_FUNCTION_ARGS)
{
	int64		viewer_id = tt_viewer(fcinfo);
	char	   *session_id = tt_required_text(fcinfo, 1, "session_id");

	tt_spi_begin();
	tt_require_viewer(viewer_id);
	if (!tt_session_end(viewer_id, session_id))
		tt_raise(404, "session_not_found", NULL, NULL, "there is no such session");
	tt_spi_end();
	PG_RETURN_VOID();
}
