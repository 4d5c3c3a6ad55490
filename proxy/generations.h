/*
 * generations.h - when the things that answers are made of changed last.
 *
 * A slot stands for a user, a project (several share one: that only forgets
 * too much), or something larger. Of each slot two things are known: when a write that
 * this process handled changed it last (struct writes, shared by all threads), and which
 * event of the stream did (struct generations, one for each worker, fed by its feed).
 *
 * An answer carries the stamp that was taken BEFORE its query was sent, and holds as
 * long as none of its slots has changed since the stamp. So a query that
 * started before a change and ended after it gives an answer that does not hold: there is no
 * race to lose.
 */
#ifndef TIMETRACKR_GENERATIONS_H
#define TIMETRACKR_GENERATIONS_H

#include <stdbool.h>
#include <stdint.h>

/* Slots that stand for more than one user or project. */
enum
{
	GENERATION_ALL,				/* everything: who may see what has changed, or names have */
	GENERATION_BADGES,			/* badges, and how many have earned them */
	GENERATION_EDITS,			/* entries of unknown projects: edited, deleted, imported */
	GENERATION_USERS,			/* any user */
	GENERATION_FIXED
};

#define GENERATION_USER_SLOTS 4096
#define GENERATION_PROJECT_SLOTS 2048
#define GENERATION_SLOTS (GENERATION_FIXED + GENERATION_USER_SLOTS + GENERATION_PROJECT_SLOTS)

/* For so many ms after a write of this process its event may not have come, while the feed counts as current. */
#define GENERATION_SETTLE 3000

struct writes;
struct generations;

struct stamp
{
	uint64_t	written;		/* the process's last write */
	int64_t		position;		/* the last event delivered (feed_position()) */
	unsigned	epoch;			/* counts the times that events were lost */
};

/* What this process has written; NULL when memory is out. */
struct writes *writes_create(void);
void		writes_free(struct writes *writes);

/*
 * A write has changed a slot. To be called after its commit, and before its
 * answer goes out: then no answer from before is given to whoever knows of the write. Any thread.
 */
void		writes_note(struct writes *writes, unsigned slot);

/* A worker's; `writes` must outlive it. NULL when memory is out. */
struct generations *generations_create(struct writes *writes);
void		generations_free(struct generations *generations);

unsigned	generation_of_user(int64_t user_id);
unsigned	generation_of_project(int64_t project_id);

/* An event of the stream has changed a slot. */
void		generations_event(struct generations *generations, unsigned slot, int64_t event_id);

/* Events were lost: no stamp from before holds, nor anything read before `position`. */
void		generations_reset(struct generations *generations, int64_t position);

/* The stamp of a query that is about to be sent; `position` is feed_position(). */
struct stamp generations_stamp(const struct generations *generations, int64_t position);

/* Has the slot not changed since the stamp? */
bool		generations_hold(const struct generations *generations, const struct stamp *stamp,
							 unsigned slot);

/*
 * May something that another proxy read at this position of the stream be used
 * for a stamp's slot? Not when an event after the position has changed it, nor when this process has
 * written it so lately that its event may still be on its way.
 */
bool		generations_admit(const struct generations *generations, int64_t position, unsigned slot);

#endif
