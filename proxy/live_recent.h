/*
 * live_recent.h - the latest events as frames, for clients that fell behind
 * by a moment: bounded in number and bytes, and without a hole.
 */
#ifndef TIMETRACKR_LIVE_RECENT_H
#define TIMETRACKR_LIVE_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feed.h"
#include "frames.h"

#define LIVE_RECENT_MAX 1024
/* Well below what may wait for a peer, so that catching up makes none too slow. */
#define LIVE_RECENT_BYTES (128 * 1024)

struct live_event
{
	int64_t		id;
	int64_t		user_id;
	int64_t		project_id;
	bool		for_all;
	struct frame *frame;
};

/* A zeroed struct knows nothing. */
struct live_recent
{
	struct live_event *events;	/* a ring; NULL until there is one */
	size_t		first;
	size_t		count;
	size_t		bytes;
	int64_t		after;			/* all events after this one are there; 0: not known */
};

/* Add an event behind all others. False: memory is out, and nothing is known any more. */
bool		live_recent_add(struct live_recent *recent, const struct feed_event *event, struct frame *frame);

/* Forget everything up to this event, the last one. */
void		live_recent_begin(struct live_recent *recent, int64_t after);

/* The index of the first event after this one, up to recent->count; -1: some are there no more. */
int			live_recent_find(const struct live_recent *recent, int64_t after);

/*
 * Does it go on from this event without a doubt? An id between those that are here is of a time that a
 * restore of the database has undone, or is none.
 */
bool		live_recent_follows(const struct live_recent *recent, int64_t after);

const struct live_event *live_recent_at(const struct live_recent *recent, size_t index);

void		live_recent_free(struct live_recent *recent);

#endif
