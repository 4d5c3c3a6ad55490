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

#include "secret.h"
#include "spi.h"

#include "utils/builtins.h"

static TtQuery insert_token = {
	"INSERT INTO timetrackr.refresh_tokens"
	" (user_id, token_sha256, expires_at, family, opened_at, address)"
	" VALUES ($1, $2, pg_catalog.now() + pg_catalog.make_interval(secs => $3),"
	" COALESCE($4::uuid, pg_catalog.gen_random_uuid()), COALESCE($5, pg_catalog.now()), $6)",
	6, {INT8OID, BYTEAOID, INT4OID, TEXTOID, TIMESTAMPTZOID, TEXTOID}, TT_AT_HOME
};

static TtQuery delete_expired = {
	"DELETE FROM timetrackr.refresh_tokens"
	" WHERE user_id = $1 AND expires_at <= pg_catalog.now()",
	1, {INT8OID}, TT_AT_HOME
};

/* Whose a token is never changes. */
static TtQuery owner = {
	"SELECT user_id FROM timetrackr.refresh_tokens WHERE token_sha256 = $1",
	1, {BYTEAOID}
};

/*
 * The user comes first, as in DELETE FROM users: the next token refers to him,
 * and in the other order the two could block each other.
 */
static TtQuery lock_user = {
	"SELECT FROM timetrackr.users WHERE id = $1 FOR KEY SHARE",
	1, {INT8OID}, TT_COPIES
};

/* Of two at once the second waits, and finds used_at set. */
static TtQuery use_token = {
	"UPDATE timetrackr.refresh_tokens SET used_at = pg_catalog.now()"
	" WHERE user_id = $1 AND token_sha256 = $2 AND used_at IS NULL AND revoked_at IS NULL"
	" AND expires_at > pg_catalog.now()"
	" RETURNING family::text, opened_at, address",
	2, {INT8OID, BYTEAOID}, TT_AT_HOME
};

static TtQuery revoke_reused = {
	"UPDATE timetrackr.refresh_tokens AS t SET revoked_at = pg_catalog.now()"
	" FROM timetrackr.refresh_tokens AS reused"
	" WHERE reused.user_id = $1 AND reused.token_sha256 = $2"
	" AND (reused.used_at IS NOT NULL OR reused.revoked_at IS NOT NULL)"
	" AND t.user_id = $1 AND t.family = reused.family"
	" AND t.revoked_at IS NULL",
	2, {INT8OID, BYTEAOID}, TT_AT_HOME
};

static TtQuery revoke_family = {
	"UPDATE timetrackr.refresh_tokens AS t SET revoked_at = pg_catalog.now()"
	" FROM timetrackr.refresh_tokens AS member"
	" WHERE member.user_id = $1 AND member.token_sha256 = $2"
	" AND t.user_id = $1 AND t.family = member.family"
	" AND t.revoked_at IS NULL",
	2, {INT8OID, BYTEAOID}, TT_AT_HOME
};

/* Sessions are known by their family: its text, which may be any. */
static TtQuery end_family = {
	"UPDATE timetrackr.refresh_tokens SET revoked_at = pg_catalog.now()"
	" WHERE user_id = $1 AND family::text = $2 AND revoked_at IS NULL"
	" RETURNING used_at IS NULL AND expires_at > pg_catalog.now()",
	2, {INT8OID, TEXTOID}, TT_AT_HOME
};

static TtQuery revoke_all = {
	"UPDATE timetrackr.refresh_tokens SET revoked_at = pg_catalog.now()"
	" WHERE user_id = $1 AND revoked_at IS NULL",
	1, {INT8OID}, TT_AT_HOME
};

/* What a token belongs to. */
typedef struct Family
{
	const char *id;				/* a UUID as text; NULL: a new session */
	Datum		opened_at;		/* of an old one */
	const char *place;			/* NULL: unknown */
} Family;

static char *
issue(int64 user_id, const Family *family, int ttl)
{
	bool		is_new = family->id == NULL;
	char	   *token = tt_secret_token();
	Datum		args[6];
	bool		nulls[6] = {false, false, false, is_new, is_new, family->place == NULL};

	args[0] = Int64GetDatum(user_id);
	args[1] = tt_secret_digest(token);
	args[2] = Int32GetDatum(ttl);
	args[3] = is_new ? (Datum) 0 : CStringGetTextDatum(family->id);
	args[4] = family->opened_at;
	args[5] = family->place == NULL ? (Datum) 0 : CStringGetTextDatum(family->place);
	(void) tt_query(&insert_token, args, nulls);
	return token;
}

char *
tt_session_open(int64 user_id, int ttl, const char *place)
{
	Datum		arg = Int64GetDatum(user_id);
	Family		family = {.place = place};

	(void) tt_query(&delete_expired, &arg, NULL);
	return issue(user_id, &family, ttl);
}

bool
tt_session_rotate(const char *token, int ttl, const char *place, int64 *user_id, char **next)
{
	Datum		digest = tt_secret_digest(token);
	Datum		args[2];
	Family		family;

	if (tt_query(&owner, &digest, NULL) == 0)
		return false;
	*user_id = tt_int64(0, 0);
	args[0] = Int64GetDatum(*user_id);
	args[1] = digest;
	(void) tt_query(&lock_user, args, NULL);
	if (tt_query(&use_token, args, NULL) == 0)
	{
		while (tt_query(&revoke_reused, args, NULL) > 0)
			;
		return false;
	}
	family.id = tt_text(0, 0);
	family.opened_at = Int64GetDatum(tt_int64(0, 1));
	family.place = place != NULL ? place : tt_text(0, 2);
	*next = issue(*user_id, &family, ttl);
	return true;
}

bool
tt_session_end(int64 user_id, const char *family)
{
	Datum		args[2] = {Int64GetDatum(user_id), CStringGetTextDatum(family)};
	bool		was_open = false;
	uint64		rows;

	while ((rows = tt_query(&end_family, args, NULL)) > 0)
	{
		for (uint64 row = 0; row < rows; row++)
			was_open = was_open || tt_bool(row, 0);
	}
	return was_open;
}

void
tt_session_close(int64 user_id, const char *token)
{
	Datum		args[2] = {Int64GetDatum(user_id), tt_secret_digest(token)};

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
