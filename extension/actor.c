/*
 * actor.c: by whose doing a row changes (see actor.h).
 */
#include "actor.h"

#include "home.h"

#include "catalog/pg_type_d.h"

/* 0: nobody has been named. */
static int64 actor = 0;

static int64
session_user_id(void)
{
	return tt_session_user_id[0] == '\0' ? 0 : strtoll(tt_session_user_id, NULL, 10);
}

int64
tt_actor(void)
{
	return actor != 0 ? actor : session_user_id();
}

static TtQuery act_as = {
	"SELECT timetrackr.act_as($1)",
	1, {INT8OID}
};

/* Triggers that other nodes call learn it, too: as that of row-level security. */
static void
tell_nodes(int64 user_id)
{
	tt_query_aside(&act_as, (Datum[]) {Int64GetDatum(user_id)});
}

static uint64
query_as(int64 user_id, TtQuery *query, const Datum *values, const bool *nulls)
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

uint64
tt_query_by(int64 user_id, TtQuery *query, const Datum *values, const bool *nulls)
{
	const int64 session = session_user_id();
	uint64		rows;

	if (!tt_is_distributed())
		return query_as(user_id, query, values, nulls);
	tell_nodes(user_id);
	rows = query_as(user_id, query, values, nulls);
	tell_nodes(session);
	return rows;
}

bool
tt_is_doing_of(int64 user_id)
{
	return user_id == tt_actor();
}
