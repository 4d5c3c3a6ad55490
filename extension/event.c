/*
 * event.c: writes events into the outbox. Waking the relay is wake.c's.
 */
#include "event.h"

#include "spi.h"
#include "utils/builtins.h"
#include "wake.h"

static TtQuery insert_event = {
	"INSERT INTO timetrackr.outbox (topic, payload) VALUES ($1, $2::jsonb)",
	2, {TEXTOID, TEXTOID}, NULL
};

void
tt_event_emit(const char *topic, const char *payload)
{
	Datum		args[] = {CStringGetTextDatum(topic), CStringGetTextDatum(payload)};

	(void) tt_query(&insert_event, args, NULL);
	tt_wake_relay();
}
