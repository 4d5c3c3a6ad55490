/*
 * leader.h - which of the relays leads: the one whose session holds an advisory
 * lock. Also what a leader reports of the outbox, and of what is sent.
 */
#ifndef TIMETRACKR_LEADER_H
#define TIMETRACKR_LEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "db.h"
#include "loop.h"
#include "relay_metrics.h"

/* Embedded by the relay, which sets the first part. */
struct leader
{
	struct loop *loop;
	struct db  *db;				/* the relay's: the lock goes with it */
	struct relay_metrics *metrics;
	const char *node;			/* for the log; NULL: the first */
	bool		sends_mails;	/* so it is of interest how that goes */
	void		(*elected) (void *arg);
	void		(*reported) (void *arg);
	void		(*follows) (void *arg);	/* another one leads; said again and again */
	/* A statement was refused. */
	void		(*refused) (void *arg, const struct db_result *result);
	void	   *arg;

	/* Private. */
	bool		running;
	unsigned	attempts;
	uint64_t	reported_at;
	struct loop_timer timer;
	const char *values[1];
	struct db_query query;
};

/* Try to become the leader, until elected() is called. A leader that has been doing nothing for long is unseated. */
void		leader_campaign(struct leader *leader);

/* Is it time for a report? */
bool		leader_report_is_due(const struct leader *leader);

/* Note in the metrics how the outbox stands and how sending goes, and call reported(). */
void		leader_report(struct leader *leader);

/* The connection is lost, or about to be: it leads and campaigns no more. */
void		leader_resign(struct leader *leader);

#endif
