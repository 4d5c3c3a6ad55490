/*
 * webhook_secret.c: the keys that a webhook's requests are signed with, and the
 * signatures. A key leaves the database twice at most: when its owner is told it.
 */
#include "webhook.h"

#include "arguments.h"
#include "secret.h"
#include "spi.h"

#include "catalog/pg_type_d.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(tt_rotate_webhook_secret);
PG_FUNCTION_INFO_V1(tt_webhook_signature);

static TtQuery rotate_secret = {
	"UPDATE timetrackr.webhooks SET"
	" secret = $3,"
	" previous_secret = secret,"
	" previous_until = pg_catalog.now() + interval '24 hours',"
	" updated_at = pg_catalog.now()"
	" WHERE user_id = $1 AND id = $2"
	" RETURNING id, $4, previous_until",
	4, {INT8OID, INT8OID, BYTEAOID, TEXTOID}, TT_AT_HOME
};

char *
tt_new_webhook_secret(Datum *bytes)
{
	bytea	   *secret = palloc(VARHDRSZ + TT_SECRET_BYTES);

	SET_VARSIZE(secret, VARHDRSZ + TT_SECRET_BYTES);
	tt_secret_random((uint8 *) VARDATA(secret));
	*bytes = PointerGetDatum(secret);
	return psprintf("whsec_%s", tt_base64((const uint8 *) VARDATA(secret), TT_SECRET_BYTES));
}

/* rotate_webhook_secret(viewer_id, webhook_id) */
Datum
tt_rotate_webhook_secret(PG_FUNCTION_ARGS)
{
	int64		viewer_id = tt_viewer(fcinfo);
	int64		webhook_id = tt_required_int64(fcinfo, 1, "webhook_id");
	Datum		args[4] = {Int64GetDatum(viewer_id), Int64GetDatum(webhook_id)};
	Datum		result;

	tt_spi_begin();
	tt_lock_webhook_owner(viewer_id);
	tt_require_webhook(viewer_id, webhook_id, false);
	args[3] = CStringGetTextDatum(tt_new_webhook_secret(&args[2]));
	(void) tt_query(&rotate_secret, args, NULL);
	result = tt_row_result();
	tt_spi_end();
	PG_RETURN_DATUM(result);
}

static void
add_signature(StringInfo header, Datum secret, const char *content)
{
	bytea	   *key = DatumGetByteaPP(secret);
	uint8		mac[TT_SECRET_BYTES];

	tt_hmac((const uint8 *) VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key), content, mac);
	appendStringInfo(header, "%sv1,%s", header->len > 0 ? " " : "", tt_base64(mac, sizeof(mac)));
}

/* webhook_signature(secret, previous_secret, content) */
Datum
tt_webhook_signature(PG_FUNCTION_ARGS)
{
	StringInfoData header;
	char	   *content;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	content = TextDatumGetCString(PG_GETARG_DATUM(2));
	initStringInfo(&header);
	add_signature(&header, PG_GETARG_DATUM(0), content);
	if (!PG_ARGISNULL(1))
		add_signature(&header, PG_GETARG_DATUM(1), content);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(header.data, header.len));
}
