/*
 * sentry_envelope.h - a report as Sentry's envelope: a line of headers, a line of headers of the one item,
 * and the item, an event, all JSON. Pure but for the event's id, which is random.
 */
#ifndef TIMETRACKR_SENTRY_ENVELOPE_H
#define TIMETRACKR_SENTRY_ENVELOPE_H

#include <stdbool.h>
#include <stdint.h>

#include "sentry_dsn.h"
#include "sentry_event.h"
#include "text.h"

#define SENTRY_CLIENT "timetrackr.proxy"
#define SENTRY_ID_SIZE 33		/* hexadecimal digits and the NUL */

/* Who reports. */
struct sentry_origin
{
	const struct sentry_dsn *dsn;
	const char *environment;
	char		server_name[65];
};

/* Make an event's id. False when the system has no random numbers. */
bool		sentry_make_id(char *id);

/* Add the envelope of an event, sent at this time (µs since 1970). */
void		sentry_envelope_write(struct text *text, const struct sentry_origin *origin,
								  const struct sentry_event *event, const char *id, uint64_t sent_at);

#endif
