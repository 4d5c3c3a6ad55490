/*
 * project.c: projects, their members and visibility: create_project(),
 * set_visibility(), join_project(), and what follows from a changed row.
 * Editing and deleting is project_edit.c's, what others do to members
 * member.c's, who may log time membership.c's.
 */
#include "project.h"

#include "account.h"
#include "actor.h"
#include "arguments.h"
#include "badge.h"
#include "error.h"
#include "event.h"
#include "home.h"
#include "lock.h"
#include "membership.h"
#include "project_news.h"
#include "row.h"
#include "spi.h"
#include "table.h"
#include "timeline.h"

#include "access/xact.h"
#include "catalog/pg_type_d.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#define DESCRIPTION_MAX_CHARS 5000

PG_FUNCTION_INFO_V1(tt_create_project);
PG_FUNCTION_INFO_V1(tt_set_visibility);
PG_FUNCTION_INFO_V1(tt_join_project);

enum { PROJECT_ID, PROJECT_OWNER, PROJECT_VISIBILITY, PROJECT_ARCHIVED_AT };

static TtTable projects = {
	"projects", NULL, 1, 4,
	{
		[PROJECT_ID] = {"id", INT8OID},
		[PROJECT_OWNER] = {"owner_id", INT8OID},
		[PROJECT_VISIBILITY] = {"visibility", TEXTOID},
		[PROJECT_ARCHIVED_AT] = {"archived_at", TIMESTAMPTZOID},
	}
};

static TtTable project_members = {
	"project_members", NULL, 2, 3,
	{{"project_id", INT8OID}, {"user_id", INT8OID}, {"role", TEXTOID}}
};

static TtTable users = {"users", NULL, 1, 1, {{"id", INT8OID}}};

static TtTable user_totals = {
	"user_totals", NULL, 1, 2,
	{{"user_id", INT8OID}, {"projects_created", INT4OID}}
};

static TtQuery insert_project = {
	"INSERT INTO timetrackr.projects (name, description, owner_id, visibility)"
	" VALUES ($1, $2, $3, $4) RETURNING id",
	4, {TEXTOID, TEXTOID, INT8OID, TEXTOID}
};

static TtQuery update_visibility = {
	"UPDATE timetrackr.projects SET visibility = $2 WHERE id = $1 AND visibility <> $2",
	2, {INT8OID, TEXTOID}, TT_EVERY_COPY
};

static TtQuery insert_member = {
	"INSERT INTO timetrackr.project_members (project_id, user_id)"
	" VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING project_id, role",
	2, {INT8OID, INT8OID}, TT_EVERY_COPY
};

static TtQuery put_owner = {
	"INSERT INTO timetrackr.project_members (project_id, user_id, role, joined_at)"
	" VALUES ($1, $2, 'owner', $3)"
	" ON CONFLICT (project_id, user_id) DO UPDATE SET role = 'owner'",
	3, {INT8OID, INT8OID, TIMESTAMPTZOID}, TT_COPIES
};

/* An owner who hands a project over keeps helping to run it. */
static TtQuery demote_owner = {
	"UPDATE timetrackr.project_members SET role = 'manager'"
	" WHERE project_id = $1 AND user_id = $2 AND role = 'owner'",
	2, {INT8OID, INT8OID}, TT_COPIES
};

/* 0: no such project. */
static int64
owner_of(int64 project_id)
{
	TtRows	   *rows = tt_rows_open(&projects, TT_NOBODY);
	int64		owner_id = tt_rows_find(rows, (Datum[]) {Int64GetDatum(project_id)}) ?
		tt_rows_int64(rows, PROJECT_OWNER) : 0;

	tt_rows_close(rows);
	return owner_id;
}

/*
 * An account that is being deleted is locked before its projects are. In the
 * other order, who tells the owner something, and the deletion, could block each other.
 */
static void
hold_owner(int64 project_id)
{
	TtRows	   *rows = tt_rows_open(&users, TT_NOBODY);

	if (tt_rows_find(rows, (Datum[]) {Int64GetDatum(owner_of(project_id))}))
		(void) tt_rows_lock(rows, LockTupleKeyShare);
	tt_rows_close(rows);
}

