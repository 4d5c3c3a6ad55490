/*
 * home.h: where a user's rows are. On one server they are in the tables that
 * install() made. Citus cuts those tables into shards, which are tables of
 * their own, and puts all shards of a user on one node, his home; small tables
 * (users, projects, badges) it copies to every node. At a user's home, C and
 * SQL work on the shards themselves, as if there were nothing else.
 *
 * Nothing of Citus is linked: its catalogs are read.
 */
#ifndef TT_HOME_H
#define TT_HOME_H

#include "timetrackr.h"

/* The shard of user_totals that has a user's row, which stands for all of his shards. */
typedef int64 TtHome;

/* Not on this node; or nothing is distributed. */
#define TT_NO_HOME INT64CONST(0)

/* For tables that are whole on each node, and for those that each node has for itself. */
#define TT_NOBODY INT64CONST(0)

extern bool tt_is_distributed(void);

/* The home of a user when it is this node; else TT_NO_HOME. */
extern TtHome tt_home(int64 user_id);

/* Is this the node that sees to what is the user's? The only one there is does. */
extern bool tt_is_home(int64 user_id);

/* Call visit for each home here; once, with TT_NO_HOME, where nothing is distributed. */
extern void tt_each_home(void (*visit) (TtHome home, void *arg), void *arg);

/* All homes here, one after the other; the first comes after TT_NO_HOME, which comes after the last. */
extern TtHome tt_next_home(TtHome home);

/* When the transaction began: the same on all nodes that take part in it. */
extern TimestampTz tt_transaction_time(void);

/* Which node this is, a number of Citus' that it keeps; 0: the first, or the only one. */
extern int32 tt_node(void);

/* Is this the node that sees to what is nobody's in particular, so that only one does? */
extern bool tt_is_first_node(void);

/*
 * Keep the user's shards from moving to another node until the transaction
 * ends, and tell whether they are here.
 */
extern TtHome tt_home_hold(int64 user_id);

/*
 * The name of a table of schema timetrackr on this node: that of home's shard,
 * or of the copy of a small table. NULL when a table that is distributed has
 * no shard here. Palloc'd, if it is not the same.
 */
extern const char *tt_home_table(const char *table, TtHome home);

/* Which argument of a function, from 0, is the user at whose home it is called; -1: no such function. */
extern int	tt_home_argument(Oid function);

/* Raise on several nodes: who empties a table there has a trigger called on one of them alone, for rows of all. */
extern void tt_refuse_truncate(void);

/* Forget what was read when tables are distributed or moved. Called once at load. */
extern void tt_home_init(void);

#endif
