/*
 * cloudinary.h - what is signed for Cloudinary, and what Cloudinary has signed:
 * its upload API, its answers, its notifications. Nothing is sent from here. The secret goes into
 * hashes and nowhere else.
 */
#ifndef TIMETRACKR_CLOUDINARY_H
#define TIMETRACKR_CLOUDINARY_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "digest.h"
#include "text.h"

/* An account there, from the settings. */
struct cloudinary
{
	char	   *cloud_name;		/* NULL: none is set */
	char	   *api_key;		/* set when cloud_name is, as is the secret */
	char	   *api_secret;
	char	   *notification_url;	/* where it tells of uploads; NULL: as its console says */
	enum digest_hash hash;		/* of what is signed for it */
};

/*
 * Add a JSON object: what a browser sends with a picture to upload it as `public_id`, which
 * has no character that JSON or a signature would escape, and where to. False when libcrypto refuses.
 */
bool		cloudinary_add_upload(struct text *json, const struct cloudinary *cloudinary,
								  const char *public_id, time_t now);

/* Has Cloudinary answered to an upload with these, version in decimal? */
bool		cloudinary_answered(const struct cloudinary *cloudinary, const char *public_id,
								const char *version, const char *signature);

/* Has it sent this body, no longer than two hours ago? `timestamp` and `signature` are headers, NULL: absent. */
bool		cloudinary_notified(const struct cloudinary *cloudinary, const char *body, size_t length,
								const char *timestamp, const char *signature, time_t now);

#endif
