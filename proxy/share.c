/*
 * share.c - see share.h.
 */
#include "share.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The folder of the running program. */
static bool
find_program(char program[PATH_MAX])
{
	ssize_t		length = readlink("/proc/self/exe", program, PATH_MAX - 1);
	char	   *end;

	if (length < 0)
		return false;
	program[length] = '\0';
	end = strrchr(program, '/');
	if (end == NULL)
		return false;
	*end = '\0';
	return true;
}

bool
share_find(const char *name, const char *source, char folder[PATH_MAX])
{
	char		program[PATH_MAX];
	const struct
	{
		const char *parent;
		const char *name;
	}			places[] = {{"../share/timetrackr", name}, {"../web", source}};

	if (!find_program(program))
		return false;
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
	{
		int			written = snprintf(folder, PATH_MAX, "%s/%s/%s", program, places[i].parent, places[i].name);

		if (written < PATH_MAX && access(folder, R_OK | X_OK) == 0)
			return true;
	}
	return false;
}
