/*
 * project.h: what the triggers on projects and project_members need from
 * project.c. The SQL functions create_project(), set_visibility() and
 * join_project() live there too.
 */
#ifndef TT_PROJECT_H
#define TT_PROJECT_H

#include "timetrackr.h"

#include "commands/trigger.h"

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
