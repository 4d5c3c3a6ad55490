/*
 * job_queue.h - jobs that wait, oldest first: the queue of a lane.
 */
#ifndef TIMETRACKR_JOB_QUEUE_H
#define TIMETRACKR_JOB_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lane_job;

/* Zeroed it is empty, but for `gauge`. */
struct job_queue
{
	struct lane_job *first;
	struct lane_job *last;
	size_t		count;
	_Atomic uint64_t *gauge;	/* counts them, perhaps with those of other queues of this thread */
};

void		job_queue_add(struct job_queue *queue, struct lane_job *job, bool at_front);

/* Take the oldest one out; there must be one. */
struct lane_job *job_queue_take(struct job_queue *queue);

/* Take out one that is in it. */
void		job_queue_remove(struct job_queue *queue, struct lane_job *job);

#endif
