/*
 * event.c: the outbox, and the wake-up handshake with the relay.
 *
 * NOTIFY takes a lock on the whole database until commit, so a writer sends it
 * only when the relay sleeps. A sleeping relay holds advisory lock
 * TT_WAKE_LOCK exclusively. A writer tries the lock shared, to the end of its
 * transaction: got it, and the relay is busy (or absent) and will poll after
 * this transaction, because it can't get the lock exclusively before. Not got
 * it, and the relay sleeps: NOTIFY.
 */
#include "event.h"

#include "access/xact.h"
#include "commands/async.h"
#include "spi.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

/* This transaction has already made sure that the relay will look. */
static bool relay_informed = false;

static TtQuery insert_event = {
	"INSERT INTO timetrackr.outbox (topic, payload) VALUES ($1, $2::jsonb)",
	2, {TEXTOID, TEXTOID}, NULL
};

static void
on_transaction_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PREPARE)
		relay_informed = false;
}

/* Both the shared lock and a queued NOTIFY go with a rolled back savepoint. */
static void
on_subtransaction_end(SubXactEvent event, SubTransactionId mine,
					  SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		relay_informed = false;
}

void
tt_event_init(void)
{
	RegisterXactCallback(on_transaction_end, NULL);
	RegisterSubXactCallback(on_subtransaction_end, NULL);
}

static bool
relay_sleeps(void)
{
	return !DatumGetBool(DirectFunctionCall1(pg_try_advisory_xact_lock_shared_int8,
											 Int64GetDatum(TT_WAKE_LOCK)));
}

static void
inform_relay(void)
{
	if (relay_informed || tt_notify == NOTIFY_OFF)
		return;
	if (tt_notify == NOTIFY_ALWAYS || relay_sleeps())
		Async_Notify("timetrackr_wake", NULL);
	relay_informed = true;
}

void
tt_event_emit(const char *topic, const char *payload)
{
	Datum		args[] = {CStringGetTextDatum(topic), CStringGetTextDatum(payload)};

	(void) tt_query(&insert_event, args, NULL);
	inform_relay();
}
