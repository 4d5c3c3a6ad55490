/*
 * live_recent.c - a ring of events (see live_recent.h).
 */
#include "live_recent.h"

#include <stdlib.h>

static struct live_event *
place(const struct live_recent *recent, size_t index)
{
	return &recent->events[(recent->first + index) % LIVE_RECENT_MAX];
}

const struct live_event *
live_recent_at(const struct live_recent *recent, size_t index)
{
	return place(recent, index);
}

static void
drop_oldest(struct live_recent *recent)
{
	struct live_event *oldest = place(recent, 0);

	recent->after = oldest->id;
	recent->bytes -= oldest->frame->length;
	frame_release(oldest->frame);
	recent->first = (recent->first + 1) % LIVE_RECENT_MAX;
	recent->count--;
}

void
live_recent_begin(struct live_recent *recent, int64_t after)
{
	while (recent->count > 0)
		drop_oldest(recent);
	recent->after = after;
}

bool
live_recent_add(struct live_recent *recent, const struct feed_event *event, struct frame *frame)
{
	if (recent->events == NULL)
	{
		recent->events = calloc(LIVE_RECENT_MAX, sizeof *recent->events);
		recent->count = 0;
	}
	if (recent->events == NULL)
	{
		recent->after = event->id;
		return false;
	}
	if (recent->after == 0)
		recent->after = event->id - 1;
	while (recent->count > 0 && (recent->count == LIVE_RECENT_MAX ||
								 recent->bytes + frame->length > LIVE_RECENT_BYTES))
		drop_oldest(recent);
	*place(recent, recent->count++) = (struct live_event) {
		event->id, event->user_id, event->project_id, event->for_all, frame_hold(frame)
	};
	recent->bytes += frame->length;
	return true;
}

int
live_recent_find(const struct live_recent *recent, int64_t after)
{
	size_t		low = 0;
	size_t		high = recent->count;

	if (recent->after == 0 || after < recent->after)
		return -1;
	while (low < high)
	{
		size_t		middle = (low + high) / 2;

		if (place(recent, middle)->id <= after)
			low = middle + 1;
		else
			high = middle;
	}
	return (int) low;
}

bool
live_recent_follows(const struct live_recent *recent, int64_t after)
{
	int			index = live_recent_find(recent, after);

	return after == recent->after || (index > 0 && place(recent, (size_t) index - 1)->id == after);
}

void
live_recent_free(struct live_recent *recent)
{
	live_recent_begin(recent, 0);
	free(recent->events);
	recent->events = NULL;
}
