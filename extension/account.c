/*
 * account.c: the row of an account: what is checked before it is stored, what
 * follows once it is, and update_me(). Signing in is login.c's matter.
 */
#include "account.h"

#include "arguments.h"
#include "error.h"
#include "event.h"
#include "external.h"
#include "home.h"
#include "lock.h"
#include "media.h"
#include "row.h"
#include "spi.h"
#include "standing.h"
#include "timeline.h"
#include "user_rules.h"

#include "access/htup_details.h"
#include "catalog/pg_type_d.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/rel.h"

/* In a user's list of kinds of notifications. */
#define EMAIL_KINDS_MAX 50

PG_FUNCTION_INFO_V1(tt_check_admin);
PG_FUNCTION_INFO_V1(tt_update_me);
PG_FUNCTION_INFO_V1(tt_user_exists);

/* What a profile shows; the password is not among them. */
static const char *const profile_columns[] = {
	"email", "username", "role", "timezone", "bio", "avatar", "listed", "email_notifications",
	"email_also", "email_never"
};

static TtQuery user_exists = {
	"SELECT FROM timetrackr.users WHERE id = $1",
	1, {INT8OID}
};

static TtQuery role_of_user = {
	"SELECT role FROM timetrackr.users WHERE id = $1",
	1, {INT8OID}
};

static TtQuery insert_totals = {
	"INSERT INTO timetrackr.user_totals (user_id, listed) VALUES ($1, $2)",
	2, {INT8OID, BOOLOID}, TT_AT_HOME
};

static TtQuery delete_totals = {
	"DELETE FROM timetrackr.user_totals WHERE user_id = $1",
	1, {INT8OID}, TT_AT_HOME
};

static TtQuery list_totals = {
	"UPDATE timetrackr.user_totals SET listed = $2 WHERE user_id = $1 AND listed <> $2"
	" RETURNING seconds, badges",
	2, {INT8OID, BOOLOID}, TT_AT_HOME
};

static TtQuery list_scores = {
	"UPDATE timetrackr.scores SET listed = $2 WHERE user_id = $1 AND listed <> $2",
	2, {INT8OID, BOOLOID}, TT_AT_HOME
};

static TtQuery update_user = {
	"UPDATE timetrackr.users SET"
	" username = CASE WHEN $2 THEN $3 ELSE username END,"
	" timezone = CASE WHEN $4 THEN $5 ELSE timezone END,"
	" bio = CASE WHEN $6 THEN COALESCE($7, '') ELSE bio END,"
	" listed = CASE WHEN $8 THEN $9 ELSE listed END,"
	" email_notifications = CASE WHEN $10 THEN $11 ELSE email_notifications END,"
	" email_also = CASE WHEN $12 THEN COALESCE($13, '{}') ELSE email_also END,"
	" email_never = CASE WHEN $14 THEN COALESCE($15, '{}') ELSE email_never END"
	" WHERE id = $1",
	15, {INT8OID, BOOLOID, TEXTOID, BOOLOID, TEXTOID, BOOLOID, TEXTOID, BOOLOID, BOOLOID, BOOLOID, TEXTOID,
	BOOLOID, TEXTARRAYOID, BOOLOID, TEXTARRAYOID}, TT_EVERY_COPY
};

/* Each once, in order; and one that is no name of a kind. */
static TtQuery sorted_kinds = {
	"SELECT ARRAY(SELECT DISTINCT k FROM pg_catalog.unnest($1) AS k WHERE k IS NOT NULL ORDER BY k),"
	" (SELECT k FROM pg_catalog.unnest($1) AS k WHERE k OPERATOR(pg_catalog.!~) '^[a-z][a-z0-9_]{0,49}$' LIMIT 1)",
	1, {TEXTARRAYOID}
};

static TtQuery own_profile = {
	"SELECT m.* FROM timetrackr.me($1) AS m",
	1, {INT8OID}, TT_AT_HOME
};

static bool
exists(int64 user_id)
{
	Datum		arg = Int64GetDatum(user_id);

	return tt_query(&user_exists, &arg, NULL) == 1;
}

void
tt_no_viewer(void)
{
	tt_raise(401, "invalid_token", NULL, NULL, "the acting user does not exist");
	pg_unreachable();
}

void
tt_require_viewer(int64 user_id)
{
	if (!exists(user_id))
		tt_no_viewer();
}

void
tt_require_user(int64 user_id)
{
	if (!exists(user_id))
		tt_raise(404, "user_not_found", NULL, NULL, "there is no such user");
}

void
tt_require_admin(int64 user_id)
{
	Datum		arg = Int64GetDatum(user_id);

	if (tt_query(&role_of_user, &arg, NULL) == 0)
		tt_no_viewer();
	if (strcmp(tt_text(0, 0), "admin") != 0)
		tt_raise(403, "not_admin", NULL, NULL, "only an admin may do this");
}

