/*
 * membership.c: checks the right to log time on a project, once per user and
 * project in a transaction, so that a bulk load asks once.
 */
#include "membership.h"

#include "access/xact.h"
#include "error.h"
#include "spi.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

typedef struct Allowed
{
	int64		user_id;
	int64		project_id;
} Allowed;

/* Pairs that may; in TopTransactionContext. */
static HTAB *allowed = NULL;

static TtQuery project_and_role = {
	"SELECT p.visibility = 'public', p.archived_at IS NOT NULL, m.role"
	" FROM timetrackr.projects p"
	" LEFT JOIN timetrackr.project_members m ON m.project_id = p.id AND m.user_id = $2"
	" WHERE p.id = $1",
	2, {INT8OID, INT8OID}, NULL
};

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
check(int64 user_id, int64 project_id)
{
	Datum		args[] = {Int64GetDatum(project_id), Int64GetDatum(user_id)};
	bool		exists = tt_query(&project_and_role, args, NULL) == 1;
	char	   *role = exists ? tt_text(0, 2) : NULL;

	if (!exists || (role == NULL && !tt_bool(0, 0)))
		tt_raise(404, "project_not_found", "project_id", NULL,
				 "there is no project " INT64_FORMAT, project_id);
	if (role == NULL)
		tt_raise(403, "not_a_member", "project_id", NULL,
				 "only members may log time on project " INT64_FORMAT ": join it first", project_id);
	if (strcmp(role, "viewer") == 0)
		tt_raise(403, "role_cannot_log", "project_id", NULL,
				 "viewers may not log time on project " INT64_FORMAT, project_id);
	if (tt_bool(0, 1))
		tt_raise(409, "project_archived", "project_id", NULL,
				 "project " INT64_FORMAT " is archived", project_id);
}

void
tt_membership_require(int64 user_id, int64 project_id)
{
	Allowed		key = {user_id, project_id};

	if (hash_search(allowed_table(), &key, HASH_FIND, NULL) != NULL)
		return;
	check(user_id, project_id);
	(void) hash_search(allowed_table(), &key, HASH_ENTER, NULL);
}
