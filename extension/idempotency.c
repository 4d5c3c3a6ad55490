/*
 * idempotency.c: once() and remember(): a request with a key has its effect
 * once. The answer is kept under the user's key in the transaction of the work
 * itself, so that there is either both or neither. How the two enclose the
 * work is the caller's statement (see sql/30_idempotency.sql).
 */
#include "arguments.h"
#include "error.h"
#include "spi.h"

#include "access/htup_details.h"
#include "catalog/pg_collation_d.h"
#include "common/hashfn.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#define KEY_MAX_BYTES 255

/* For so long an answer is kept; prune_idempotency_keys() has the same. */
#define KEPT_FOR "interval '24 hours'"

PG_FUNCTION_INFO_V1(tt_once);
PG_FUNCTION_INFO_V1(tt_remember);

static TtQuery kept_answer = {
	"SELECT k.fingerprint, k.status, k.body FROM timetrackr.idempotency_keys k"
	" WHERE k.user_id = $1 AND k.key = $2 AND k.created_at > pg_catalog.now() - " KEPT_FOR,
	2, {INT8OID, TEXTOID}, TT_AT_HOME
};

/* Another answer that is still kept stays as it is. */
static TtQuery keep_answer = {
	"INSERT INTO timetrackr.idempotency_keys AS k (user_id, key, fingerprint, status, body)"
	" VALUES ($1, $2, $3, $4, $5)"
	" ON CONFLICT (user_id, key) DO UPDATE SET fingerprint = excluded.fingerprint,"
	" status = excluded.status, body = excluded.body, created_at = excluded.created_at"
	" WHERE k.created_at <= pg_catalog.now() - " KEPT_FOR,
	5, {INT8OID, TEXTOID, TEXTOID, INT4OID, TEXTOID}, TT_AT_HOME
};

static void
refuse_second(void)
{
	tt_raise(409, "request_in_flight", NULL, NULL,
			 "a request with this Idempotency-Key is under way");
}

/* The key in argument 1. */
static text *
required_key(FunctionCallInfo fcinfo)
{
	text	   *key = PG_ARGISNULL(1) ? NULL : PG_GETARG_TEXT_PP(1);

	if (key == NULL || VARSIZE_ANY_EXHDR(key) == 0 || VARSIZE_ANY_EXHDR(key) > KEY_MAX_BYTES)
		tt_raise(400, "invalid_idempotency_key", NULL, NULL,
				 "an Idempotency-Key has 1 to %d bytes", KEY_MAX_BYTES);
	return key;
}

/* The fingerprint in argument 2. */
static Datum
required_fingerprint(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(2))
		tt_raise(422, "missing_field", "fingerprint", NULL, "fingerprint must be given");
	return PG_GETARG_DATUM(2);
}

/*
 * Until the transaction ends nobody else works under this key. Two keys of the
 * same hash exclude each other, too: the one that is refused is sent again. Locks
 * of two numbers are none of one, so no key meets those of the relay.
 */
static bool
try_to_lock(int64 user_id, const text *key)
{
	uint64		hash = hash_bytes_extended((const unsigned char *) VARDATA_ANY(key),
										   VARSIZE_ANY_EXHDR(key), (uint64) user_id);

	return DatumGetBool(DirectFunctionCall2(pg_try_advisory_xact_lock_int4, Int32GetDatum((int32) (hash >> 32)),
											Int32GetDatum((int32) hash)));
}

Datum
tt_once(PG_FUNCTION_ARGS)
{
	int64		user_id = tt_viewer(fcinfo);
	text	   *key = required_key(fcinfo);
	Datum		fingerprint = required_fingerprint(fcinfo);
	Datum		args[] = {Int64GetDatum(user_id), PointerGetDatum(key)};
	Datum		values[3] = {BoolGetDatum(true), (Datum) 0, (Datum) 0};
	bool		nulls[3] = {false, true, true};
	MemoryContext caller = CurrentMemoryContext;
	HeapTuple	row;
	TupleDesc	columns;

	if (get_call_result_type(fcinfo, NULL, &columns) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "timetrackr: once() is called without a row type");
	if (!try_to_lock(user_id, key))
		refuse_second();
	columns = BlessTupleDesc(columns);
	tt_spi_begin();
	if (tt_query(&kept_answer, args, NULL) > 0)
	{
		if (!DatumGetBool(DirectFunctionCall2Coll(texteq, C_COLLATION_OID, fingerprint,
												  tt_datum(0, 0, &nulls[0]))))
			tt_raise(422, "idempotency_key_reused", NULL, NULL,
					 "this Idempotency-Key was used for another request");
		values[0] = BoolGetDatum(false);
		values[1] = tt_datum(0, 1, &nulls[1]);
		values[2] = tt_datum(0, 2, &nulls[2]);
	}
	(void) MemoryContextSwitchTo(caller);
	row = heap_form_tuple(columns, values, nulls);
	tt_spi_end();
	PG_RETURN_DATUM(HeapTupleGetDatum(row));
}

Datum
tt_remember(PG_FUNCTION_ARGS)
{
	Datum		args[] = {Int64GetDatum(tt_viewer(fcinfo)), PointerGetDatum(required_key(fcinfo)),
		required_fingerprint(fcinfo), PG_GETARG_DATUM(3), PG_GETARG_DATUM(4)};
	bool		nulls[] = {false, false, false, false, PG_ARGISNULL(4)};

	if (PG_ARGISNULL(3))
		tt_raise(422, "missing_field", "status", NULL, "status must be given");
	tt_spi_begin();
	if (tt_query(&keep_answer, args, nulls) == 0)
		refuse_second();
	tt_spi_end();
	if (PG_ARGISNULL(4))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(args[4]);
}
