/*
 * attachment.c - attaching to Redis, with patience.
 */
#include "attachment.h"

#include "log.h"

/* All in ms. */
#define GRACE 500				/* events wait so long for a Redis that was lost */
#define PAUSE_LEAST 100			/* after a refusal; doubles */
#define PAUSE_MOST 5000

static void
attach_answered(void *arg, enum board_answer answer, const char *name)
{
	struct attachment *attachment = arg;

	(void) name;
	attachment->attached = answer == BOARD_OK || answer == BOARD_RESET;
	if (attachment->attached)
	{
		log_event(LEVEL_INFO, "relay_attached", "boards", answer == BOARD_OK ? "kept" : "rebuilding", NULL);
		attachment->pause = PAUSE_LEAST;
	}
	else
	{
		if (answer == BOARD_FOREIGN)
			log_event(LEVEL_WARN, "relay_redis_taken",
					  "error", "another database's relay keeps its boards in this Redis", NULL);
		attachment->next_at = loop_now(attachment->loop) + attachment->pause;
		attachment->pause = attachment->pause * 2 < PAUSE_MOST ? attachment->pause * 2 : PAUSE_MOST;
	}
	attachment->answered(attachment->arg);
}

void
attachment_begin(struct attachment *attachment)
{
	attachment->attached = false;
	attachment->lost_at = loop_now(attachment->loop);
	attachment->next_at = 0;
	attachment->pause = PAUSE_LEAST;
}

enum attachment_step
attachment_seek(struct attachment *attachment)
{
	uint64_t	now = loop_now(attachment->loop);

	if (attachment->board == NULL || attachment->attached)
		return ATTACHMENT_SETTLED;
	if (now >= attachment->next_at && board_is_up(attachment->board) &&
		board_attach(attachment->board, attachment->identity->value, attachment->position,
					 attach_answered, attachment))
		return ATTACHMENT_ASKED;
	return now < attachment->lost_at + GRACE ? ATTACHMENT_WAIT : ATTACHMENT_SETTLED;
}

void
attachment_lose(struct attachment *attachment)
{
	if (attachment->attached)
		attachment->lost_at = loop_now(attachment->loop);
	attachment->attached = false;
}
