/*
 * webhook.c: create_webhook(), update_webhook() and delete_webhook() (see
 * webhook.h). All of one user's are changed under his lock.
 */
#include "webhook.h"

#include "account.h"
#include "arguments.h"
#include "catalog/pg_type_d.h"
#include "error.h"
#include "lock.h"
#include "mb/pg_wchar.h"
#include "spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "wake.h"

PG_FUNCTION_INFO_V1(tt_create_webhook);
PG_FUNCTION_INFO_V1(tt_update_webhook);
PG_FUNCTION_INFO_V1(tt_delete_webhook);

static TtQuery count_webhooks = {
	"SELECT count(*) FROM timetrackr.webhooks WHERE user_id = $1",
	1, {INT8OID}, TT_AT_HOME
};

/* Each once, in order. */
static TtQuery sorted_topics = {
	"SELECT ARRAY(SELECT DISTINCT t FROM pg_catalog.unnest($1::text[]) AS t WHERE t IS NOT NULL ORDER BY t)",
	1, {TEXTOID}
};

static TtQuery sorted_projects = {
	"SELECT ARRAY(SELECT DISTINCT p FROM pg_catalog.unnest($1) AS p WHERE p IS NOT NULL ORDER BY p)",
	1, {INT8ARRAYOID}
};

static TtQuery hidden_project = {
	"SELECT p FROM pg_catalog.unnest($2) AS p WHERE NOT timetrackr.project_visible($1, p) LIMIT 1",
	2, {INT8OID, INT8ARRAYOID}
};

static TtQuery insert_webhook = {
	"INSERT INTO timetrackr.webhooks (user_id, url, topics, project_ids, description, enabled, secret)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7)"
	" RETURNING id",
	7, {INT8OID, TEXTOID, TEXTARRAYOID, INT8ARRAYOID, TEXTOID, BOOLOID, BYTEAOID}, TT_AT_HOME
};

static TtQuery new_webhook = {
	"SELECT w.*, $3 FROM timetrackr.webhook($1, $2) AS w",
	3, {INT8OID, INT8OID, TEXTOID}, TT_AT_HOME
};

static TtQuery whole_webhook = {
	"SELECT w.* FROM timetrackr.webhook($1, $2) AS w",
	2, {INT8OID, INT8OID}, TT_AT_HOME
};

static TtQuery lock_webhook = {
	"SELECT enabled FROM timetrackr.webhooks WHERE user_id = $1 AND id = $2 FOR NO KEY UPDATE",
	2, {INT8OID, INT8OID}, TT_AT_HOME
};

/* Of each field whether to change it, and to what. Whatever is enabled, or leads elsewhere, has a clean slate. */
static TtQuery update_webhook = {
	"UPDATE timetrackr.webhooks SET"
	" url = CASE WHEN $3 THEN $4 ELSE url END,"
	" topics = CASE WHEN $5 THEN $6 ELSE topics END,"
	" project_ids = CASE WHEN $7 THEN $8 ELSE project_ids END,"
	" description = CASE WHEN $9 THEN $10 ELSE description END,"
	" enabled = CASE WHEN $11 THEN $12 ELSE enabled END,"
	" disabled_reason = CASE WHEN $11 THEN NULL ELSE disabled_reason END,"
	" failures = CASE WHEN $3 OR ($11 AND $12) THEN 0 ELSE failures END,"
	" failing_since = CASE WHEN $3 OR ($11 AND $12) THEN NULL ELSE failing_since END,"
	" paused_until = CASE WHEN $3 OR ($11 AND $12) THEN NULL ELSE paused_until END,"
	" updated_at = pg_catalog.now()"
	" WHERE user_id = $1 AND id = $2",
	12, {INT8OID, INT8OID, BOOLOID, TEXTOID, BOOLOID, TEXTARRAYOID, BOOLOID, INT8ARRAYOID,
	BOOLOID, TEXTOID, BOOLOID, BOOLOID}, TT_AT_HOME
};

static TtQuery schedule_webhook = {
	"SELECT timetrackr.schedule_webhook($1, $2)",
	2, {INT8OID, INT8OID}, TT_AT_HOME
};

static TtQuery delete_webhook = {
	"DELETE FROM timetrackr.webhooks WHERE user_id = $1 AND id = $2",
	2, {INT8OID, INT8OID}, TT_AT_HOME
};

static _Noreturn void
no_webhook(void)
{
	tt_raise(404, "webhook_not_found", NULL, NULL, "there is no such webhook");
	pg_unreachable();
}

