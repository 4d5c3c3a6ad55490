/*
 * membership.c: checks the right to log time on a project, once per user and
 * project in a transaction, so that a bulk load asks once.
 */
#include "membership.h"

#include "access/xact.h"
#include "catalog/pg_type_d.h"
#include "error.h"
#include "table.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

typedef struct Allowed
{
	int64		user_id;
	int64		project_id;
} Allowed;

/* May a user log time on a project, and if not, why not? */
typedef enum Verdict
{
	ALLOWED,
	UNKNOWN_PROJECT,
	NO_MEMBER,
	VIEWER,
	ARCHIVED
} Verdict;

/* Pairs that may; in TopTransactionContext. */
static HTAB *allowed = NULL;

static TtTable projects = {
	"projects", NULL, 1, 3,
	{{"id", INT8OID}, {"visibility", TEXTOID}, {"archived_at", TIMESTAMPTZOID}}
};

static TtTable project_members = {
	"project_members", NULL, 2, 3,
	{{"project_id", INT8OID}, {"user_id", INT8OID}, {"role", TEXTOID}}
};

/* What the right depends on, of a project and of a user in it. */
typedef struct Grounds
{
	bool		exists;
	bool		is_public;
	bool		is_archived;
	char	   *role;			/* NULL: no member */
} Grounds;

void
tt_membership_forget(void)
{
	if (allowed != NULL)
		hash_destroy(allowed);
	allowed = NULL;
}

static void
on_transaction_end(XactEvent event, void *arg)
{
	/* Its memory goes with TopTransactionContext. */
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PREPARE)
		allowed = NULL;
}

static void
on_subtransaction_end(SubXactEvent event, SubTransactionId mine,
					  SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		tt_membership_forget();
}

void
tt_membership_init(void)
{
	RegisterXactCallback(on_transaction_end, NULL);
	RegisterSubXactCallback(on_subtransaction_end, NULL);
}

static HTAB *
allowed_table(void)
{
	HASHCTL		ctl;

	if (allowed == NULL)
	{
		ctl.keysize = sizeof(Allowed);
		ctl.entrysize = sizeof(Allowed);
		ctl.hcxt = TopTransactionContext;
		allowed = hash_create("timetrackr memberships", 64, &ctl,
							  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	return allowed;
}

static void
read_project(int64 project_id, Grounds *grounds)
{
	TtRows	   *rows = tt_rows_open(&projects, TT_NOBODY);

	grounds->exists = tt_rows_find(rows, (Datum[]) {Int64GetDatum(project_id)});
	if (grounds->exists)
	{
		const char *visibility = tt_rows_text(rows, 1);
		bool		is_open;

		grounds->is_public = visibility != NULL && strcmp(visibility, "public") == 0;
		(void) tt_rows_datum(rows, 2, &is_open);
		grounds->is_archived = !is_open;
	}
	tt_rows_close(rows);
}

static void
read_role(int64 user_id, int64 project_id, Grounds *grounds)
{
	TtRows	   *rows = tt_rows_open(&project_members, TT_NOBODY);

	if (tt_rows_find(rows, (Datum[]) {Int64GetDatum(project_id), Int64GetDatum(user_id)}))
		grounds->role = tt_rows_text(rows, 2);
	tt_rows_close(rows);
}

/* Ask the tables. */
static Verdict
judge(int64 user_id, int64 project_id)
{
	Grounds		grounds = {false};

	read_project(project_id, &grounds);
	if (grounds.exists)
		read_role(user_id, project_id, &grounds);
	if (!grounds.exists || (grounds.role == NULL && !grounds.is_public))
		return UNKNOWN_PROJECT;
	if (grounds.role == NULL)
		return NO_MEMBER;
	if (strcmp(grounds.role, "viewer") == 0)
		return VIEWER;
	return grounds.is_archived ? ARCHIVED : ALLOWED;
}

static void
refuse(Verdict verdict, int64 project_id)
{
	switch (verdict)
	{
		case UNKNOWN_PROJECT:
			tt_raise(404, "project_not_found", "project_id", NULL,
					 "there is no project " INT64_FORMAT, project_id);
			break;
		case NO_MEMBER:
			tt_raise(403, "not_a_member", "project_id", NULL,
					 "only members may log time on project " INT64_FORMAT ": join it first", project_id);
			break;
		case VIEWER:
			tt_raise(403, "role_cannot_log", "project_id", NULL,
					 "viewers may not log time on project " INT64_FORMAT, project_id);
			break;
		case ARCHIVED:
			tt_raise(409, "project_archived", "project_id", NULL,
					 "project " INT64_FORMAT " is archived", project_id);
			break;
		case ALLOWED:
			break;
	}
}

static Verdict
verdict_on(int64 user_id, int64 project_id)
{
	Allowed		key = {user_id, project_id};
	Verdict		verdict;

	if (hash_search(allowed_table(), &key, HASH_FIND, NULL) != NULL)
		return ALLOWED;
	verdict = judge(user_id, project_id);
	if (verdict == ALLOWED)
		(void) hash_search(allowed_table(), &key, HASH_ENTER, NULL);
	return verdict;
}

bool
tt_membership_allows(int64 user_id, int64 project_id)
{
	return verdict_on(user_id, project_id) == ALLOWED;
}

void
tt_membership_require(int64 user_id, int64 project_id)
{
	refuse(verdict_on(user_id, project_id), project_id);
}

bool
tt_membership_moves(int64 actor, int64 from, int64 to)
{
	Grounds		source = {false};
	Grounds		target = {false};

	read_role(actor, from, &source);
	read_role(actor, to, &target);
	return source.role != NULL && strcmp(source.role, "owner") == 0 &&
		target.role != NULL && (strcmp(target.role, "owner") == 0 || strcmp(target.role, "manager") == 0);
}
