/*
 * badge_admin.c: create_badge(), update_badge(), delete_badge(): what an admin
 * does to the badges there are. Criteria are checked by the table's trigger,
 * whoever writes it.
 */
#include "account.h"
#include "arguments.h"
#include "badge.h"
#include "catalog/pg_type_d.h"
#include "error.h"
#include "lock.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "spi.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

PG_FUNCTION_INFO_V1(tt_create_badge);
PG_FUNCTION_INFO_V1(tt_update_badge);
PG_FUNCTION_INFO_V1(tt_delete_badge);

#define NAME_MAX_CHARS 100
#define DESCRIPTION_MAX_CHARS 2000
#define URL_MAX_CHARS 2000

/* Holders of a badge looked up at a time. */
#define HOLDERS_PAGE 1000

/* The fields of a badge, in the order of the functions' arguments. */
typedef enum BadgeField
{
	FIELD_NAME,
	FIELD_DESCRIPTION,
	FIELD_CRITERIA,
	FIELD_TIER,
	FIELD_IMAGE_URL,
	FIELD_ENABLED,
	FIELD_REVOCABLE,
	BADGE_FIELDS
} BadgeField;

static const char *const field_names[BADGE_FIELDS] = {
	"name", "description", "criteria", "tier", "image_url", "enabled", "revocable"
};

static TtQuery insert_badge = {
	"INSERT INTO timetrackr.badges"
	" (name, description, criteria, tier, image_url, enabled, revocable)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7)"
	" RETURNING id",
	7, {TEXTOID, TEXTOID, JSONBOID, TEXTOID, TEXTOID, BOOLOID, BOOLOID}, TT_EVERY_COPY
};

/* Of each field whether to change it, and to what. */
static TtQuery update_badge = {
	"UPDATE timetrackr.badges SET"
	" name = CASE WHEN $2 THEN $3 ELSE name END,"
	" description = CASE WHEN $4 THEN $5 ELSE description END,"
	" criteria = CASE WHEN $6 THEN $7 ELSE criteria END,"
	" tier = CASE WHEN $8 THEN $9 ELSE tier END,"
	" image_url = CASE WHEN $10 THEN $11 ELSE image_url END,"
	" enabled = CASE WHEN $12 THEN $13 ELSE enabled END,"
	" revocable = CASE WHEN $14 THEN $15 ELSE revocable END"
	" WHERE id = $1"
	" RETURNING id, name, description, criteria, tier, image_url, enabled, revocable",
	15, {INT8OID, BOOLOID, TEXTOID, BOOLOID, TEXTOID, BOOLOID, JSONBOID, BOOLOID, TEXTOID,
		BOOLOID, TEXTOID, BOOLOID, BOOLOID, BOOLOID, BOOLOID}, TT_EVERY_COPY
};

static TtQuery badge_exists = {
	"SELECT FROM timetrackr.badges WHERE id = $1",
	1, {INT8OID}
};

static TtQuery holders_page = {
	"SELECT user_id FROM timetrackr.user_badges"
	" WHERE badge_id = $1 AND user_id > $2"
	" ORDER BY user_id LIMIT $3",
	3, {INT8OID, INT8OID, INT8OID}
};

static TtQuery delete_badge = {
	"DELETE FROM timetrackr.badges WHERE id = $1",
	1, {INT8OID}, TT_EVERY_COPY
};

static _Noreturn void
no_badge(int64 badge_id)
{
	tt_raise(404, "badge_not_found", NULL, NULL, "there is no badge " INT64_FORMAT, badge_id);
	pg_unreachable();
}

/*
 * Run query, which stores a badge; returns its number of rows. The unique
 * constraint is the only judge of what is taken.
 */
static uint64
store_badge(TtQuery *query, const Datum *values, const bool *nulls)
{
	MemoryContext context = CurrentMemoryContext;
	uint64		rows = 0;

	PG_TRY();
	{
		rows = tt_query(query, values, nulls);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (!tt_violates(error, "badges_name_key"))
			PG_RE_THROW();
		FlushErrorState();
		tt_raise(409, "badge_name_taken", "name", NULL, "another badge has this name");
	}
	PG_END_TRY();
	return rows;
}

/* what the fields must be */

static void
limit_length(const char *text, int max_chars, BadgeField field)
{
	if (pg_mbstrlen(text) > max_chars)
		tt_raise(422, "too_long", field_names[field], NULL,
				 "%s has at most %d characters", field_names[field], max_chars);
}

static Datum
clean_name(Datum given)
{
	char	   *name = tt_trim(TextDatumGetCString(given));

	if (name[0] == '\0')
		tt_raise(422, "missing_field", "name", NULL, "a badge needs a name");
	limit_length(name, NAME_MAX_CHARS, FIELD_NAME);
	return CStringGetTextDatum(name);
}

/* A path of this site, or a URL that a browser loads a picture from. */
static Datum
clean_image_url(Datum given)
{
	char	   *url = tt_trim(TextDatumGetCString(given));
	bool		is_path = url[0] == '/' && url[1] != '/';

	limit_length(url, URL_MAX_CHARS, FIELD_IMAGE_URL);
	if (!is_path && strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0)
		tt_raise(422, "invalid_url", "image_url", NULL,
				 "image_url starts with https://, http:// or a single /");
	for (const char *s = url; *s != '\0'; s++)
	{
		if ((unsigned char) *s <= ' ' || strchr("\"'<>\\^`{|}\x7f", *s) != NULL)
			tt_raise(422, "invalid_url", "image_url", NULL,
					 "image_url has no blanks, quotes or brackets");
	}
	return CStringGetTextDatum(url);
}

