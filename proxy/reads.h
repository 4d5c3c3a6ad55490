/*
 * reads.h - where a read goes: to a standby that has what the read must see, or to the primary.
 *
 * What it must see is all that was committed before the read came, by whomever, through whichever proxy
 * or through SQL: a read from a standby is never older than one from the primary would have been. To know that, the
 * primary is asked how far its log goes, once for all reads that have come meanwhile, and a standby that
 * has replayed as much (horizon.h) takes them. For that a read waits for a moment; when it takes longer, when the standby is
 * known to be behind by more, is gone, was promoted, or fails, the primary answers.
 */
#ifndef TIMETRACKR_READS_H
#define TIMETRACKR_READS_H

#include <stdbool.h>
#include <stdint.h>

#include "lane.h"
#include "metrics.h"

struct reads;

struct reads_options
{
	const char *url;			/* of standbys, each host of it one; NULL: there is none */
	const char *primary_url;
	struct lane *primary;		/* what no standby answers goes here; outlives it */
	uint64_t	wait;			/* ms: longest wait for a standby */
	uint64_t	statement_timeout;	/* ms */
	uint64_t	slow;			/* ms, see lane.h */
	struct lane_metrics *lane_metrics;
	struct read_metrics *metrics;
};

/* Open a worker's, after the primary's lane; NULL when memory is out. */
struct reads *reads_open(struct loop *loop, const struct reads_options *options);

/* Close it, before that lane. Jobs are done as by lane_close(). */
void		reads_close(struct reads *reads);

/* Take a read, as lane_submit() would; lane_withdraw() takes it back. */
bool		reads_submit(struct reads *reads, struct lane_job *job);

#endif
