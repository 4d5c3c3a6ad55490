/*
 * project_edit.c: update_project() and delete_project(). What follows from
 * the changed rows is the triggers' business.
 */
#include "project.h"

#include "actor.h"
#include "arguments.h"
#include "error.h"
#include "lock.h"
#include "membership.h"
#include "spi.h"
#include "access/xact.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(tt_update_project);
PG_FUNCTION_INFO_V1(tt_delete_project);

/* Nobody begins an entry on it any more: an entry refers to its project. */
static TtQuery close_project = {
	"SELECT FROM timetrackr.projects WHERE id = $1 FOR UPDATE",
	1, {INT8OID}, TT_EVERY_COPY
};

static TtQuery update_project = {
	"UPDATE timetrackr.projects"
	" SET name = CASE WHEN $2 THEN $3 ELSE name END,"
	" description = CASE WHEN $4 THEN $5 ELSE description END,"
	" archived_at = CASE WHEN NOT $6 THEN archived_at WHEN $7 THEN COALESCE(archived_at, $8) END"
	" WHERE id = $1",
	8, {INT8OID, BOOLOID, TEXTOID, BOOLOID, TEXTOID, BOOLOID, BOOLOID, TIMESTAMPTZOID}, TT_EVERY_COPY
};

static TtQuery whole_project = {
	"SELECT * FROM timetrackr.project(viewer_id => $1, project_id => $2)",
	2, {INT8OID, INT8OID}, TT_COPIES
};

/* In order, so that two who lock these users can't block each other. */
static TtQuery users_with_entries = {
	"SELECT DISTINCT user_id FROM timetrackr.time_entries WHERE project_id = $1 ORDER BY user_id",
	1, {INT8OID}
};

static TtQuery move_entries = {
	"UPDATE timetrackr.time_entries SET project_id = $3 WHERE user_id = $1 AND project_id = $2",
	3, {INT8OID, INT8OID, INT8OID}, TT_AT_HOME
};

static TtQuery delete_project = {
	"DELETE FROM timetrackr.projects WHERE id = $1",
	1, {INT8OID}, TT_EVERY_COPY
};

/* update_project(viewer_id, project_id, name, description, archived, given) */
Datum
tt_update_project(PG_FUNCTION_ARGS)
{
	const int	given = 5;
	int64		viewer_id = tt_viewer(fcinfo);
	int64		project_id = tt_required_int64(fcinfo, 1, "project_id");
	bool		name = tt_is_given(fcinfo, 2, "name", given);
	bool		description = tt_is_given(fcinfo, 3, "description", given);
	bool		archived = tt_is_given(fcinfo, 4, "archived", given);
	Datum		args[8] = {Int64GetDatum(project_id)};
	Datum		viewed[2] = {Int64GetDatum(viewer_id), Int64GetDatum(project_id)};
	SeenProject project;
	Datum		result;

	if (archived && PG_ARGISNULL(4))
		tt_raise(422, "missing_field", "archived", NULL, "archived can't be empty");
	args[1] = BoolGetDatum(name);
	args[2] = CStringGetTextDatum(name ? tt_project_name(fcinfo, 2) : "");
	args[3] = BoolGetDatum(description);
	args[4] = CStringGetTextDatum(description ? tt_project_description(fcinfo, 3) : "");
	args[5] = BoolGetDatum(archived);
	args[6] = BoolGetDatum(archived && PG_GETARG_BOOL(4));
	args[7] = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	tt_spi_begin();
	project = tt_see_project(project_id, LockTupleNoKeyExclusive, viewer_id, NULL);
	tt_require_manager(&project, NULL);
	(void) tt_query(&update_project, args, NULL);
	(void) tt_query(&whole_project, viewed, NULL);
	result = tt_row_result();
	tt_spi_end();
	return result;
}

/* Raise unless the viewer may fill this project with the entries of another. */
static void
require_target(int64 target_id, int64 project_id, int64 viewer_id)
{
	SeenProject target;

	if (target_id == project_id)
		tt_raise(422, "same_project", "move_entries_to", NULL,
				 "entries can't move to the project that is deleted");
	target = tt_see_project(target_id, LockTupleShare, viewer_id, "move_entries_to");
	tt_require_manager(&target, "move_entries_to");
	if (target.archived)
		tt_raise(409, "project_archived", "move_entries_to", NULL, "that project is archived");
}

/* Lock the users with entries on a project; returns them. */
static int64 *
lock_users(int64 project_id, uint64 *nusers)
{
	Datum		args[1] = {Int64GetDatum(project_id)};
	int64	   *users;

	*nusers = tt_query(&users_with_entries, args, NULL);
	users = palloc_extended(Max(*nusers, 1) * sizeof(int64), MCXT_ALLOC_HUGE);
	for (uint64 i = 0; i < *nusers; i++)
		users[i] = tt_int64(i, 0);
	for (uint64 i = 0; i < *nusers; i++)
		(void) tt_user_lock(users[i]);
	return users;
}

/*
 * Close a project to new entries; returns the users with entries on it, locked.
 * Who writes an entry locks himself first and the project last: so do we, and
 * look again for those who came meanwhile.
 */
static int64 *
close_and_lock_users(int64 project_id, uint64 *nusers)
{
	Datum		args[1] = {Int64GetDatum(project_id)};

	pfree(lock_users(project_id, nusers));
	(void) tt_query(&close_project, args, NULL);
	return lock_users(project_id, nusers);
}

/*
 * User by user, as every statement on entries is. Entries move whatever their
 * user may do on the other project, and make him no member there: that would
 * show it to those who were removed, or had joined a public one.
 */
static void
move_all(int64 viewer_id, const int64 *users, uint64 nusers, int64 from, int64 to)
{
	for (uint64 i = 0; i < nusers; i++)
	{
		Datum		move[3] = {Int64GetDatum(users[i]), Int64GetDatum(from), Int64GetDatum(to)};

		/* An account that was deleted while we waited has taken its entries along. */
		if (tt_user_lock(users[i]) == NULL)
			continue;
		(void) tt_query_by(viewer_id, &move_entries, move, NULL);
	}
}

/* delete_project(viewer_id, project_id, move_entries_to) */
Datum
tt_delete_project(PG_FUNCTION_ARGS)
{
	int64		viewer_id = tt_viewer(fcinfo);
	int64		project_id = tt_required_int64(fcinfo, 1, "project_id");
	Datum		args[1] = {Int64GetDatum(project_id)};
	SeenProject project;
	uint64		nusers;
	int64	   *users;

	tt_spi_begin();
	project = tt_see_project(project_id, LockTupleNoKeyExclusive, viewer_id, NULL);
	tt_require_owner(&project, viewer_id);
	if (!PG_ARGISNULL(2))
		require_target(PG_GETARG_INT64(2), project_id, viewer_id);
	users = close_and_lock_users(project_id, &nusers);
	if (nusers > 0 && PG_ARGISNULL(2))
		tt_raise(409, "project_has_entries", NULL, NULL,
				 "the project has time entries: move them to another one, or delete them first");
	if (nusers > 0)
		move_all(viewer_id, users, nusers, project_id, PG_GETARG_INT64(2));
	(void) tt_query_by(viewer_id, &delete_project, args, NULL);
	tt_spi_end();
	PG_RETURN_VOID();
}
