/*
 * membership.h: who may log time on a project.
 */
#ifndef TT_MEMBERSHIP_H
#define TT_MEMBERSHIP_H

#include "timetrackr.h"

/*
 * Raise unless user_id may log time on project_id: 404 project_not_found (not
 * there, or private and not a member), 403 not_a_member, 403 role_cannot_log,
 * 409 project_archived. Answers are kept to the end of the transaction.
 * Needs tt_spi_begin().
 */
extern void tt_membership_require(int64 user_id, int64 project_id);

/* The same question, answered. */
extern bool tt_membership_allows(int64 user_id, int64 project_id);

/*
 * May actor move anybody's entries from one project to the other, whatever those
 * may do there? Who deletes his project may, to one that he runs.
 */
extern bool tt_membership_moves(int64 actor, int64 from, int64 to);

/* Members or projects changed: forget what was answered. */
extern void tt_membership_forget(void);

/* Forget at the end of (sub)transactions too. Called once at load. */
extern void tt_membership_init(void);

#endif