void
tt_lock_webhook_owner(int64 viewer_id)
{
	if (tt_user_lock(viewer_id) == NULL)
		tt_no_viewer();
}

void
tt_require_webhook(int64 viewer_id, int64 webhook_id, bool only_enabled)
{
	Datum		args[2] = {Int64GetDatum(viewer_id), Int64GetDatum(webhook_id)};

	if (tt_query(&lock_webhook, args, NULL) == 0)
		no_webhook();
	if (only_enabled && !tt_bool(0, 0))
		tt_raise(409, "webhook_disabled", NULL, NULL, "the webhook is disabled");
}

void
tt_schedule_webhook(int64 viewer_id, int64 webhook_id)
{
	Datum		args[2] = {Int64GetDatum(viewer_id), Int64GetDatum(webhook_id)};

	(void) tt_query(&schedule_webhook, args, NULL);
	tt_wake_sender();
}

/* ---- the fields ---- */

static char *
description_argument(FunctionCallInfo fcinfo, int n)
{
	char	   *description = PG_ARGISNULL(n) ? "" : tt_trim(TextDatumGetCString(PG_GETARG_DATUM(n)));

	if (pg_mbstrlen(description) > TT_WEBHOOK_DESCRIPTION_MAX_CHARS)
		tt_raise(422, "too_long", "description", NULL,
				 "a description has at most %d characters", TT_WEBHOOK_DESCRIPTION_MAX_CHARS);
	return description;
}

/* The first value of the last result, an array, for longer than the result lives. */
static Datum
array_result(int *count)
{
	bool		isnull;
	ArrayType  *array = DatumGetArrayTypePCopy(tt_datum(0, 0, &isnull));

	*count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	return PointerGetDatum(array);
}

/* An array of topics as one of text. The argument is not null. */
static Datum
topics_argument(FunctionCallInfo fcinfo, int n)
{
	Datum		text = CStringGetTextDatum(OidOutputFunctionCall(F_ARRAY_OUT, PG_GETARG_DATUM(n)));
	int			count;
	Datum		topics;

	(void) tt_query(&sorted_topics, &text, NULL);
	topics = array_result(&count);
	if (count == 0)
		tt_raise(422, "no_topics", "topics", NULL, "topics names at least one, or is null");
	return topics;
}

static Datum
projects_argument(FunctionCallInfo fcinfo, int n, int64 viewer_id)
{
	Datum		args[2] = {Int64GetDatum(viewer_id)};
	Datum		given = PG_ARGISNULL(n) ? PointerGetDatum(construct_empty_array(INT8OID)) : PG_GETARG_DATUM(n);
	int			count;

	(void) tt_query(&sorted_projects, &given, NULL);
	args[1] = array_result(&count);
	if (count > TT_WEBHOOK_PROJECTS_MAX)
		tt_raise(422, "too_many_projects", "project_ids", NULL,
				 "a webhook names at most %d projects", TT_WEBHOOK_PROJECTS_MAX);
	if (tt_query(&hidden_project, args, NULL) > 0)
		tt_raise(404, "project_not_found", "project_ids", NULL,
				 "there is no project " INT64_FORMAT, tt_int64(0, 0));
	return args[1];
}

/* ---- the functions ---- */

static void
require_room(int64 viewer_id)
{
	Datum		arg = Int64GetDatum(viewer_id);

	(void) tt_query(&count_webhooks, &arg, NULL);
	if (tt_int64(0, 0) >= TT_WEBHOOKS_MAX)
		tt_raise(409, "too_many_webhooks", NULL, NULL, "nobody has more than %d webhooks", TT_WEBHOOKS_MAX);
}

/* create_webhook(viewer_id, url, topics, project_ids, description, enabled, allow_private) */
Datum
tt_create_webhook(PG_FUNCTION_ARGS)
{
	int64		viewer_id = tt_viewer(fcinfo);
	char	   *url = tt_clean_webhook_url(tt_required_text(fcinfo, 1, "url"), PG_GETARG_BOOL(6));
	Datum		args[7] = {Int64GetDatum(viewer_id), CStringGetTextDatum(url)};
	bool		nulls[7] = {false, false, PG_ARGISNULL(2)};
	Datum		made[3] = {args[0]};
	char	   *secret;
	Datum		result;

	if (PG_ARGISNULL(5))
		tt_raise(422, "missing_field", "enabled", NULL, "enabled can't be null");
	args[4] = CStringGetTextDatum(description_argument(fcinfo, 4));
	args[5] = PG_GETARG_DATUM(5);
	tt_spi_begin();
	tt_lock_webhook_owner(viewer_id);
	require_room(viewer_id);
	if (!nulls[2])
		args[2] = topics_argument(fcinfo, 2);
	args[3] = projects_argument(fcinfo, 3, viewer_id);
	secret = tt_new_webhook_secret(&args[6]);
	(void) tt_query(&insert_webhook, args, nulls);
	made[1] = Int64GetDatum(tt_int64(0, 0));
	made[2] = CStringGetTextDatum(secret);
	(void) tt_query(&new_webhook, made, NULL);
	result = tt_row_result();
	tt_spi_end();
	PG_RETURN_DATUM(result);
}

