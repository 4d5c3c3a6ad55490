/*
 * actor.h: by whose doing a row changes, so that people are told of what
 * others did and not of what they did themselves.
 */
#ifndef TT_ACTOR_H
#define TT_ACTOR_H

#include "timetrackr.h"

#include "spi.h"

/* tt_query(), with whatever its triggers do, by the doing of user_id. */
extern uint64 tt_query_by(int64 user_id, TtQuery *query, const Datum *values, const bool *nulls);

/* Whose doing it is; 0: nobody's. */
extern int64 tt_actor(void);

/*
 * Is what happens the doing of this user? Outside tt_query_by() it is that of
 * the session's user of row-level security, if there is one, else nobody's.
 */
extern bool tt_is_doing_of(int64 user_id);

#endif
