/*
 * relay_report.h - what the relay reports: events that it has given up, and that it has not been at work
 * for long. A moment without a database or Redis is none of it.
 */
#ifndef TIMETRACKR_RELAY_REPORT_H
#define TIMETRACKR_RELAY_REPORT_H

#include "loop.h"

struct sentry;

/* So many events are dead. SQLSTATE is empty when the database was not the reason. `sentry` may be NULL. */
void		relay_report_deaths(struct sentry *sentry, long events, const char *sqlstate, const char *message);

/* In ms: trouble that lasts so long is reported, and again after so long. */
#define RELAY_TROUBLE_LIMIT 60000
#define RELAY_TROUBLE_INTERVAL 600000

/* Embedded by the relay, which sets the first part. */
struct relay_trouble
{
	struct loop *loop;
	struct sentry *sentry;		/* NULL: nothing is reported */
	uint64_t	limit;			/* RELAY_TROUBLE_LIMIT */

	/* Private. */
	struct loop_timer timer;	/* active: it does not work */
	uint64_t	since;			/* ms */
	char		sqlstate[6];
	char		message[256];
};

/* It does not work, for this reason; the last one is told if that lasts. */
void		relay_trouble_begin(struct relay_trouble *trouble, const char *sqlstate, const char *message);

/* It works. */
void		relay_trouble_end(struct relay_trouble *trouble);

#endif
