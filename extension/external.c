/*
 * external.c: which account stands behind the subject of an identity
 * provider's token (see external.h). users.external_id is issuer and subject
 * with a blank between them, which no issuer contains.
 */
#include "external.h"

#include "account.h"
#include "arguments.h"
#include "error.h"
#include "home.h"
#include "spi.h"
#include "user_rules.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(tt_external_user);
PG_FUNCTION_INFO_V1(tt_link_external_id);

#define ISSUER_MAX_BYTES 500
#define SUBJECT_MAX_BYTES 255

/* Names tried before giving up; from the second one on they have a random suffix. */
#define ATTEMPTS 8
#define SUFFIX_BYTES 4

/* Bytes of the local part of an address that stands for none. */
#define NO_EMAIL_BYTES 16

static TtQuery user_by_external_id = {
	"SELECT id FROM timetrackr.users WHERE external_id = $1",
	1, {TEXTOID}
};

static TtQuery email_exists = {
	"SELECT FROM timetrackr.users WHERE pg_catalog.lower(email) = pg_catalog.lower($1)",
	1, {TEXTOID}
};

/* The provider's clock may be ahead of ours by half a minute. */
static TtQuery was_erased = {
	"SELECT FROM timetrackr.erased_identities"
	" WHERE external_sha256 = pg_catalog.sha256(pg_catalog.convert_to($1, 'UTF8'))"
	" AND $2 <= erased_at + interval '30 seconds'",
	2, {TEXTOID, TIMESTAMPTZOID}
};

static TtQuery note_erased = {
	"INSERT INTO timetrackr.erased_identities (external_sha256, erased_at)"
	" VALUES (pg_catalog.sha256(pg_catalog.convert_to($1, 'UTF8')), $2)"
	" ON CONFLICT (external_sha256) DO UPDATE SET erased_at = excluded.erased_at",
	2, {TEXTOID, TIMESTAMPTZOID}, TT_COPIES
};

/* Whoever comes second, by any unique index, waits for the first and then inserts nothing. */
static TtQuery insert_user = {
	"INSERT INTO timetrackr.users (email, username, external_id) VALUES ($1, $2, $3)"
	" ON CONFLICT DO NOTHING RETURNING id",
	3, {TEXTOID, TEXTOID, TEXTOID}
};

static TtQuery set_external_id = {
	"UPDATE timetrackr.users SET external_id = $2 WHERE id = $1",
	2, {INT8OID, TEXTOID}, TT_EVERY_COPY
};

void
tt_external_erased(const char *external_id)
{
	Datum		args[2];

	if (external_id == NULL)
		return;
	args[0] = CStringGetTextDatum(external_id);
	args[1] = TimestampTzGetDatum(tt_transaction_time());
	(void) tt_query(&note_erased, args, NULL);
}

static bool
has_controls(const char *s, bool or_blanks)
{
	for (; *s != '\0'; s++)
		if ((unsigned char) *s < ' ' || *s == 0x7f || (or_blanks && *s == ' '))
			return true;
	return false;
}

/* The external_id of arguments first (issuer) and first + 1 (subject). */
static char *
external_id(FunctionCallInfo fcinfo, int first)
{
	char	   *issuer = tt_required_secret(fcinfo, first, "issuer");
	char	   *subject = tt_required_secret(fcinfo, first + 1, "subject");

	if (*issuer == '\0' || strlen(issuer) > ISSUER_MAX_BYTES || has_controls(issuer, true))
		tt_raise(422, "invalid_external_id", "issuer", NULL,
				 "an issuer has 1 to %d bytes, no blanks and no control characters", ISSUER_MAX_BYTES);
	if (*subject == '\0' || strlen(subject) > SUBJECT_MAX_BYTES || has_controls(subject, false))
		tt_raise(422, "invalid_external_id", "subject", NULL,
				 "a subject has 1 to %d bytes and no control characters", SUBJECT_MAX_BYTES);
	return psprintf("%s %s", issuer, subject);
}

/* So many random bytes as hexadecimal digits. */
static char *
random_digits(int bytes)
{
	uint8		random[NO_EMAIL_BYTES];
	char	   *digits = palloc(2 * bytes + 1);

	Assert(bytes <= sizeof(random));
	if (!pg_strong_random(random, bytes))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random digits")));
	for (int i = 0; i < bytes; i++)
		snprintf(digits + 2 * i, 3, "%02x", random[i]);
	return digits;
}

