/*
 * lane_report.h - what is told of the jobs of a lane: counts, times, and a line for a slow one.
 */
#ifndef TIMETRACKR_LANE_REPORT_H
#define TIMETRACKR_LANE_REPORT_H

#include <stdint.h>

#include "lane.h"

/* Is the client's request the reason of this error, and not the state of the server? */
bool		lane_is_refusal(const char *sqlstate);

/* Count what has become of a job that was sent, and answered after `ran` µs. */
void		lane_count_result(const struct lane_options *lane, const struct lane_job *job,
							  const struct db_result *result, uint64_t ran);

/* Log a job that took long, its wait included. */
void		lane_log_slow(const struct lane_options *lane, const struct lane_job *job, uint64_t ran);

#endif
