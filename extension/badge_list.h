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

/* The enabled badges, by id. */
typedef struct BadgeList
{
	MemoryContext context;		/* holds all of it */
	int			users;			/* actions that go through it */
	bool		some_count_badges;
	int			count;
	Badge		badges[FLEXIBLE_ARRAY_MEMBER];
} BadgeList;

/*
 * Have action go through the list as the table holds it now; it may call this
 * again and find another one. Needs tt_spi_begin(), as below.
 */
extern void tt_badge_list_use(void (*action) (const BadgeList *list, void *arg), void *arg);

/* Which badges of the list user_id has: flags in the same order, palloc'd. */
extern bool *tt_badge_list_earned(const BadgeList *list, int64 user_id);

/* Drop what this session compiled when badges change anywhere. Called once at load. */
extern void tt_badge_list_init(void);

#endif
