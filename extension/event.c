/*
 * event.c: writes events into the outbox. Waking the relay is wake.c's.
 */
#include "event.h"

#include "catalog/pg_type_d.h"
#include "table.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "wake.h"

enum { EVENT_ID, TOPIC, PAYLOAD };

static TtTable outbox = {
	"outbox", NULL, 1, 3,
	{
		[EVENT_ID] = {"id", INT8OID, true},
		[TOPIC] = {"topic", TEXTOID},
		[PAYLOAD] = {"payload", JSONBOID},
	}
};

void
tt_event_emit(const char *topic, const char *payload)
{
	TtRows	   *rows = tt_rows_open(&outbox, TT_NOBODY);

	tt_rows_new(rows);
	tt_rows_set(rows, TOPIC, CStringGetTextDatum(topic));
	tt_rows_set(rows, PAYLOAD, DirectFunctionCall1(jsonb_in, CStringGetDatum(payload)));
	tt_rows_insert(rows);
	tt_rows_close(rows);
	tt_wake_relay();
}
