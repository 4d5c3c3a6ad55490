/*
 * feed.h - the stream of events as it comes in, one feed for each worker.
 *
 * The relay, in whichever proxy it leads, puts every event of the outbox into
 * table timetrackr.stream and notifies. A feed listens, on a database connection of
 * its own, and delivers each event once, in the order of ids, from the moment it began; what it
 * missed while its connection was away it reads from the table.
 *
 * Who may be told of an event:
 *   everybody, when for_all is set (leaderboard_changed, badges_changed);
 *   user_id, of everything that carries his id;
 *   who follows project_id, as long as he may see the project. project_changed tells
 *   that this may have ended: it comes before the events that later transactions made, and
 *   until the database was asked again (not a replica, which may lag) nothing of that
 *   project may be sent to others than user_id.
 * No one else.
 */
#ifndef TIMETRACKR_FEED_H
#define TIMETRACKR_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop.h"

struct feed;

struct feed_event				/* valid until the callback returns */
{
	int64_t		id;				/* its place in the stream; increases, with gaps */
	const char *topic;
	int64_t		user_id;		/* 0: none */
	int64_t		project_id;		/* 0: none */
	bool		for_all;		/* everybody may know */
	const char *data;			/* the payload: a JSON object, ended by a NUL that is not counted */
	size_t		data_length;
};

/*
 * Owned by the listener; linked in by feed_listen(). A callback that is NULL is
 * left out. Callbacks may call feed_listen() and feed_ignore(), for themselves too.
 */
struct feed_listener
{
	void		(*event) (void *arg, const struct feed_event *event);

	/*
	 * false: from now on events may be late by more than a second, as the
	 * connection is lost or silent, or the relay is behind. true: caught up; nothing
	 * was missed unless reset() was called.
	 */
	void		(*current) (void *arg, bool current);

	/* Events were lost for good: forget what was derived from them. */
	void		(*reset) (void *arg);
	void	   *arg;
	struct feed_listener *next; /* private */
	struct feed_listener *previous; /* private */
};

/* Start on a loop, with the database that takes writes. NULL when memory is out. */
struct feed *feed_new(struct loop *loop, const char *database_url);

/* End it; listeners are not told. */
void		feed_free(struct feed *feed);

/* From now on the listener is told. It is not called within this call: ask feed_is_current(). */
void		feed_listen(struct feed *feed, struct feed_listener *listener);

/* It is told no more; harmless when it was not. */
void		feed_ignore(struct feed *feed, struct feed_listener *listener);

/* Has everything that was committed a second ago been delivered? False until it was first connected. */
bool		feed_is_current(const struct feed *feed);

/* For how many ms the next event had been waiting for the relay when the database was asked last. */
int64_t		feed_relay_behind(const struct feed *feed);

/*
 * Has the relay had no follower for a second? Then no proxy but the leader's is at
 * work; one that has just been started is known of after a quarter of a second. Never while the feed is not current.
 */
bool		feed_is_unfollowed(const struct feed *feed);

/* Id of the last event delivered, or of the last before the feed began; 0 while that is not known. */
int64_t		feed_position(const struct feed *feed);

#endif