static bool
lock_project(int64 project_id, LockTupleMode mode, SeenProject *project)
{
	TtRows	   *rows = tt_rows_open(&projects, TT_NOBODY);
	bool		found = tt_rows_find(rows, (Datum[]) {Int64GetDatum(project_id)}) && tt_rows_lock(rows, mode);
	bool		is_open;

	if (found)
	{
		project->owner_id = tt_rows_int64(rows, PROJECT_OWNER);
		project->is_public = strcmp(tt_rows_text(rows, PROJECT_VISIBILITY), "public") == 0;
		(void) tt_rows_datum(rows, PROJECT_ARCHIVED_AT, &is_open);
		project->archived = !is_open;
	}
	tt_rows_close(rows);
	return found;
}

/* Once the project is locked: whoever changes members holds that lock. */
static void
lock_role(int64 project_id, int64 user_id, SeenProject *project)
{
	TtRows	   *rows = tt_rows_open(&project_members, TT_NOBODY);
	Datum		keys[] = {Int64GetDatum(project_id), Int64GetDatum(user_id)};

	project->is_member = tt_rows_find(rows, keys) && tt_rows_lock(rows, LockTupleShare);
	if (project->is_member)
	{
		const char *role = tt_rows_text(rows, 2);

		project->is_manager = strcmp(role, "owner") == 0 || strcmp(role, "manager") == 0;
	}
	tt_rows_close(rows);
}

SeenProject
tt_see_project(int64 project_id, LockTupleMode mode, int64 viewer_id, const char *field)
{
	SeenProject project = {0};

	tt_require_viewer(viewer_id);
	hold_owner(project_id);
	if (lock_project(project_id, mode, &project))
		lock_role(project_id, viewer_id, &project);
	if (!project.is_public && !project.is_member)
		tt_raise(404, "project_not_found", field, NULL,
				 "there is no project " INT64_FORMAT, project_id);
	return project;
}

void
tt_require_owner(const SeenProject *project, int64 viewer_id)
{
	if (project->owner_id != viewer_id)
		tt_raise(403, "not_owner", NULL, NULL, "only its owner may do this to a project");
}

void
tt_require_manager(const SeenProject *project, const char *field)
{
	if (!project->is_manager)
		tt_raise(403, "not_manager", field, NULL, "only its owner and managers may do this to a project");
}

static void
limit_length(const char *text, int max_chars, const char *field)
{
	if (pg_mbstrlen(text) > max_chars)
		tt_raise(422, "too_long", field, NULL, "%s has at most %d characters", field, max_chars);
}

char *
tt_project_name(FunctionCallInfo fcinfo, int argument)
{
	char	   *name = tt_required_text(fcinfo, argument, "name");

	if (name[0] == '\0')
		tt_raise(422, "missing_field", "name", NULL, "a project needs a name");
	limit_length(name, TT_PROJECT_NAME_MAX_CHARS, "name");
	return name;
}

char *
tt_project_description(FunctionCallInfo fcinfo, int argument)
{
	char	   *description = PG_ARGISNULL(argument) ? "" : TextDatumGetCString(PG_GETARG_DATUM(argument));

	limit_length(description, DESCRIPTION_MAX_CHARS, "description");
	return description;
}

/* create_project(viewer_id, name, description, visibility) */
Datum
tt_create_project(PG_FUNCTION_ARGS)
{
	int64		viewer_id = tt_viewer(fcinfo);
	Datum		args[] = {
		CStringGetTextDatum(tt_project_name(fcinfo, 1)),
		CStringGetTextDatum(tt_project_description(fcinfo, 2)),
		Int64GetDatum(viewer_id),
		CStringGetTextDatum(tt_required_enum(fcinfo, 3, "visibility"))
	};
	int64		project_id;

	tt_spi_begin();
	if (tt_user_lock(viewer_id) == NULL)
		tt_no_viewer();
	(void) tt_query(&insert_project, args, NULL);
	project_id = tt_int64(0, 0);
	tt_spi_end();
	PG_RETURN_INT64(project_id);
}

