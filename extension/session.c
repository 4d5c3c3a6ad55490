/*
 * session.c: refresh tokens (see session.h). Who may have one is account.c's
 * matter.
 *
 * A rotation updates its token's row before it inserts the next one. So a
 * revocation, which updates every row of the session, waits for a rotation
 * under way, but its snapshot lacks the row that one inserted. Revocations
 * therefore repeat until they find nothing left.
 */
#include "session.h"

#include "spi.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#define TOKEN_BYTES 32

static TtQuery insert_token = {
	"INSERT INTO timetrackr.refresh_tokens (user_id, token_sha256, family, expires_at)"
	" VALUES ($1, $2, COALESCE($3::uuid, pg_catalog.gen_random_uuid()),"
	" pg_catalog.now() + pg_catalog.make_interval(secs => $4))",
	4, {INT8OID, BYTEAOID, TEXTOID, INT4OID}
};

static TtQuery delete_expired = {
	"DELETE FROM timetrackr.refresh_tokens"
	" WHERE user_id = $1 AND expires_at <= pg_catalog.now()",
	1, {INT8OID}
};

/* Of two at once the second waits, and finds used_at set. */
static TtQuery use_token = {
	"UPDATE timetrackr.refresh_tokens SET used_at = pg_catalog.now()"
	" WHERE token_sha256 = $1 AND used_at IS NULL AND revoked_at IS NULL"
	" AND expires_at > pg_catalog.now()"
	" RETURNING user_id, family::text",
	1, {BYTEAOID}
};

static TtQuery revoke_reused = {
	"UPDATE timetrackr.refresh_tokens AS t SET revoked_at = pg_catalog.now()"
	" FROM timetrackr.refresh_tokens AS reused"
	" WHERE reused.token_sha256 = $1"
	" AND (reused.used_at IS NOT NULL OR reused.revoked_at IS NOT NULL)"
	" AND t.user_id = reused.user_id AND t.family = reused.family"
	" AND t.revoked_at IS NULL",
	1, {BYTEAOID}
};

static TtQuery revoke_family = {
	"UPDATE timetrackr.refresh_tokens AS t SET revoked_at = pg_catalog.now()"
	" FROM timetrackr.refresh_tokens AS member"
	" WHERE member.user_id = $1 AND member.token_sha256 = $2"
	" AND t.user_id = $1 AND t.family = member.family"
	" AND t.revoked_at IS NULL",
	2, {INT8OID, BYTEAOID}
};

static TtQuery revoke_all = {
	"UPDATE timetrackr.refresh_tokens SET revoked_at = pg_catalog.now()"
	" WHERE user_id = $1 AND revoked_at IS NULL",
	1, {INT8OID}
};

static char *
base64url(const uint8 *bytes, int count)
{
	const char *alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	char	   *text = palloc((count * 8 + 5) / 6 + 1);
	char	   *out = text;
	uint32		bits = 0;
	int			pending = 0;

	for (int i = 0; i < count; i++)
	{
		bits = bits << 8 | bytes[i];
		for (pending += 8; pending >= 6; pending -= 6)
			*out++ = alphabet[bits >> (pending - 6) & 63];
	}
	if (pending > 0)
		*out++ = alphabet[bits << (6 - pending) & 63];
	*out = '\0';
	return text;
}

/* Its bytea digest: that of the characters, so any string can be looked up. */
static Datum
digest(const char *token)
{
	return DirectFunctionCall1(sha256_bytea, CStringGetTextDatum(token));
}

/* Add a token to the family (a UUID as text), or to a new one when NULL. */
static char *
issue(int64 user_id, const char *family, int ttl)
{
	uint8		bytes[TOKEN_BYTES];
	char	   *token;
	Datum		args[4];
	bool		nulls[4] = {false, false, family == NULL, false};

	if (!pg_strong_random(bytes, sizeof(bytes)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate a random token")));
	token = base64url(bytes, sizeof(bytes));
	args[0] = Int64GetDatum(user_id);
	args[1] = digest(token);
	args[2] = family == NULL ? (Datum) 0 : CStringGetTextDatum(family);
	args[3] = Int32GetDatum(ttl);
	(void) tt_query(&insert_token, args, nulls);
	return token;
}

char *
tt_session_open(int64 user_id, int ttl)
{
	Datum		arg = Int64GetDatum(user_id);

	(void) tt_query(&delete_expired, &arg, NULL);
	return issue(user_id, NULL, ttl);
}

bool
tt_session_rotate(const char *token, int ttl, int64 *user_id, char **next)
{
	Datum		arg = digest(token);

	if (tt_query(&use_token, &arg, NULL) == 0)
	{
		while (tt_query(&revoke_reused, &arg, NULL) > 0)
			;
		return false;
	}
	*user_id = tt_int64(0, 0);
	*next = issue(*user_id, tt_text(0, 1), ttl);
	return true;
}

void
tt_session_close(int64 user_id, const char *token)
{
	Datum		args[2] = {Int64GetDatum(user_id), digest(token)};

	while (tt_query(&revoke_family, args, NULL) > 0)
		;
}

void
tt_session_close_all(int64 user_id)
{
	Datum		arg = Int64GetDatum(user_id);

	while (tt_query(&revoke_all, &arg, NULL) > 0)
		;
}
