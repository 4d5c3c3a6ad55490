/*
 * replay.h: a user's history played back, to find when criteria were first met.
 */
#ifndef TT_REPLAY_H
#define TT_REPLAY_H

#include "criteria.h"

/* Something that happened: when, and by which entry (0: by none). */
typedef struct Moment
{
	TimestampTz at;
	int64		entry_id;
} Moment;

/*
 * When did user_id first meet the criteria, with the history that is stored
 * now? The moments looked at are those at which a badge is awarded live: the
 * end of each entry that counts, the creation of each project he owns, and the
 * award of each badge he has; in order, and as things stood then. Returns
 * false when they were met at none of them, and sets *moment otherwise.
 *
 * Takes time in proportion to the entries, and memory to the days and projects
 * with entries (16 bytes each) and to the entries themselves (8 bytes).
 * Nothing is locked or written. Needs tt_spi_begin().
 */
extern bool tt_replay_first(int64 user_id, const Criteria *criteria, Moment *moment);

#endif