/* set_visibility(viewer_id, project_id, visibility) */
Datum
tt_set_visibility(PG_FUNCTION_ARGS)
{
	int64		viewer_id = tt_viewer(fcinfo);
	int64		project_id = tt_required_int64(fcinfo, 1, "project_id");
	Datum		args[] = {Int64GetDatum(project_id), CStringGetTextDatum(tt_required_enum(fcinfo, 2, "visibility"))};
	SeenProject project;

	tt_spi_begin();
	/* Locked against two changes of visibility at once. */
	project = tt_see_project(project_id, LockTupleNoKeyExclusive, viewer_id, NULL);
	tt_require_owner(&project, viewer_id);
	(void) tt_query(&update_visibility, args, NULL);
	tt_spi_end();
	PG_RETURN_BOOL(true);
}

/* join_project(viewer_id, project_id) */
Datum
tt_join_project(PG_FUNCTION_ARGS)
{
	int64		viewer_id = tt_viewer(fcinfo);
	int64		project_id = tt_required_int64(fcinfo, 1, "project_id");
	Datum		args[2] = {Int64GetDatum(project_id), Int64GetDatum(viewer_id)};
	SeenProject project;
	Datum		result;

	tt_spi_begin();
	/* Locked so that it is still public when the member is in. */
	project = tt_see_project(project_id, LockTupleShare, viewer_id, NULL);
	if (!project.is_member && project.archived)
		tt_raise(409, "project_archived", NULL, NULL, "the project is archived");
	if (project.is_member || tt_query_by(viewer_id, &insert_member, args, NULL) == 0)
		tt_raise(409, "already_member", NULL, NULL, "you are a member of the project already");
	result = tt_row_result();
	tt_spi_end();
	PG_RETURN_DATUM(result);
}

/* The owner has one project more, or less: does that make or end a badge? */
static void
created_changed(int64 owner_id, int change)
{
	Datum		key = Int64GetDatum(owner_id);
	TtRows	   *rows;

	/* Deleting a user deletes his projects, and his totals with him. */
	if (!tt_is_home(owner_id) || tt_user_lock(owner_id) == NULL)
		return;
	rows = tt_rows_open(&user_totals, owner_id);
	if (tt_rows_find(rows, &key))
	{
		tt_rows_change(rows);
		tt_rows_set(rows, 1, Int32GetDatum((int32) tt_rows_int64(rows, 1) + change));
		tt_rows_update(rows);
	}
	tt_rows_close(rows);
	tt_badges_evaluate(owner_id, 0);
}

static void
lock_if_home(int64 user_id)
{
	if (tt_is_home(user_id))
		(void) tt_user_lock(user_id);
}

static void
project_inserted(HeapTuple row, TupleDesc columns, int64 project_id, int64 owner_id)
{
	TimestampTz created_at = tt_row_int64(row, columns, "created_at");
	Datum		args[3] = {Int64GetDatum(project_id), Int64GetDatum(owner_id), TimestampTzGetDatum(created_at)};

	lock_if_home(owner_id);
	(void) tt_query_by(owner_id, &put_owner, args, NULL);
	tt_timeline_add(owner_id, "project_created", "{}", project_id, created_at);
	created_changed(owner_id, 1);
	if (!tt_is_home(owner_id))
		return;
	tt_event_emit("project_created",
				  psprintf("{\"project_id\": " INT64_FORMAT ", \"user_id\": " INT64_FORMAT "}",
						   project_id, owner_id));
}

/* Lock both users in one order, so that two hand-overs can't block each other. */
static void
owner_changed(int64 project_id, int64 from, int64 to)
{
	Datum		args[3] = {Int64GetDatum(project_id), Int64GetDatum(from), TimestampTzGetDatum(tt_transaction_time())};

	lock_if_home(Min(from, to));
	lock_if_home(Max(from, to));
	(void) tt_query(&demote_owner, args, NULL);
	args[1] = Int64GetDatum(to);
	(void) tt_query(&put_owner, args, NULL);
	created_changed(from, -1);
	created_changed(to, 1);
}

