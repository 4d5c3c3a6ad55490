/*
 * actor.c: by whose doing a row changes (see actor.h).
 */
#include "actor.h"

/* 0: nobody has been named. */
static int64 actor = 0;

uint64
tt_query_by(int64 user_id, TtQuery *query, const Datum *values, const bool *nulls)
{
	const int64 outer = actor;
	uint64		rows;

	actor = user_id;
	PG_TRY();
	{
		rows = tt_query(query, values, nulls);
	}
	PG_FINALLY();
	{
		actor = outer;
	}
	PG_END_TRY();
	return rows;
}

bool
tt_is_doing_of(int64 user_id)
{
	if (actor != 0)
		return user_id == actor;
	return tt_session_user_id[0] != '\0' && user_id == strtoll(tt_session_user_id, NULL, 10);
}
