/*
 * share.h - folders that belong to the program: where they are installed, and
 * where they lie in the sources.
 */
#ifndef TIMETRACKR_SHARE_H
#define TIMETRACKR_SHARE_H

#include <limits.h>
#include <stdbool.h>

/*
 * Find a folder next to the program: ../share/timetrackr/NAME, else ../web/SOURCE. False: neither is there.
 */
bool		share_find(const char *name, const char *source, char folder[PATH_MAX]);

#endif
