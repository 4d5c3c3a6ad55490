/*
 * env.c - reads a file of NAME=value lines.
 *
 * Blank lines and lines starting with # are skipped; `export` before a name and
 * a pair of quotes around a value are taken off. Nothing is expanded.
 */
#include "env.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (256 * 1024)
#define LINES_MAX 1024

struct env
{
	char	   *text;
	size_t		length;
	const char *names[LINES_MAX];
	const char *values[LINES_MAX];
	size_t		count;
};

/* Read the whole file; returns false with errno set. A missing file is an empty one. */
static bool
read_all(struct env *env, const char *path)
{
	FILE	   *file = fopen(path, "re");
	bool		good;

	env->text = calloc(1, FILE_MAX + 1);
	if (env->text == NULL || (file == NULL && errno != ENOENT))
	{
		if (file != NULL)
			fclose(file);
		return false;
	}
	if (file == NULL)
		return true;
	env->length = fread(env->text, 1, FILE_MAX, file);
	good = !ferror(file);
	if (good && env->length == FILE_MAX)
	{
		errno = EFBIG;
		good = false;
	}
	fclose(file);
	return good;
}

/* Take leading and trailing blanks off, in place. */
static char *
trim(char *text)
{
	size_t		length;

	while (isspace((unsigned char) *text))
		text++;
	length = strlen(text);
	while (length > 0 && isspace((unsigned char) text[length - 1]))
		text[--length] = '\0';
	return text;
}

static char *
unquote(char *value)
{
	size_t		length = strlen(value);

	if (length < 2 || (value[0] != '"' && value[0] != '\'') || value[length - 1] != value[0])
		return value;
	value[length - 1] = '\0';
	return value + 1;
}

/* Note one line; false when it is not NAME=value. */
static bool
add_line(struct env *env, char *line)
{
	char	   *equals;

	line = trim(line);
	if (*line == '\0' || *line == '#')
		return true;
	if (strncmp(line, "export ", 7) == 0)
		line = trim(line + 7);
	equals = strchr(line, '=');
	if (equals == NULL || equals == line || env->count == LINES_MAX)
		return false;
	*equals = '\0';
	env->names[env->count] = trim(line);
	env->values[env->count] = unquote(trim(equals + 1));
	env->count++;
	return true;
}

struct env *
env_read(const char *path, char *why, size_t why_size)
{
	struct env *env = calloc(1, sizeof *env);
	int			number = 1;

	if (env == NULL || !read_all(env, path))
	{
		snprintf(why, why_size, "%s: %s", path, strerror(errno));
		env_free(env);
		return NULL;
	}
	for (char *line = env->text; line != NULL; number++)
	{
		char	   *end = strchr(line, '\n');

		if (end != NULL)
			*end = '\0';
		if (!add_line(env, line))
		{
			snprintf(why, why_size, "%s: line %d is not NAME=value", path, number);
			env_free(env);
			return NULL;
		}
		line = end != NULL ? end + 1 : NULL;
	}
	return env;
}

const char *
env_get(const struct env *env, const char *name)
{
	const char *value = getenv(name);

	for (size_t i = env->count; value == NULL && i > 0; i--)
		if (strcmp(env->names[i - 1], name) == 0)
			value = env->values[i - 1];
	return value;
}

void
env_free(struct env *env)
{
	if (env == NULL)
		return;
	if (env->text != NULL)
		explicit_bzero(env->text, env->length);
	free(env->text);
	free(env);
}
