/*
 * env.h - settings of a file of NAME=value lines, with the environment on top.
 */
#ifndef TIMETRACKR_ENV_H
#define TIMETRACKR_ENV_H

#include <stdbool.h>
#include <stddef.h>

struct env;

/*
 * Read the file; one that does not exist counts as empty. NULL with one line
 * in `why` when it cannot be read or a line is not NAME=value.
 */
struct env *env_read(const char *path, char *why, size_t why_size);

/* The value from the environment, else from the file, else NULL. */
const char *env_get(const struct env *env, const char *name);

/* Free it; the file's text is wiped, since it may hold secrets. */
void		env_free(struct env *env);

#endif
