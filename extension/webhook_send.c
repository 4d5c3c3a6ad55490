/*
 * webhook_send.c: test_webhook() and retry_webhook_delivery(): what an owner has
 * sent to his webhook, at once, whatever pause its failures have earned it.
 */
#include "webhook.h"

#include "arguments.h"
#include "error.h"
#include "spi.h"

#include "catalog/pg_type_d.h"

PG_FUNCTION_INFO_V1(tt_test_webhook);
PG_FUNCTION_INFO_V1(tt_retry_webhook_delivery);

static TtQuery insert_ping = {
	"INSERT INTO timetrackr.webhook_deliveries (user_id, webhook_id, message_id, topic, status, payload)"
	" VALUES ($1, $2, 'ping_' || pg_catalog.gen_random_uuid(), 'ping', 'pending',"
	" pg_catalog.jsonb_build_object('webhook_id', $2))"
	" RETURNING id, message_id",
	2, {INT8OID, INT8OID}, TT_AT_HOME
};

static TtQuery end_pause = {
	"UPDATE timetrackr.webhooks SET paused_until = NULL WHERE user_id = $1 AND id = $2",
	2, {INT8OID, INT8OID}, TT_AT_HOME
};

static TtQuery send_again = {
	"UPDATE timetrackr.webhook_deliveries SET"
	" status = 'pending', attempts = 0, run_at = pg_catalog.now()"
	" WHERE user_id = $1 AND webhook_id = $2 AND id = $3",
	3, {INT8OID, INT8OID, INT8OID}, TT_AT_HOME
};

/* The viewer and his webhook, which is enabled, are locked. */
static void
take_webhook(int64 viewer_id, int64 webhook_id)
{
	Datum		args[2] = {Int64GetDatum(viewer_id), Int64GetDatum(webhook_id)};

	tt_lock_webhook_owner(viewer_id);
	tt_require_webhook(viewer_id, webhook_id, true);
	(void) tt_query(&end_pause, args, NULL);
}

/* test_webhook(viewer_id, webhook_id) */
Datum
tt_test_webhook(PG_FUNCTION_ARGS)
{
	int64		viewer_id = tt_viewer(fcinfo);
	int64		webhook_id = tt_required_int64(fcinfo, 1, "webhook_id");
	Datum		args[2] = {Int64GetDatum(viewer_id), Int64GetDatum(webhook_id)};
	Datum		result;

	tt_spi_begin();
	take_webhook(viewer_id, webhook_id);
	(void) tt_query(&insert_ping, args, NULL);
	result = tt_row_result();
	tt_schedule_webhook(viewer_id, webhook_id);
	tt_spi_end();
	PG_RETURN_DATUM(result);
}

/* retry_webhook_delivery(viewer_id, webhook_id, delivery_id) */
Datum
tt_retry_webhook_delivery(PG_FUNCTION_ARGS)
{
	int64		viewer_id = tt_viewer(fcinfo);
	int64		webhook_id = tt_required_int64(fcinfo, 1, "webhook_id");
	int64		delivery_id = tt_required_int64(fcinfo, 2, "delivery_id");
	Datum		args[3] = {Int64GetDatum(viewer_id), Int64GetDatum(webhook_id), Int64GetDatum(delivery_id)};

	tt_spi_begin();
	take_webhook(viewer_id, webhook_id);
	if (tt_query(&send_again, args, NULL) == 0)
		tt_raise(404, "delivery_not_found", NULL, NULL, "there is no such delivery");
	tt_schedule_webhook(viewer_id, webhook_id);
	tt_spi_end();
	PG_RETURN_VOID();
}