/* A username of at most chars characters, out of what the provider says. */
static char *
wished_username(FunctionCallInfo fcinfo, int argument)
{
	char	   *wish = PG_ARGISNULL(argument) ? pstrdup("")
		: tt_trim(TextDatumGetCString(PG_GETARG_DATUM(argument)));

	wish[pg_mbcharcliplen(wish, strlen(wish), TT_USERNAME_MAX_CHARS)] = '\0';
	wish = tt_trim(wish);
	return tt_is_username(wish) ? wish : NULL;
}

/* The name to try: the wish itself at first, then with a suffix. */
static char *
username_for(const char *wish, int attempt)
{
	const char *base = wish != NULL ? wish : "user";
	int			room = TT_USERNAME_MAX_CHARS - 1 - 2 * SUFFIX_BYTES;

	if (wish != NULL && attempt == 0)
		return pstrdup(wish);
	return psprintf("%.*s-%s", pg_mbcharcliplen(base, strlen(base), room), base,
					random_digits(SUFFIX_BYTES));
}

static char *
no_email(void)
{
	return psprintf("%s@external.invalid", random_digits(NO_EMAIL_BYTES));
}

static int64
find_user(Datum external_id)
{
	return tt_query(&user_by_external_id, &external_id, NULL) == 1 ? tt_int64(0, 0) : 0;
}

/* Create the account, or find the one that somebody else has created meanwhile. */
static int64
create_user(Datum external_id, const char *username, const char *email)
{
	for (int attempt = 0; attempt < ATTEMPTS; attempt++)
	{
		Datum		user[3] = {
			CStringGetTextDatum(email != NULL ? email : no_email()),
			CStringGetTextDatum(username_for(username, attempt)),
			external_id
		};
		int64		user_id;

		if (tt_query(&insert_user, user, NULL) == 1)
			return tt_int64(0, 0);
		user_id = find_user(external_id);
		if (user_id != 0)
			return user_id;
		if (email != NULL && tt_query(&email_exists, user, NULL) > 0)
			email = NULL;
	}
	elog(ERROR, "timetrackr: no free username after %d attempts", ATTEMPTS);
}

/* external_user(issuer, subject, issued_at, username, email) */
Datum
tt_external_user(PG_FUNCTION_ARGS)
{
	char	   *name = external_id(fcinfo, 0);
	char	   *email = NULL;
	char	   *username;
	Datum		args[2] = {CStringGetTextDatum(name)};
	int64		user_id;

	if (PG_ARGISNULL(2))
		tt_raise(422, "missing_field", "issued_at", NULL, "issued_at is missing");
	args[1] = PG_GETARG_DATUM(2);
	tt_spi_begin();
	user_id = find_user(args[0]);
	if (user_id == 0)
	{
		if (tt_query(&was_erased, args, NULL) > 0)
			tt_raise(401, "invalid_token", NULL, NULL, "the token's account has been deleted");
		username = wished_username(fcinfo, 3);
		if (!PG_ARGISNULL(4))
			email = tt_trim(TextDatumGetCString(PG_GETARG_DATUM(4)));
		if (email != NULL && !tt_is_email(email))
			email = NULL;
		user_id = create_user(args[0], username, email);
	}
	tt_spi_end();
	PG_RETURN_INT64(user_id);
}

/* link_external_id(user_id, issuer, subject) */
Datum
tt_link_external_id(PG_FUNCTION_ARGS)
{
	int64		user_id = tt_required_int64(fcinfo, 0, "user_id");
	bool		unlinks = PG_ARGISNULL(1) && PG_ARGISNULL(2);
	Datum		args[2] = {Int64GetDatum(user_id)};
	bool		nulls[2] = {false, unlinks};

	if (!unlinks)
		args[1] = CStringGetTextDatum(external_id(fcinfo, 1));
	tt_spi_begin();
	tt_require_user(user_id);
	tt_store_user(&set_external_id, args, nulls);
	tt_spi_end();
	PG_RETURN_VOID();
}