/*
 * The value to store for a field, given as argument n; *isnull for no image.
 * A missing description is empty; anything else must be there.
 */
static Datum
clean_field(FunctionCallInfo fcinfo, int n, BadgeField field, bool *isnull)
{
	*isnull = false;
	if (PG_ARGISNULL(n))
	{
		if (field == FIELD_DESCRIPTION)
			return CStringGetTextDatum("");
		if (field != FIELD_IMAGE_URL)
			tt_raise(422, "missing_field", field_names[field], NULL,
					 "%s must be given", field_names[field]);
		*isnull = true;
		return (Datum) 0;
	}
	switch (field)
	{
		case FIELD_NAME:
			return clean_name(PG_GETARG_DATUM(n));
		case FIELD_DESCRIPTION:
			limit_length(TextDatumGetCString(PG_GETARG_DATUM(n)), DESCRIPTION_MAX_CHARS, field);
			return PG_GETARG_DATUM(n);
		case FIELD_TIER:
			return CStringGetTextDatum(DatumGetCString(DirectFunctionCall1(enum_out,
																		   PG_GETARG_DATUM(n))));
		case FIELD_IMAGE_URL:
			return clean_image_url(PG_GETARG_DATUM(n));
		default:
			return PG_GETARG_DATUM(n);
	}
}

/* create_badge(viewer_id, name, …): the fields are arguments from 1 on. */
Datum
tt_create_badge(PG_FUNCTION_ARGS)
{
	int64		viewer_id = tt_viewer(fcinfo);
	Datum		args[BADGE_FIELDS];
	bool		nulls[BADGE_FIELDS];
	int64		badge_id;

	tt_spi_begin();
	tt_require_admin(viewer_id);
	for (int field = 0; field < BADGE_FIELDS; field++)
		args[field] = clean_field(fcinfo, 1 + field, (BadgeField) field, &nulls[field]);
	(void) store_badge(&insert_badge, args, nulls);
	badge_id = tt_int64(0, 0);
	tt_spi_end();
	PG_RETURN_INT64(badge_id);
}

/* update_badge(viewer_id, badge_id, name, …, given): the fields are arguments from 2 on. */
Datum
tt_update_badge(PG_FUNCTION_ARGS)
{
	int64		viewer_id = tt_viewer(fcinfo);
	int64		badge_id = tt_required_int64(fcinfo, 1, "badge_id");
	Datum		args[1 + 2 * BADGE_FIELDS] = {Int64GetDatum(badge_id)};
	bool		nulls[1 + 2 * BADGE_FIELDS] = {false};
	Datum		result;

	tt_spi_begin();
	tt_require_admin(viewer_id);
	for (int field = 0; field < BADGE_FIELDS; field++)
	{
		int			n = 2 + field;
		bool		changed = tt_is_given(fcinfo, n, field_names[field], 2 + BADGE_FIELDS);
		Datum	   *value = &args[2 + 2 * field];
		bool	   *isnull = &nulls[2 + 2 * field];

		args[1 + 2 * field] = BoolGetDatum(changed);
		*isnull = true;
		if (changed)
			*value = clean_field(fcinfo, n, (BadgeField) field, isnull);
	}
	if (store_badge(&update_badge, args, nulls) == 0)
		no_badge(badge_id);
	result = tt_row_result();
	tt_spi_end();
	PG_RETURN_DATUM(result);
}

/*
 * Take the badge back from all who have it, each under his lock, in order of
 * id. Done before its row is locked: who is awarded it meanwhile waits for that
 * row with his own lock held.
 */
static void
revoke_from_all(int64 badge_id)
{
	int64		ids[HOLDERS_PAGE];
	int64		last = PG_INT64_MIN;
	uint64		rows;

	do
	{
		Datum		args[] = {Int64GetDatum(badge_id), Int64GetDatum(last), Int64GetDatum(HOLDERS_PAGE)};

		rows = tt_query(&holders_page, args, NULL);
		for (uint64 row = 0; row < rows; row++)
			ids[row] = tt_int64(row, 0);
		for (uint64 row = 0; row < rows; row++)
		{
			CHECK_FOR_INTERRUPTS();
			if (tt_user_lock(ids[row]) != NULL)
				(void) tt_badge_revoke(ids[row], badge_id);
			/* The lock stays; what is known of it would add up. */
			tt_user_forget(ids[row]);
		}
		last = rows > 0 ? ids[rows - 1] : last;
	} while (rows == HOLDERS_PAGE);
}

/* delete_badge(viewer_id, badge_id); the cascade gets awards made meanwhile. */
Datum
tt_delete_badge(PG_FUNCTION_ARGS)
{
	int64		viewer_id = tt_viewer(fcinfo);
	int64		badge_id = tt_required_int64(fcinfo, 1, "badge_id");
	Datum		args[] = {Int64GetDatum(badge_id)};

	tt_spi_begin();
	tt_require_admin(viewer_id);
	if (tt_query(&badge_exists, args, NULL) == 0)
		no_badge(badge_id);
	revoke_from_all(badge_id);
	if (tt_query(&delete_badge, args, NULL) == 0)
		no_badge(badge_id);
	tt_spi_end();
	PG_RETURN_VOID();
}
