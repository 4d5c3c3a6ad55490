/*
 * project.h: a project as the acting user sees it, what its fields must be,
 * and what the triggers on projects and project_members need from project.c.
 */
#ifndef TT_PROJECT_H
#define TT_PROJECT_H

#include "timetrackr.h"

#include "commands/trigger.h"
#include "nodes/lockoptions.h"

#define TT_PROJECT_NAME_MAX_CHARS 200

typedef struct SeenProject
{
	int64		owner_id;
	bool		is_public;
	bool		archived;
	bool		is_member;
	bool		is_manager;		/* or owner */
} SeenProject;

/*
 * Read and lock the project as mode tells; the viewer's membership stays as it is to the end
 * of the transaction, too. Raises 401 invalid_token when there is no such
 * viewer, 404 project_not_found, with field, when he may not know of it.
 * Needs tt_spi_begin().
 */
extern SeenProject tt_see_project(int64 project_id, LockTupleMode mode, int64 viewer_id, const char *field);

/* Raise 403 not_owner; 403 not_manager with field. */
extern void tt_require_owner(const SeenProject *project, int64 viewer_id);
extern void tt_require_manager(const SeenProject *project, const char *field);

/* Arguments of functions, trimmed and checked: 422 missing_field, too_long. A NULL description is "". */
extern char *tt_project_name(FunctionCallInfo fcinfo, int argument);
extern char *tt_project_description(FunctionCallInfo fcinfo, int argument);

/*
 * AFTER row trigger on projects: owner's membership, projects_created,
 * timeline, outbox, badges. Needs tt_spi_begin().
 */
extern void tt_project_changed(TriggerData *trigger);

/*
 * AFTER row trigger on project_members: timeline, outbox, cached memberships.
 * Needs tt_spi_begin().
 */
extern void tt_member_changed(TriggerData *trigger);

#endif
