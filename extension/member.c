/*
 * member.c: set_member() and remove_member(): who may make whom what on a
 * project. The owner may all but leave; managers look after contributors and
 * viewers; everybody else may go. What follows from the changed rows is the
 * triggers' business.
 */
#include "project.h"

#include "actor.h"
#include "arguments.h"
#include "error.h"
#include "spi.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(tt_set_member);
PG_FUNCTION_INFO_V1(tt_remove_member);

/* The account can't be deleted before its membership is in. */
static TtQuery user_and_role = {
	"SELECT m.role FROM timetrackr.users AS u"
	" LEFT JOIN timetrackr.project_members AS m ON m.project_id = $1 AND m.user_id = u.id"
	" WHERE u.id = $2"
	" FOR KEY SHARE OF u",
	2, {INT8OID, INT8OID}, TT_COPIES
};

static TtQuery put_member = {
	"INSERT INTO timetrackr.project_members AS m (project_id, user_id, role)"
	" VALUES ($1, $2, $3)"
	" ON CONFLICT (project_id, user_id) DO UPDATE SET role = excluded.role"
	" WHERE m.role <> excluded.role",
	3, {INT8OID, INT8OID, TEXTOID}, TT_EVERY_COPY
};

/* The trigger on projects sees to both memberships. */
static TtQuery transfer = {
	"UPDATE timetrackr.projects SET owner_id = $2 WHERE id = $1",
	2, {INT8OID, INT8OID}, TT_EVERY_COPY
};

static TtQuery member_row = {
	"SELECT m.project_id, m.user_id, u.username, m.role"
	" FROM timetrackr.project_members AS m"
	" JOIN timetrackr.users AS u ON u.id = m.user_id"
	" WHERE m.project_id = $1 AND m.user_id = $2",
	2, {INT8OID, INT8OID}
};

static TtQuery delete_member = {
	"DELETE FROM timetrackr.project_members WHERE project_id = $1 AND user_id = $2",
	2, {INT8OID, INT8OID}, TT_EVERY_COPY
};

static bool
runs_project(const char *role)
{
	return role != NULL && (strcmp(role, "owner") == 0 || strcmp(role, "manager") == 0);
}

/* Nobody but the owner makes or unmakes those who run the project. */
static void
require_rank(const SeenProject *project, int64 viewer_id, const char *role)
{
	if (runs_project(role) && project->owner_id != viewer_id)
		tt_raise(403, "not_owner", NULL, NULL, "only the owner may do this to a manager or the owner");
}

static void
raise_owner_stays(void)
{
	tt_raise(409, "owner_cannot_leave", NULL, NULL,
			 "the owner stays until somebody else is made the owner");
}

/* The user's role on the project, locked before; NULL: he is no member. */
static char *
present_role(int64 project_id, int64 user_id)
{
	Datum		args[2] = {Int64GetDatum(project_id), Int64GetDatum(user_id)};

	if (tt_query(&user_and_role, args, NULL) == 0)
		tt_raise(404, "user_not_found", "user_id", NULL, "there is no user " INT64_FORMAT, user_id);
	return tt_text(0, 0);
}

/* Raise unless the viewer may turn the user, who is `from` (NULL: no member), into `to`. */
static void
check_change(const SeenProject *project, int64 viewer_id, int64 user_id, const char *from, const char *to)
{
	if (user_id == project->owner_id && viewer_id == user_id)
		raise_owner_stays();
	/* Whoever may leave may also take a lower role. */
	if (viewer_id != user_id)
		require_rank(project, viewer_id, from);
	require_rank(project, viewer_id, to);
}

/* One change of the members at a time: what each may depends on those before. */
static SeenProject
see_project_to_change(int64 project_id, int64 viewer_id)
{
	return tt_see_project(project_id, LockTupleNoKeyExclusive, viewer_id, NULL);
}

/* set_member(viewer_id, project_id, user_id, role) */
Datum
tt_set_member(PG_FUNCTION_ARGS)
{
	int64		viewer_id = tt_viewer(fcinfo);
	int64		project_id = tt_required_int64(fcinfo, 1, "project_id");
	int64		user_id = tt_required_int64(fcinfo, 2, "user_id");
	const char *to = tt_required_enum(fcinfo, 3, "role");
	Datum		args[3] = {Int64GetDatum(project_id), Int64GetDatum(user_id), CStringGetTextDatum(to)};
	SeenProject project;
	const char *from;
	Datum		result;

	tt_spi_begin();
	project = see_project_to_change(project_id, viewer_id);
	tt_require_manager(&project, NULL);
	from = present_role(project_id, user_id);
	/* Asking again for what is so already is no change. */
	if (from == NULL || strcmp(from, to) != 0)
	{
		check_change(&project, viewer_id, user_id, from, to);
		(void) tt_query_by(viewer_id, strcmp(to, "owner") == 0 ? &transfer : &put_member, args, NULL);
	}
	(void) tt_query(&member_row, args, NULL);
	result = tt_row_result();
	tt_spi_end();
	PG_RETURN_DATUM(result);
}

/* remove_member(viewer_id, project_id, user_id) */
Datum
tt_remove_member(PG_FUNCTION_ARGS)
{
	int64		viewer_id = tt_viewer(fcinfo);
	int64		project_id = tt_required_int64(fcinfo, 1, "project_id");
	int64		user_id = tt_required_int64(fcinfo, 2, "user_id");
	Datum		args[2] = {Int64GetDatum(project_id), Int64GetDatum(user_id)};
	SeenProject project;

	tt_spi_begin();
	project = see_project_to_change(project_id, viewer_id);
	if (user_id == project.owner_id && viewer_id == user_id)
		raise_owner_stays();
	if (viewer_id != user_id)
	{
		tt_require_manager(&project, NULL);
		require_rank(&project, viewer_id, present_role(project_id, user_id));
	}
	if (tt_query_by(viewer_id, &delete_member, args, NULL) == 0)
		tt_raise(404, "member_not_found", "user_id", NULL,
				 "user " INT64_FORMAT " is no member of the project", user_id);
	tt_spi_end();
	PG_RETURN_VOID();
}
