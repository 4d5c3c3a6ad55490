/*
 * badge_pictures.c - see badge_pictures.h.
 */
#include "badge_pictures.h"

#include "share.h"

#define PREFIX "/media/badges"

bool
badge_pictures_add(struct statics *statics, const char *folder, char *why, size_t why_size)
{
	char		found[PATH_MAX];

	if (folder == NULL && share_find("badges", "badges", found))
		folder = found;
	return folder == NULL || statics_add_folder(statics, PREFIX, folder, why, why_size);
}