/* The arguments of update_webhook() */
enum { ARG_VIEWER_ID, ARG_WEBHOOK_ID, ARG_URL, ARG_TOPICS, ARG_PROJECT_IDS, ARG_DESCRIPTION, ARG_ENABLED,
	ARG_GIVEN, ARG_ALLOW_PRIVATE };

static const char *const changeable[] = {NULL, NULL, "url", "topics", "project_ids", "description", "enabled"};

static bool
is_changed(FunctionCallInfo fcinfo, int n)
{
	bool		changed = tt_is_given(fcinfo, n, changeable[n], ARG_GIVEN);

	if (changed && PG_ARGISNULL(n) && (n == ARG_URL || n == ARG_ENABLED))
		tt_raise(422, "missing_field", changeable[n], NULL, "%s can't be null", changeable[n]);
	return changed;
}

/* Each field that is changed is a pair of the UPDATE's parameters: that it is, and to what. */
static void
fill_changes(FunctionCallInfo fcinfo, int64 viewer_id, Datum *args, bool *nulls)
{
	for (int n = ARG_URL; n <= ARG_ENABLED; n++)
	{
		bool		changed = is_changed(fcinfo, n);
		Datum	   *value = &args[2 * n - 1];

		args[2 * n - 2] = BoolGetDatum(changed);
		nulls[2 * n - 1] = !changed || (n == ARG_TOPICS && PG_ARGISNULL(n));
		if (nulls[2 * n - 1])
			continue;
		if (n == ARG_URL)
			*value = CStringGetTextDatum(tt_clean_webhook_url(TextDatumGetCString(PG_GETARG_DATUM(n)),
															  PG_GETARG_BOOL(ARG_ALLOW_PRIVATE)));
		else if (n == ARG_TOPICS)
			*value = topics_argument(fcinfo, n);
		else if (n == ARG_PROJECT_IDS)
			*value = projects_argument(fcinfo, n, viewer_id);
		else if (n == ARG_DESCRIPTION)
			*value = CStringGetTextDatum(description_argument(fcinfo, n));
		else
			*value = PG_GETARG_DATUM(n);
	}
}

/* update_webhook(viewer_id, webhook_id, url, topics, project_ids, description, enabled, given, allow_private) */
Datum
tt_update_webhook(PG_FUNCTION_ARGS)
{
	int64		viewer_id = tt_viewer(fcinfo);
	int64		webhook_id = tt_required_int64(fcinfo, ARG_WEBHOOK_ID, "webhook_id");
	Datum		args[12] = {Int64GetDatum(viewer_id), Int64GetDatum(webhook_id)};
	bool		nulls[12] = {false};
	Datum		result;

	tt_spi_begin();
	tt_lock_webhook_owner(viewer_id);
	tt_require_webhook(viewer_id, webhook_id, false);
	fill_changes(fcinfo, viewer_id, args, nulls);
	(void) tt_query(&update_webhook, args, nulls);
	tt_schedule_webhook(viewer_id, webhook_id);
	(void) tt_query(&whole_webhook, args, NULL);
	result = tt_row_result();
	tt_spi_end();
	PG_RETURN_DATUM(result);
}

/* delete_webhook(viewer_id, webhook_id) */
Datum
tt_delete_webhook(PG_FUNCTION_ARGS)
{
	int64		viewer_id = tt_viewer(fcinfo);
	Datum		args[2] = {Int64GetDatum(viewer_id),
		Int64GetDatum(tt_required_int64(fcinfo, 1, "webhook_id"))};

	tt_spi_begin();
	tt_lock_webhook_owner(viewer_id);
	if (tt_query(&delete_webhook, args, NULL) == 0)
		no_webhook();
	tt_spi_end();
	PG_RETURN_VOID();
}
