/*
 * event.h: the outbox.
 */
#ifndef TT_EVENT_H
#define TT_EVENT_H

#include "timetrackr.h"

/*
 * Write an event into the outbox in this transaction, and see to it that a
 * sleeping relay wakes when it commits. payload is a JSON object as text.
 * Needs tt_spi_begin().
 */
extern void tt_event_emit(const char *topic, const char *payload);

#endif
