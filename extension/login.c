/*
 * login.c: signup(), login(), refresh() and logout(). Hashing is password.c's
 * matter, tokens are session.c's.
 */
#include "timetrackr.h"

#include "account.h"
#include "arguments.h"
#include "error.h"
#include "password.h"
#include "session.h"
#include "spi.h"
#include "user_rules.h"

#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(tt_signup);
PG_FUNCTION_INFO_V1(tt_login);
PG_FUNCTION_INFO_V1(tt_refresh);
PG_FUNCTION_INFO_V1(tt_logout);

static TtQuery insert_user = {
	"INSERT INTO timetrackr.users (email, username, password_hash, timezone)"
	" VALUES ($1, $2, $3, $4) RETURNING id",
	4, {TEXTOID, TEXTOID, TEXTOID, TEXTOID}
};

static TtQuery user_by_email = {
	"SELECT id, password_hash FROM timetrackr.users"
	" WHERE pg_catalog.lower(email) = pg_catalog.lower($1)",
	1, {TEXTOID}
};

/* What signup(), login() and refresh() return. */
static TtQuery session = {
	"SELECT id, username, role, $2 FROM timetrackr.users WHERE id = $1",
	2, {INT8OID, TEXTOID}
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

/* The row {user_id, username, role, refresh_token}. */
static Datum
session_row(int64 user_id, const char *token)
{
	Datum		args[2] = {Int64GetDatum(user_id), CStringGetTextDatum(token)};

	if (tt_query(&session, args, NULL) != 1)
		elog(ERROR, "timetrackr: user " INT64_FORMAT " vanished after authenticating", user_id);
	return tt_row_result();
}

/*
 * signup(email, password, username, timezone, refresh_ttl). The cheap checks
 * come before the hash, which takes a tenth of a second; the trigger on users
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
	Datum		user[4];
	int64		user_id;
	Datum		result;

	tt_spi_begin();
	user[0] = CStringGetTextDatum(tt_clean_email(email));
	user[1] = CStringGetTextDatum(tt_clean_username(username));
	user[3] = CStringGetTextDatum(tt_clean_timezone(timezone));
	tt_password_check(password);
	user[2] = CStringGetTextDatum(tt_password_hash(password));
	tt_store_user(&insert_user, user, NULL);
	user_id = tt_int64(0, 0);
	result = session_row(user_id, tt_session_open(user_id, ttl));
	tt_spi_end();
	PG_RETURN_DATUM(result);
}

/*
 * login(email, password, refresh_ttl). An unknown email costs a hash too, so
 * that neither answer nor time tells which accounts there are.
 */
Datum
tt_login(PG_FUNCTION_ARGS)
{
	char	   *email = tt_required_text(fcinfo, 0, "email");
	char	   *password = tt_required_secret(fcinfo, 1, "password");
	int			ttl = refresh_ttl(fcinfo, 2);
	Datum		arg = CStringGetTextDatum(email);
	char	   *hash = NULL;
	int64		user_id = 0;
	Datum		result;

	tt_spi_begin();
	if (tt_query(&user_by_email, &arg, NULL) == 1)
	{
		user_id = tt_int64(0, 0);
		hash = tt_text(0, 1);
	}
	if (!tt_password_matches(password, hash))
		tt_raise(401, "bad_credentials", NULL, NULL, "email or password is wrong");
	result = session_row(user_id, tt_session_open(user_id, ttl));
	tt_spi_end();
	PG_RETURN_DATUM(result);
}

/*
 * refresh(refresh_token, refresh_ttl). A refused token gives a row of NULLs,
 * not an error: an error would roll back the revocation of its session.
 */
Datum
tt_refresh(PG_FUNCTION_ARGS)
{
	char	   *token = tt_required_secret(fcinfo, 0, "refresh_token");
	int			ttl = refresh_ttl(fcinfo, 1);
	int64		user_id;
	char	   *next;
	Datum		result;

	tt_spi_begin();
	if (tt_session_rotate(token, ttl, &user_id, &next))
		result = session_row(user_id, next);
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