static void
project_updated(TriggerData *trigger, int64 project_id)
{
	TupleDesc	columns = RelationGetDescr(trigger->tg_relation);
	HeapTuple	before = trigger->tg_trigtuple;
	HeapTuple	after = trigger->tg_newtuple;
	int64		owner_id = tt_row_int64(after, columns, "owner_id");

	if (tt_row_changed(trigger, "owner_id"))
		owner_changed(project_id, tt_row_int64(before, columns, "owner_id"), owner_id);
	if (tt_row_changed(trigger, "visibility"))
		tt_timeline_add(owner_id, "visibility_changed",
						psprintf("{\"from\": \"%s\", \"to\": \"%s\"}",
								 tt_row_text(before, columns, "visibility"),
								 tt_row_text(after, columns, "visibility")),
						project_id, GetCurrentTransactionStartTimestamp());
}

/*
 * Something about the project is no longer so: caches and live clients have to
 * know. `what` is the rest of the payload; a user_id in it is whom it concerns.
 * One node tells it: the home of user_id.
 */
static void
emit_changed(int64 project_id, int64 user_id, const char *what)
{
	if (!tt_is_home(user_id))
		return;
	tt_event_emit("project_changed",
				  psprintf("{\"project_id\": " INT64_FORMAT ", %s}", project_id, what));
}

/* What an UPDATE of the project means for those who follow it. */
static char *
describe_update(TriggerData *trigger, int64 owner_id)
{
	TupleDesc	columns = RelationGetDescr(trigger->tg_relation);

	if (tt_row_changed(trigger, "visibility"))
		return psprintf("\"change\": \"visibility\", \"user_id\": " INT64_FORMAT
						", \"from\": \"%s\", \"to\": \"%s\"", owner_id,
						tt_row_text(trigger->tg_trigtuple, columns, "visibility"),
						tt_row_text(trigger->tg_newtuple, columns, "visibility"));
	if (tt_row_changed(trigger, "owner_id"))
		return psprintf("\"change\": \"owner\", \"user_id\": " INT64_FORMAT, owner_id);
	return "\"change\": \"details\"";
}

void
tt_project_changed(TriggerData *trigger)
{
	TupleDesc	columns = RelationGetDescr(trigger->tg_relation);
	HeapTuple	row = tt_row_subject(trigger);
	int64		project_id = tt_row_int64(row, columns, "id");
	int64		owner_id = tt_row_int64(row, columns, "owner_id");

	tt_membership_forget();
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		project_inserted(row, columns, project_id, owner_id);
	else if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
	{
		project_updated(trigger, project_id);
		emit_changed(project_id, owner_id, describe_update(trigger, owner_id));
	}
	else
	{
		tt_timeline_remove_project(project_id);
		created_changed(owner_id, -1);
		emit_changed(project_id, owner_id, psprintf("\"change\": \"deleted\", \"user_id\": " INT64_FORMAT, owner_id));
	}
}

/* A user has this role on the project now; none: he is no member any more. */
static void
emit_member(HeapTuple row, TupleDesc columns, bool is_member)
{
	emit_changed(tt_row_int64(row, columns, "project_id"), tt_row_int64(row, columns, "user_id"),
				 psprintf("\"change\": \"member\", \"user_id\": " INT64_FORMAT ", \"role\": %s%s%s",
						  tt_row_int64(row, columns, "user_id"), is_member ? "\"" : "",
						  is_member ? tt_row_text(row, columns, "role") : "null", is_member ? "\"" : ""));
}

void
tt_member_changed(TriggerData *trigger)
{
	TupleDesc	columns = RelationGetDescr(trigger->tg_relation);
	HeapTuple	row = tt_row_subject(trigger);
	int64		project_id = tt_row_int64(row, columns, "project_id");

	tt_membership_forget();
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event) &&
		strcmp(tt_row_text(row, columns, "role"), "owner") != 0)
		tt_timeline_add(tt_row_int64(row, columns, "user_id"), "project_joined", "{}",
						project_id, tt_row_int64(row, columns, "joined_at"));
	tt_member_news(trigger);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) &&
		(tt_row_changed(trigger, "project_id") || tt_row_changed(trigger, "user_id")))
		emit_member(trigger->tg_trigtuple, columns, false);
	emit_member(row, columns, !TRIGGER_FIRED_BY_DELETE(trigger->tg_event));
}
