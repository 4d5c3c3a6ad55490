/*
 * import_projects.c: looks projects up by name and makes the missing ones
 * (see import_projects.h). All of a user's projects are read once.
 */
#include "import_projects.h"

#include "error.h"
#include "mb/pg_wchar.h"
#include "project.h"
#include "spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"

#define NEW_PROJECTS_MAX 1000
#define NAME_SIZE (TT_PROJECT_NAME_MAX_CHARS * MAX_MULTIBYTE_CHAR_LEN + 1)

/* Those that he may log on first, then his own, then the oldest. */
static TtQuery own_projects = {
	"SELECT p.id, p.name,"
	" CASE WHEN m.role = 'viewer' THEN 'role_cannot_log'"
	" WHEN p.archived_at IS NOT NULL THEN 'project_archived' END"
	" FROM timetrackr.project_members m"
	" JOIN timetrackr.projects p ON p.id = m.project_id"
	" WHERE m.user_id = $1"
	" ORDER BY 3 NULLS FIRST, p.owner_id <> $1, p.id",
	1, {INT8OID}
};

static TtQuery create_projects = {
	"INSERT INTO timetrackr.projects (name, owner_id)"
	" SELECT n.name, $1 FROM unnest($2) WITH ORDINALITY n (name, place) ORDER BY n.place"
	" RETURNING id",
	2, {INT8OID, TEXTARRAYOID}
};

typedef struct NamedProject
{
	char		name[NAME_SIZE];	/* hash key */
	int64		id;				/* 0: to be made */
	int			new_project;
} NamedProject;

typedef struct KnownProject
{
	int64		id;				/* hash key */
	const char *name;
	const char *refusal;		/* NULL: he may log on it */
} KnownProject;

static HTAB *
make_table(const char *name, Size key_size, Size entry_size, int flags)
{
	HASHCTL		control = {.keysize = key_size,.entrysize = entry_size,.hcxt = CurrentMemoryContext};

	return hash_create(name, 256, &control, HASH_ELEM | HASH_CONTEXT | flags);
}

/* Read the user's projects, by id, and with names given by name. */
static HTAB *
load_projects(int64 user_id, HTAB *names)
{
	HTAB	   *known = make_table("timetrackr import projects", sizeof(int64), sizeof(KnownProject), HASH_BLOBS);
	Datum		args[1] = {Int64GetDatum(user_id)};
	uint64		count = tt_query(&own_projects, args, NULL);

	for (uint64 i = 0; i < count; i++)
	{
		int64		id = tt_int64(i, 0);
		char	   *name = tt_text(i, 1);
		KnownProject *project = hash_search(known, &id, HASH_ENTER, NULL);
		NamedProject *named;
		bool		found;

		project->name = name;
		project->refusal = tt_text(i, 2);
		if (names == NULL || strlen(name) >= NAME_SIZE)
			continue;
		named = hash_search(names, name, HASH_ENTER, &found);
		if (!found)
		{
			named->id = id;
			named->new_project = -1;
		}
	}
	return known;
}

static int
add_new(NewProjects *made, const char *name)
{
	if (made->count == NEW_PROJECTS_MAX)
		tt_raise(422, "too_many_projects", "csv", NULL,
				 "the file names more than %d projects that do not exist yet", NEW_PROJECTS_MAX);
	if (made->count == made->capacity)
	{
		made->capacity = Max(16, made->capacity * 2);
		made->names = made->names == NULL
			? palloc(made->capacity * sizeof(char *))
			: repalloc(made->names, made->capacity * sizeof(char *));
	}
	made->names[made->count] = name;
	return made->count++;
}

static void
resolve(ImportLine *line, HTAB *known, HTAB *names, NewProjects *made)
{
	KnownProject *project = hash_search(known, &line->project_id, HASH_FIND, NULL);
	NamedProject *named;
	bool		found;

	if (project != NULL && strcmp(project->name, line->project) == 0)
		return;
	line->project_id = 0;
	if (pg_mbstrlen(line->project) > TT_PROJECT_NAME_MAX_CHARS)
	{
		tt_import_fault(line, "too_long", psprintf("the project's name has more than %d characters",
												   TT_PROJECT_NAME_MAX_CHARS));
		return;
	}
	named = hash_search(names, line->project, HASH_ENTER, &found);
	if (!found)
	{
		named->id = 0;
		named->new_project = add_new(made, line->project);
	}
	line->project_id = named->id;
	line->new_project = named->new_project;
}

void
tt_import_resolve(int64 user_id, int64 default_id, ImportLines *lines, NewProjects *made)
{
	HTAB	   *names = make_table("timetrackr import names", NAME_SIZE, sizeof(NamedProject), HASH_STRINGS);
	HTAB	   *known = load_projects(user_id, names);

	*made = (NewProjects) {NULL, 0, 0};
	for (int i = 0; i < lines->count; i++)
	{
		ImportLine *line = &lines->lines[i];

		if (line->outcome != IMPORT_NEW)
			continue;
		if (line->project != NULL)
			resolve(line, known, names, made);
		else if (default_id != 0)
			line->project_id = default_id;
		else
			tt_import_fault(line, "missing_field", "no project is named, and no project_id given for such lines");
	}
	hash_destroy(names);
	hash_destroy(known);
}

void
tt_import_refuse(int64 user_id, ImportLines *lines)
{
	HTAB	   *known = load_projects(user_id, NULL);

	for (int i = 0; i < lines->count; i++)
	{
		ImportLine *line = &lines->lines[i];
		KnownProject *project = hash_search(known, &line->project_id, HASH_FIND, NULL);

		if (line->outcome == IMPORT_NEW && project != NULL && project->refusal != NULL)
			tt_import_fault(line, project->refusal,
							strcmp(project->refusal, "project_archived") == 0
							? "the project is archived" : "viewers may not log time on the project");
	}
	hash_destroy(known);
}

void
tt_import_create(int64 user_id, ImportLines *lines, const NewProjects *made)
{
	int64	   *ids = palloc0(Max(made->count, 1) * sizeof(int64));
	Datum	   *names = palloc(Max(made->count, 1) * sizeof(Datum));
	int		   *places = palloc(Max(made->count, 1) * sizeof(int));
	int			count = 0;

	/* first those that some line needs are marked, then numbered */
	for (int i = 0; i < lines->count; i++)
	{
		if (lines->lines[i].outcome == IMPORT_NEW && lines->lines[i].new_project >= 0)
			ids[lines->lines[i].new_project] = 1;
	}
	for (int i = 0; i < made->count; i++)
	{
		if (ids[i] == 0)
			continue;
		places[count] = i;
		names[count++] = CStringGetTextDatum(made->names[i]);
	}
	if (count == 0)
		return;
	{
		Datum		args[2] = {Int64GetDatum(user_id),
		PointerGetDatum(construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT))};

		(void) tt_query(&create_projects, args, NULL);
	}
	for (int i = 0; i < count; i++)
		ids[places[i]] = tt_int64(i, 0);
	for (int i = 0; i < lines->count; i++)
	{
		if (lines->lines[i].new_project >= 0)
			lines->lines[i].project_id = ids[lines->lines[i].new_project];
	}
}
