/*
 * standby.h - one connection to a standby, and what is known of the server at its other end.
 *
 * It is asked over the connection itself, in line with the reads, so what is known is true of whichever server that
 * leads to, be it through a balancer. Of use is only a server in recovery that has the primary's present history:
 * each timeline of a database has an identity, which the primary writes down (relay_state()), and who
 * has replayed that is no relic from before a failover.
 */
#ifndef TIMETRACKR_STANDBY_H
#define TIMETRACKR_STANDBY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lane.h"

enum standby_state
{
	STANDBY_AWAY,				/* no connection, or no answer */
	STANDBY_UNFIT,				/* it is no standby, or has another history than the primary */
	STANDBY_SOUND
};

struct standby
{
	struct lane *lane;			/* of one connection */
	bool		known;			/* it has said what follows: */
	bool		is_recovering;
	int64_t		identity;		/* of the timeline that it has come to; 0: it has none yet */
	uint64_t	place;			/* how far it has replayed (horizon.h) */
	bool		refused;		/* its last answer was an error */
	bool		asked;			/* and has not answered yet */
	uint64_t	asked_at;		/* µs: when it was asked last; 0: not since it is up */
	struct lane_job question;
	void		(*told) (void *arg);	/* it has answered, or its connection has come or gone */
	void	   *arg;
};

/* Open one. `changed` and `arg` of the options are set here. False when memory is out. */
bool		standby_open(struct standby *standby, struct loop *loop, struct lane_options options,
						 void (*told) (void *arg), void *arg);

/* Ask how far it is; `now` in µs. Nothing happens while it is asked, or away. */
void		standby_ask(struct standby *standby, uint64_t now);

/* What is it worth beside a primary of this identity? */
enum standby_state standby_state(const struct standby *standby, int64_t identity, uint64_t now);

#endif
