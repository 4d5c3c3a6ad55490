/*
 * project_news.c: whom to tell when members come, go or change roles, and
 * when a project goes (see project_news.h).
 */
#include "project_news.h"

#include "actor.h"
#include "jsontext.h"
#include "notification.h"
#include "row.h"
#include "spi.h"
#include "utils/rel.h"

static TtQuery project_name = {
	"SELECT name, owner_id FROM timetrackr.projects WHERE id = $1",
	1, {INT8OID}, TT_COPIES
};

static TtQuery members = {
	"SELECT user_id FROM timetrackr.project_members WHERE project_id = $1 ORDER BY user_id",
	1, {INT8OID}, TT_COPIES
};

int64
tt_project_payload(StringInfo payload, int64 project_id)
{
	Datum		args[] = {Int64GetDatum(project_id)};
	char	   *name;

	if (tt_query(&project_name, args, NULL) == 0)
		return 0;
	name = tt_text(0, 0);
	appendStringInfo(payload, "{\"project_id\": " INT64_FORMAT ", \"project_name\": ", project_id);
	tt_json_string(payload, name, strlen(name));
	return tt_int64(0, 1);
}

/* Add a member to the payload: "name": "role" */
static void
add_role(StringInfo payload, const char *name, const char *role)
{
	appendStringInfo(payload, ", \"%s\": ", name);
	tt_json_string(payload, role, strlen(role));
}

/* One who comes or goes by himself knows; the owner is told. */
static void
tell_owner(int64 owner_id, StringInfo payload, int64 user_id, bool came)
{
	if (owner_id == user_id)
		return;
	appendStringInfo(payload, ", \"user_id\": " INT64_FORMAT "}", user_id);
	tt_notify_user(owner_id, came ? TT_NEWS_MEMBER_JOINED : TT_NEWS_MEMBER_LEFT, payload->data);
}

static void
tell_member(StringInfo payload, int64 user_id, const char *from, const char *to)
{
	const char *kind = TT_NEWS_ROLE_CHANGED;

	if (to == NULL)
		kind = TT_NEWS_MEMBER_REMOVED;
	else if (strcmp(to, "owner") == 0)
		kind = TT_NEWS_OWNERSHIP_RECEIVED;
	else if (from == NULL)
	{
		kind = TT_NEWS_MEMBER_ADDED;
		add_role(payload, "role", to);
	}
	else
	{
		add_role(payload, "from", from);
		add_role(payload, "to", to);
	}
	appendStringInfoChar(payload, '}');
	tt_notify_user(user_id, kind, payload->data);
}

void
tt_member_news(TriggerData *trigger)
{
	TupleDesc	columns = RelationGetDescr(trigger->tg_relation);
	HeapTuple	row = tt_row_subject(trigger);
	int64		user_id = tt_row_int64(row, columns, "user_id");
	bool		came = TRIGGER_FIRED_BY_INSERT(trigger->tg_event);
	bool		left = TRIGGER_FIRED_BY_DELETE(trigger->tg_event);
	int64		owner_id;
	StringInfoData payload;

	if (came && !tt_is_news(tt_row_int64(row, columns, "joined_at")))
		return;
	if (!came && !left && !tt_row_changed(trigger, "role"))
		return;
	initStringInfo(&payload);
	/* Of a project that goes its members are told otherwise. */
	owner_id = tt_project_payload(&payload, tt_row_int64(row, columns, "project_id"));
	if (owner_id == 0)
		return;
	if (!tt_is_doing_of(user_id))
		tell_member(&payload, user_id,
					came ? NULL : tt_row_text(trigger->tg_trigtuple, columns, "role"),
					left ? NULL : tt_row_text(row, columns, "role"));
	else if (came || left)
		tell_owner(owner_id, &payload, user_id, came);
}

void
tt_project_deleted_news(int64 project_id)
{
	Datum		args[] = {Int64GetDatum(project_id)};
	StringInfoData payload;
	uint64		count;
	int64	   *ids;

	initStringInfo(&payload);
	if (tt_project_payload(&payload, project_id) == 0)
		return;
	appendStringInfoChar(&payload, '}');
	count = tt_query(&members, args, NULL);
	ids = palloc_extended(Max(count, 1) * sizeof(int64), MCXT_ALLOC_HUGE);
	/* A later query ends this result. */
	for (uint64 row = 0; row < count; row++)
		ids[row] = tt_int64(row, 0);
	for (uint64 row = 0; row < count; row++)
	{
		if (!tt_is_doing_of(ids[row]))
			tt_notify_user(ids[row], TT_NEWS_PROJECT_DELETED, payload.data);
	}
	pfree(ids);
}
