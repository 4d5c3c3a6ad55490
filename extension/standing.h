/*
 * standing.h: how many users stand where on the boards of all time, by bucket
 * of scores, so that a rank needs no count of everybody above; and how many
 * have each badge.
 */
#ifndef TT_STANDING_H
#define TT_STANDING_H

#include "totals.h"

/* A user's place on the boards: what he scores there, 0 when he is on none. */
typedef struct Standing
{
	int64		time;			/* seconds */
	int64		badges;
} Standing;

static inline Standing
tt_standing(bool listed, int64 seconds, int64 badges)
{
	return listed ? (Standing) {seconds, badges} : (Standing) {0, 0};
}

static inline Standing
tt_totals_standing(const UserTotals *totals)
{
	return tt_standing(totals->listed, totals->seconds, totals->badges);
}

/*
 * A locked user stood there before and stands here now. At most a row for each
 * board, waiting for nobody. Needs tt_spi_begin(), as all below.
 */
extern void tt_standing_moved(Standing before, Standing after);

/*
 * Keep others from folding moves to the end of the transaction; whoever counts
 * does so before he locks a user.
 */
extern void tt_standings_lock(void);

/* A user has earned this badge, or has it no more. */
extern void tt_standing_earned(int64 badge_id, bool award);

/* Count everybody anew. */
extern void tt_standings_count(void);

#endif
