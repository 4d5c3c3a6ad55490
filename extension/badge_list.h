/*
 * badge_list.h: the badges that can be earned, their criteria compiled once per
 * session.
 */
#ifndef TT_BADGE_LIST_H
#define TT_BADGE_LIST_H

#include "criteria.h"

typedef struct Badge
{
	int64		id;
	char	   *name;
	bool		revocable;
	Criteria   *criteria;
} Badge;

/*
 * Point *badges to every enabled badge, in order of id; returns how many.
 * Valid until the next call. Needs tt_spi_begin(), as all below.
 */
extern int	tt_badge_list(const Badge **badges);

/* Which of the badges last returned user_id has: flags in their order, palloc'd. */
extern bool *tt_badge_list_earned(int64 user_id);

/* Do any of them depend on how many badges one has? */
extern bool tt_badge_list_counts_badges(void);

/* Drop what this session compiled when badges change anywhere. Called once at load. */
extern void tt_badge_list_init(void);

#endif
