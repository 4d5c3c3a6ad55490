/*
 * hosted.c: public ids and addresses of pictures at Cloudinary (see hosted.h).
 */
#include "hosted.h"

#include "error.h"

#include "utils/fmgrprotos.h"
#include "utils/uuid.h"

#define AVATARS "timetrackr/avatars/"
#define BADGES "timetrackr/badges/"

/* What may be in the names of ours, and of a cloud. */
#define LOWER_AND_DIGITS "abcdefghijklmnopqrstuvwxyz0123456789"
#define CLOUD_NAME_CHARS LOWER_AND_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZ_-"
#define CLOUD_NAME_MAX 100

/* Digits of an id that is certainly a bigint. */
#define ID_DIGITS 18

#define AVATAR_FORM "c_fill,g_face,w_256,h_256,f_auto,q_auto"
#define BADGE_FORM "c_fit,w_256,h_256,f_auto,q_auto"

char *
tt_hosted_avatar_id(int64 user_id)
{
	return psprintf(AVATARS INT64_FORMAT, user_id);
}

int64
tt_hosted_avatar_user(const char *public_id)
{
	const char *digits = public_id + strlen(AVATARS);
	size_t		count;

	if (strncmp(public_id, AVATARS, strlen(AVATARS)) != 0)
		return 0;
	count = strspn(digits, "0123456789");
	if (count == 0 || count > ID_DIGITS || digits[count] != '\0' || digits[0] == '0')
		return 0;
	return strtoll(digits, NULL, 10);
}

char *
tt_hosted_new_badge_id(void)
{
	Datum		uuid = DirectFunctionCall1(gen_random_uuid, (Datum) 0);

	return psprintf(BADGES "%s", DatumGetCString(DirectFunctionCall1(uuid_out, uuid)));
}

bool
tt_hosted_is_badge_id(const char *public_id)
{
	const char *name = public_id + strlen(BADGES);

	return strncmp(public_id, BADGES, strlen(BADGES)) == 0 && strlen(name) == UUID_LEN * 2 + 4 &&
		strspn(name, LOWER_AND_DIGITS "-") == strlen(name);
}

static char *
url(const Hosted *hosted, const char *form)
{
	size_t		length = strlen(hosted->cloud_name);

	if (length == 0 || length > CLOUD_NAME_MAX || strspn(hosted->cloud_name, CLOUD_NAME_CHARS) != length)
		tt_raise(422, "invalid_cloud_name", "cloud_name", NULL, "this is no name of a cloud");
	if (hosted->version <= 0)
		tt_raise(422, "invalid_version", "version", NULL, "version is the number that Cloudinary gave");
	return psprintf("https://res.cloudinary.com/%s/image/upload/%s/v" INT64_FORMAT "/%s",
					hosted->cloud_name, form, hosted->version, hosted->public_id);
}

char *
tt_hosted_avatar_url(const Hosted *hosted)
{
	return url(hosted, AVATAR_FORM);
}

char *
tt_hosted_badge_url(const Hosted *hosted)
{
	return url(hosted, BADGE_FORM);
}
