/*
 * badge_pictures.h - the pictures of the standard badges, at /media/badges/:
 * the paths that install() gives these badges.
 */
#ifndef TIMETRACKR_BADGE_PICTURES_H
#define TIMETRACKR_BADGE_PICTURES_H

#include "static.h"

/*
 * Add them from a folder; NULL: from where they are installed, or lie in the sources, next to
 * the program. Where there are none nothing is added. False with the reason in `why` when the folder cannot be taken.
 */
bool		badge_pictures_add(struct statics *statics, const char *folder, char *why, size_t why_size);

#endif
