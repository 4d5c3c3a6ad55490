/*
 * api_docs.c - finds the page at /api-docs (see api_docs.h).
 */
#include "api_docs.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "/api-docs"

static const char missing[] =
	"This API is described at /openapi.json.\n"
	"\n"
	"The page that shows it has not been built: with npm installed, run `make api-docs`\n"
	"(or `make up`), and start the proxy again. API_DOCS_ROOT tells it where else to look.\n";

/* Find the folder next to the program: installed, then in the sources. False: there is none. */
static bool
find_folder(char folder[PATH_MAX])
{
	static const char *const places[] = {"../share/timetrackr/api-docs", "../web/api-docs/dist"};
	char		program[PATH_MAX];
	ssize_t		length = readlink("/proc/self/exe", program, sizeof program - 1);
	char	   *end;

	if (length < 0)
		return false;
	program[length] = '\0';
	end = strrchr(program, '/');
	if (end == NULL)
		return false;
	*end = '\0';
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
	{
		int			written = snprintf(folder, PATH_MAX, "%s/%s", program, places[i]);

		if (written < PATH_MAX && access(folder, R_OK | X_OK) == 0)
			return true;
	}
	return false;
}

struct statics *
api_docs_load(const char *folder, char *why, size_t why_size)
{
	struct statics *statics = statics_create();
	char		found[PATH_MAX];
	bool		good;

	snprintf(why, why_size, "out of memory");
	if (statics == NULL)
		return NULL;
	if (folder == NULL && find_folder(found))
		folder = found;
	good = folder == NULL || statics_add_folder(statics, PREFIX, folder, why, why_size);
	if (good && statics_find(statics, PREFIX, strlen(PREFIX)) == NULL)
		good = statics_add_text(statics, PREFIX, missing);
	if (good)
		return statics;
	statics_free(statics);
	return NULL;
}
