/*
 * job_queue.c - a list with an end.
 */
#include "job_queue.h"

#include "counter.h"
#include "lane.h"

void
job_queue_add(struct job_queue *queue, struct lane_job *job, bool at_front)
{
	job->queued = true;
	job->next = NULL;
	if (queue->first == NULL)
		queue->first = queue->last = job;
	else if (at_front)
	{
		job->next = queue->first;
		queue->first = job;
	}
	else
	{
		queue->last->next = job;
		queue->last = job;
	}
	queue->count++;
	counter_add(queue->gauge, 1);
}

/* It is out; `before` it stood another one, or none. */
static void
unlink_job(struct job_queue *queue, struct lane_job *before, struct lane_job *job)
{
	if (before == NULL)
		queue->first = job->next;
	else
		before->next = job->next;
	if (queue->last == job)
		queue->last = before;
	queue->count--;
	counter_add(queue->gauge, (uint64_t) -1);
	job->queued = false;
	job->next = NULL;
}

struct lane_job *
job_queue_take(struct job_queue *queue)
{
	struct lane_job *job = queue->first;

	unlink_job(queue, NULL, job);
	return job;
}

void
job_queue_remove(struct job_queue *queue, struct lane_job *job)
{
	struct lane_job *before = NULL;

	for (struct lane_job *at = queue->first; at != job; at = at->next)
		before = at;
	unlink_job(queue, before, job);
}
