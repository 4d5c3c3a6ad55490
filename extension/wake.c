/*
 * wake.c: the writer's side of the wake-up handshake with the relay, whose
 * side is in proxy/relay.c.
 *
 * NOTIFY takes a lock on the whole database until commit, so that writers who
 * notify commit one after the other. A writer therefore notifies only while the
 * relay sleeps, and knows it from one advisory lock:
 *
 *   relay   takes TT_WAKE_LOCK exclusively, looks at the outbox once more, and
 *           only then sleeps; it gives the lock back when it wakes.
 *   writer  tries to share the lock until the end of its transaction. Refused:
 *           the relay sleeps, or is about to and may have looked already, so
 *           NOTIFY. Granted: the relay can't get the lock before this
 *           transaction has ended, and its last look comes after that. A
 *           transaction gives its locks back when its rows can be seen.
 *
 * So no order of steps leaves an event that is neither looked at nor notified
 * of. Whether the try or the event comes first in the transaction does not
 * matter; that the share lasts to its end does.
 */
#include "wake.h"

#include "access/xact.h"
#include "commands/async.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#define WAKE_CHANNEL "timetrackr_wake"
#define SENDER_CHANNEL "timetrackr_outbound"

/* This transaction shares the lock, or will notify. */
static bool relay_will_look = false;

static void
on_transaction_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PREPARE)
		relay_will_look = false;
}

/* Both the share and a queued NOTIFY go with a rolled back savepoint. */
static void
on_subtransaction_end(SubXactEvent event, SubTransactionId mine,
					  SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		relay_will_look = false;
}

void
tt_wake_init(void)
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

void
tt_wake_relay(void)
{
	if (relay_will_look || tt_notify == NOTIFY_OFF)
		return;
	if (tt_notify == NOTIFY_ALWAYS || relay_sleeps())
		Async_Notify(WAKE_CHANNEL, NULL);
	relay_will_look = true;
}

/* It is rare: people change webhooks, passwords and the like by hand. */
void
tt_wake_sender(void)
{
	if (tt_notify != NOTIFY_OFF)
		Async_Notify(SENDER_CHANNEL, NULL);
}
