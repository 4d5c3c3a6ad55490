/*
 * import_projects.h: from the projects that lines name to projects of the user.
 */
#ifndef TT_IMPORT_PROJECTS_H
#define TT_IMPORT_PROJECTS_H

#include "import.h"

/* Projects that a file names and the user has none of that name. */
typedef struct NewProjects
{
	const char **names;
	int			count;
	int			capacity;
} NewProjects;

/*
 * Give each new line a project: of those that the user is a member of, the one
 * with the id and name that the line says, else the one of that name, one he
 * may log on before others and then his own; else one to be made. Lines that
 * name none go to default_id, or are faults (missing_field) when that is 0.
 * Raises 422 too_many_projects. Needs tt_spi_begin().
 */
extern void tt_import_resolve(int64 user_id, int64 default_id, ImportLines *lines, NewProjects *made);

/* Make faults of new lines whose projects the user may not log on: project_archived, role_cannot_log. */
extern void tt_import_refuse(int64 user_id, ImportLines *lines);

/* Create the projects that new lines need, private and owned by the user, and give them to the lines. */
extern void tt_import_create(int64 user_id, ImportLines *lines, const NewProjects *made);

#endif
