/*
 * home_plan.h: functions in SQL that read what is one user's, on a database
 * distributed by Citus. distribute() registers them, with the argument that is
 * the user, so that Citus calls them at his home. There their statements are
 * planned on the shards that are his, as if nothing were distributed: Citus
 * itself would refuse most of them.
 */
#ifndef TT_HOME_PLAN_H
#define TT_HOME_PLAN_H

#include "home.h"

/* Who says TT_NO_HOME of a statement means this node's copies of small tables. */
extern void tt_home_plan_begin(TtHome home);
extern void tt_home_plan_end(void);

/* Plan statements so. Called once at load. */
extern void tt_home_plan_init(void);

#endif