/* check_admin(viewer_id) */
Datum
tt_check_admin(PG_FUNCTION_ARGS)
{
	int64		viewer_id = tt_viewer(fcinfo);

	tt_spi_begin();
	tt_require_admin(viewer_id);
	tt_spi_end();
	PG_RETURN_BOOL(true);
}

/* user_exists(user_id); strict. In C because SQL would be planned at each call. */
Datum
tt_user_exists(PG_FUNCTION_ARGS)
{
	bool		result;

	tt_spi_begin();
	result = exists(PG_GETARG_INT64(0));
	tt_spi_end();
	PG_RETURN_BOOL(result);
}

/*
 * A unique index is the only judge of what is taken: whoever looked first
 * would lose a race. Its error becomes the one our callers know.
 */
void
tt_store_user(TtQuery *query, const Datum *values, const bool *nulls)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		(void) tt_query(query, values, nulls);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (tt_violates(error, "users_email_key"))
		{
			FlushErrorState();
			tt_raise(409, "email_taken", "email", NULL, "this email has an account already");
		}
		if (tt_violates(error, "users_username_key"))
		{
			FlushErrorState();
			tt_raise(409, "username_taken", "username", NULL, "this username is taken");
		}
		if (tt_violates(error, "users_external_id_key"))
		{
			FlushErrorState();
			tt_raise(409, "external_id_taken", "subject", NULL, "this subject has an account already");
		}
		PG_RE_THROW();
	}
	PG_END_TRY();
}

/* Clean one text column of the row being stored, unless the UPDATE leaves it alone. */
static void
clean_column(TriggerData *trigger, HeapTuple *row, const char *name,
			 char *(*clean) (const char *))
{
	TupleDesc	columns = RelationGetDescr(trigger->tg_relation);
	char	   *given;
	char	   *cleaned;
	int			number = tt_row_column(columns, name);
	Datum		value;
	bool		isnull = false;

	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) && !tt_row_changed(trigger, name))
		return;
	given = tt_row_text(*row, columns, name);
	if (given == NULL)
		return;					/* NOT NULL says it better */
	cleaned = clean(given);
	if (strcmp(given, cleaned) == 0)
		return;

	value = CStringGetTextDatum(cleaned);
	*row = heap_modify_tuple_by_cols(*row, columns, 1, &number, &value, &isnull);
}

HeapTuple
tt_user_normalise(TriggerData *trigger)
{
	HeapTuple	row = tt_row_subject(trigger);

	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) && tt_row_changed(trigger, "id"))
		tt_raise(422, "user_id_immutable", "id", NULL, "a user keeps the same id");
	clean_column(trigger, &row, "email", tt_clean_email);
	clean_column(trigger, &row, "username", tt_clean_username);
	clean_column(trigger, &row, "timezone", tt_clean_timezone);
	clean_column(trigger, &row, "bio", tt_clean_bio);
	return row;
}

static void
emit(const char *topic, int64 user_id)
{
	tt_event_emit(topic, psprintf("{\"user_id\": " INT64_FORMAT "}", user_id));
}

static void
user_inserted(HeapTuple row, TupleDesc columns, int64 user_id)
{
	Datum		args[2] = {
		Int64GetDatum(user_id),
		BoolGetDatum(tt_row_bool(row, columns, "listed"))
	};

	if (!tt_is_home(user_id))
		return;
	(void) tt_query(&insert_totals, args, NULL);
	tt_timeline_add(user_id, "user_joined", "{}", 0,
					tt_row_int64(row, columns, "created_at"));
	emit("profile_changed", user_id);
}

/* The boards' indexes hold listed users only, so each score knows. */
static void
user_listed(HeapTuple row, TupleDesc columns, int64 user_id)
{
	Datum		args[2] = {
		Int64GetDatum(user_id),
		BoolGetDatum(tt_row_bool(row, columns, "listed"))
	};

	if (tt_user_lock(user_id) == NULL)
		return;
	if (tt_query(&list_totals, args, NULL) == 1)
	{
		bool		listed = DatumGetBool(args[1]);
		int64		seconds = tt_int64(0, 0);
		int64		badges = tt_int64(0, 1);

		tt_standing_moved(tt_standing(!listed, seconds, badges), tt_standing(listed, seconds, badges));
	}
	(void) tt_query(&list_scores, args, NULL);
	emit("score_changed", user_id);
}

static void
user_updated(TriggerData *trigger, int64 user_id)
{
	TupleDesc	columns = RelationGetDescr(trigger->tg_relation);
	bool		shown = false;

	tt_user_forget(user_id);
	if (tt_row_changed(trigger, "avatar"))
		tt_media_drop(tt_row_text(trigger->tg_trigtuple, columns, "avatar"));
	if (!tt_is_home(user_id))
		return;
	if (tt_row_changed(trigger, "listed"))
		user_listed(trigger->tg_newtuple, columns, user_id);
	/* proxies remember who is behind an external_id */
	shown = tt_row_changed(trigger, "external_id");
	for (int i = 0; i < lengthof(profile_columns) && !shown; i++)
		shown = tt_row_changed(trigger, profile_columns[i]);
	if (shown)
		emit("profile_changed", user_id);
}

