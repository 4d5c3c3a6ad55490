/*
 * attachment.h - does the relay write to Redis now, or do without?
 *
 * Before a leader writes, Redis must have told that what it holds is right up
 * to the position of the database, or have forgotten it. While Redis is away events go into the
 * stream without it, as live clients and caches do not wait for boards.
 */
#ifndef TIMETRACKR_ATTACHMENT_H
#define TIMETRACKR_ATTACHMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "board.h"
#include "loop.h"

enum attachment_step
{
	ATTACHMENT_SETTLED,			/* attached, or Redis is out of reach: go on without it */
	ATTACHMENT_ASKED,			/* answered() will be called */
	ATTACHMENT_WAIT				/* Redis was lost a moment ago: ask again soon */
};

/* Embedded by the relay, which sets the first part. */
struct attachment
{
	struct loop *loop;
	struct board *board;		/* NULL: no Redis is set */
	const struct board_identity *identity;
	const char *position;		/* the batch's */
	void		(*answered) (void *arg);	/* attached or not: seek again */
	void	   *arg;

	bool		attached;

	/* Private. */
	uint64_t	lost_at;
	uint64_t	next_at;		/* when to try again */
	uint64_t	pause;
};

/* This process leads from now on. */
void		attachment_begin(struct attachment *attachment);

/* Attach when that is possible. */
enum attachment_step attachment_seek(struct attachment *attachment);

/* What Redis holds is not known to be right any more. */
void		attachment_lose(struct attachment *attachment);

#endif
