/*
 * leaving.c: an account is deleted (see leaving.h). What is the user's own goes
 * by the foreign keys. Others' time is theirs: a project that holds some, or
 * that somebody else helps to manage, gets a new owner.
 */
#include "leaving.h"

#include "home.h"
#include "lock.h"
#include "miscadmin.h"
#include "spi.h"

/*
 * Projects of $1 to hand over, and to whom: a manager, else another member,
 * else a former one; among several to the one with most time on it. A user
 * whom the same statement has deleted is none any more.
 */
static TtQuery inheritances = {
	"SELECT p.id, COALESCE("
	"(SELECT m.user_id FROM timetrackr.project_members m"
	" JOIN timetrackr.users u ON u.id = m.user_id"
	" LEFT JOIN timetrackr.project_totals t ON t.user_id = m.user_id AND t.project_id = m.project_id"
	" WHERE m.project_id = p.id AND m.user_id <> $1"
	" ORDER BY m.role = 'manager' DESC, COALESCE(t.seconds, 0) DESC, m.joined_at, m.user_id LIMIT 1),"
	" (SELECT e.user_id FROM timetrackr.time_entries e"
	" JOIN timetrackr.users u ON u.id = e.user_id"
	" WHERE e.project_id = p.id AND e.user_id <> $1"
	" GROUP BY e.user_id"
	" ORDER BY COALESCE(sum(e.duration) FILTER (WHERE NOT e.flagged), 0) DESC, e.user_id LIMIT 1))"
	" FROM timetrackr.projects p"
	" WHERE p.owner_id = $1"
	" AND (EXISTS (SELECT FROM timetrackr.project_members m JOIN timetrackr.users u ON u.id = m.user_id"
	" WHERE m.project_id = p.id AND m.user_id <> $1 AND m.role = 'manager')"
	" OR EXISTS (SELECT FROM timetrackr.time_entries e JOIN timetrackr.users u ON u.id = e.user_id"
	" WHERE e.project_id = p.id AND e.user_id <> $1))"
	" ORDER BY 2, 1",
	1, {INT8OID}
};

static TtQuery inheritances_everywhere = {
	"SELECT i.project_id, i.heir_id FROM timetrackr.inheritances_everywhere($1) i ORDER BY 2, 1",
	1, {INT8OID}
};

/* Until the transaction ends nobody begins an entry on these projects. */
static TtQuery close_projects = {
	"SELECT FROM timetrackr.projects WHERE owner_id = $1 ORDER BY id FOR UPDATE",
	1, {INT8OID}, TT_EVERY_COPY
};

static TtQuery hand_over = {
	"UPDATE timetrackr.projects SET owner_id = $2 WHERE id = $1",
	2, {INT8OID, INT8OID}, TT_EVERY_COPY
};

typedef struct Inheritance
{
	int64		project_id;
	int64		heir_id;
} Inheritance;

/* What user_id has to hand over now, by heir. */
static Inheritance *
find_inheritances(int64 user_id, int *count)
{
	Datum		args[] = {Int64GetDatum(user_id)};
	uint64		rows = tt_query(tt_is_distributed() ? &inheritances_everywhere : &inheritances, args, NULL);
	Inheritance *found = palloc_extended(Max(rows, 1) * sizeof(Inheritance), MCXT_ALLOC_HUGE);

	for (uint64 row = 0; row < rows; row++)
		found[row] = (Inheritance) {tt_int64(row, 0), tt_int64(row, 1)};
	*count = (int) rows;
	return found;
}

/*
 * The same with every heir locked, in order of id, before any project is: so
 * do those who write entries. An heir who was deleted meanwhile is no longer
 * found the next time.
 */
static Inheritance *
lock_heirs(int64 user_id, int *count)
{
	for (;;)
	{
		Inheritance *found = find_inheritances(user_id, count);
		bool		all = true;

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < *count; i++)
			all = tt_user_lock(found[i].heir_id) != NULL && all;
		if (all)
			return found;
	}
}

/* The trigger on projects tells the heir. */
static void
give(const Inheritance *inheritance)
{
	Datum		args[] = {Int64GetDatum(inheritance->project_id), Int64GetDatum(inheritance->heir_id)};

	(void) tt_query(&hand_over, args, NULL);
}

static void
give_all(int64 user_id)
{
	int			count;
	Inheritance *found = lock_heirs(user_id, &count);

	for (int i = 0; i < count; i++)
		give(&found[i]);
}

void
tt_user_leaves(int64 user_id)
{
	Datum		args[] = {Int64GetDatum(user_id)};

	give_all(user_id);
	/* What is left goes, unless somebody has just logged time there. */
	if (tt_query(&close_projects, args, NULL) > 0)
		give_all(user_id);
	tt_user_forget(user_id);
}