static void
user_deleted(HeapTuple row, TupleDesc columns, int64 user_id)
{
	Datum		args[] = {Int64GetDatum(user_id)};

	tt_user_forget(user_id);
	tt_external_erased(tt_row_text(row, columns, "external_id"));
	tt_media_drop(tt_row_text(row, columns, "avatar"));
	if (!tt_is_home(user_id))
		return;
	(void) tt_query(&delete_totals, args, NULL);
	emit("profile_changed", user_id);
	emit("score_changed", user_id);
}

void
tt_user_changed(TriggerData *trigger)
{
	TupleDesc	columns = RelationGetDescr(trigger->tg_relation);
	HeapTuple	row = tt_row_subject(trigger);
	int64		user_id = tt_row_int64(row, columns, "id");

	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		user_inserted(row, columns, user_id);
	else if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		user_updated(trigger, user_id);
	else
		user_deleted(row, columns, user_id);
}

/* The arguments of update_me() */
enum
{
	ARG_VIEWER_ID, ARG_USERNAME, ARG_TIMEZONE, ARG_BIO, ARG_LISTED, ARG_EMAIL_NOTIFICATIONS,
	ARG_EMAIL_ALSO, ARG_EMAIL_NEVER, ARG_GIVEN
};

static const char *const changeable[] = {
	NULL, "username", "timezone", "bio", "listed", "email_notifications", "email_also", "email_never"
};

/* Only the bio and the lists of kinds can be cleared. */
static bool
is_changed(FunctionCallInfo fcinfo, int n)
{
	if (!tt_is_given(fcinfo, n, changeable[n], ARG_GIVEN))
		return false;
	if (PG_ARGISNULL(n) && n != ARG_BIO && n < ARG_EMAIL_ALSO)
		tt_raise(422, "missing_field", changeable[n], NULL, "%s can't be null", changeable[n]);
	return true;
}

/* A list of kinds of notifications. */
static Datum
kinds_argument(FunctionCallInfo fcinfo, int n)
{
	Datum		given = PG_GETARG_DATUM(n);
	bool		isnull;
	ArrayType  *kinds;

	(void) tt_query(&sorted_kinds, &given, NULL);
	if (!tt_is_null(0, 1))
		tt_raise(422, "invalid_kind", changeable[n], NULL,
				 "a kind has 1 to 50 small letters, digits and underscores, a letter first");
	kinds = DatumGetArrayTypePCopy(tt_datum(0, 0, &isnull));
	if (ArrayGetNItems(ARR_NDIM(kinds), ARR_DIMS(kinds)) > EMAIL_KINDS_MAX)
		tt_raise(422, "too_many_kinds", changeable[n], NULL, "a list has at most %d kinds", EMAIL_KINDS_MAX);
	return PointerGetDatum(kinds);
}

/* What an argument becomes in the table. */
static Datum
stored_argument(FunctionCallInfo fcinfo, int n)
{
	if (PG_ARGISNULL(n))
		return (Datum) 0;
	if (n == ARG_EMAIL_NOTIFICATIONS)
		return CStringGetTextDatum(tt_required_enum(fcinfo, n, changeable[n]));
	return n < ARG_EMAIL_ALSO ? PG_GETARG_DATUM(n) : kinds_argument(fcinfo, n);
}

/*
 * update_me(viewer_id, username, timezone, bio, listed, email_notifications, email_also, email_never, given):
 * each field is a pair of the UPDATE's parameters, whether to change it and to what.
 */
Datum
tt_update_me(PG_FUNCTION_ARGS)
{
	Datum		viewer = Int64GetDatum(tt_viewer(fcinfo));
	Datum		args[2 * ARG_GIVEN - 1] = {viewer};
	bool		nulls[2 * ARG_GIVEN - 1] = {false};
	bool		any = false;
	Datum		result;

	tt_spi_begin();
	for (int n = ARG_USERNAME; n < ARG_GIVEN; n++)
	{
		bool		changed = is_changed(fcinfo, n);

		args[2 * n - 1] = BoolGetDatum(changed);
		args[2 * n] = stored_argument(fcinfo, n);
		nulls[2 * n] = PG_ARGISNULL(n);
		any = any || changed;
	}
	if (any)
		tt_store_user(&update_user, args, nulls);
	if (tt_query(&own_profile, &viewer, NULL) != 1)
		tt_no_viewer();
	result = tt_row_result();
	tt_spi_end();
	PG_RETURN_DATUM(result);
}
