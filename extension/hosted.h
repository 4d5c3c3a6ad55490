/*
 * hosted.h: pictures that Cloudinary keeps: which public id whose picture has
 * there, and the address it is shown at. Signatures are the proxy's matter.
 */
#ifndef TT_HOSTED_H
#define TT_HOSTED_H

#include "timetrackr.h"

/* What Cloudinary says of a picture. */
typedef struct Hosted
{
	const char *cloud_name;
	const char *public_id;
	int64		version;		/* seconds since 1970: of each upload to a public id another one */
} Hosted;

/* The public id of a user's avatar: each upload takes the place of the one before. */
extern char *tt_hosted_avatar_id(int64 user_id);

/* The user whose avatar has this public id; 0: it is nobody's. */
extern int64 tt_hosted_avatar_user(const char *public_id);

/* A public id for a badge's picture that no other has; and is this one? */
extern char *tt_hosted_new_badge_id(void);
extern bool tt_hosted_is_badge_id(const char *public_id);

/*
 * Addresses for an avatar (256 x 256, the face in the middle) and for a badge's picture (within
 * 256 x 256), in the format that suits the browser. Raise TT422 invalid_cloud_name and invalid_version.
 */
extern char *tt_hosted_avatar_url(const Hosted *hosted);
extern char *tt_hosted_badge_url(const Hosted *hosted);

#endif
