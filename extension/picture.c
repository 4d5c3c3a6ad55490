/*
 * picture.c: set_avatar(), remove_avatar(), set_badge_image(), sign_upload()
 * and note_upload(): who may show which picture. Pictures are kept by media.c,
 * or by Cloudinary (hosted.c); whether it was Cloudinary that spoke is for the proxy to check.
 */
#include "account.h"
#include "arguments.h"
#include "error.h"
#include "hosted.h"
#include "media.h"
#include "spi.h"

#include "catalog/pg_type_d.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(tt_set_avatar);
PG_FUNCTION_INFO_V1(tt_remove_avatar);
PG_FUNCTION_INFO_V1(tt_set_badge_image);
PG_FUNCTION_INFO_V1(tt_sign_upload);
PG_FUNCTION_INFO_V1(tt_note_upload);

/* Whoever changes his picture twice at once does so one after the other. */
static TtQuery lock_user = {
	"SELECT FROM timetrackr.users WHERE id = $1 FOR NO KEY UPDATE",
	1, {INT8OID}, TT_EVERY_COPY
};

/* avatar_version only grows: it tells uploads that were noted from those that are to come. */
static TtQuery set_avatar = {
	"UPDATE timetrackr.users SET avatar = $2, avatar_version = GREATEST(avatar_version, $3) WHERE id = $1",
	3, {INT8OID, TEXTOID, INT8OID}, TT_EVERY_COPY
};

static TtQuery note_avatar = {
	"UPDATE timetrackr.users SET avatar = $2, avatar_version = $3"
	" WHERE id = $1 AND (avatar_version IS NULL OR avatar_version < $3)",
	3, {INT8OID, TEXTOID, INT8OID}, TT_EVERY_COPY
};

static TtQuery lock_badge = {
	"SELECT FROM timetrackr.badges WHERE id = $1 FOR NO KEY UPDATE",
	1, {INT8OID}, TT_EVERY_COPY
};

static TtQuery set_badge_image = {
	"UPDATE timetrackr.badges SET image_url = $2 WHERE id = $1",
	2, {INT8OID, TEXTOID}, TT_EVERY_COPY
};

/*
 * Null unless it tells of a picture that was uploaded, with a number for a version. With TT_COPIES it is planned before
 * there is a value: else what is no number would be found out before it is asked.
 */
static TtQuery read_notification = {
	"SELECT $1 ->> 'public_id', ($1 ->> 'version')::bigint"
	" WHERE $1 ->> 'notification_type' = 'upload' AND COALESCE($1 ->> 'resource_type', 'image') = 'image'"
	" AND $1 ->> 'version' ~ '^[1-9][0-9]{0,17}$' AND $1 ->> 'public_id' IS NOT NULL",
	1, {JSONBOID}, TT_COPIES
};

/*
 * The picture that a call gives: as bytes, or kept at Cloudinary. The arguments from `first`
 * on are image, content_type, public_id, version, signature, cloud_name.
 */
typedef struct Given
{
	bool		has_image;
	Datum		image;
	const char *content_type;	/* NULL: not said */
	Hosted		hosted;			/* without an image */
} Given;

static char *
text_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : TextDatumGetCString(PG_GETARG_DATUM(n));
}

static Given
read_given(FunctionCallInfo fcinfo, int first)
{
	Given		given = {.has_image = !PG_ARGISNULL(first)};

	if (given.has_image)
	{
		given.image = PG_GETARG_DATUM(first);
		given.content_type = text_argument(fcinfo, first + 1);
		return given;
	}
	if (PG_ARGISNULL(first + 2) && PG_ARGISNULL(first + 3))
		tt_raise(422, "missing_field", "image", NULL, "a picture must be given");
	given.hosted.public_id = tt_required_secret(fcinfo, first + 2, "public_id");
	given.hosted.version = tt_required_int64(fcinfo, first + 3, "version");
	given.hosted.cloud_name = tt_required_secret(fcinfo, first + 5, "cloud_name");
	return given;
}

static _Noreturn void
foreign_upload(void)
{
	tt_raise(403, "foreign_upload", "public_id", NULL, "this picture was not uploaded for that");
	pg_unreachable();
}

/* set_avatar(viewer_id, image, content_type, public_id, version, signature, cloud_name) */
Datum
tt_set_avatar(PG_FUNCTION_ARGS)
{
	int64		viewer_id = tt_viewer(fcinfo);
	Given		given = read_given(fcinfo, 1);
	MemoryContext caller = CurrentMemoryContext;
	Datum		args[3] = {Int64GetDatum(viewer_id)};
	bool		nulls[3] = {false, false, given.has_image};
	const char *url;
	Datum		result;

	tt_spi_begin();
	if (tt_query(&lock_user, args, NULL) == 0)
		tt_no_viewer();
	if (given.has_image)
		url = tt_media_keep(given.image, given.content_type);
	else if (strcmp(given.hosted.public_id, tt_hosted_avatar_id(viewer_id)) != 0)
		foreign_upload();
	else
		url = tt_hosted_avatar_url(&given.hosted);
	args[1] = CStringGetTextDatum(url);
	args[2] = Int64GetDatum(given.hosted.version);
	(void) tt_query(&set_avatar, args, nulls);
	MemoryContextSwitchTo(caller);
	result = CStringGetTextDatum(url);
	tt_spi_end();
	PG_RETURN_DATUM(result);
}

/* remove_avatar(viewer_id) */
Datum
tt_remove_avatar(PG_FUNCTION_ARGS)
{
	Datum		args[3] = {Int64GetDatum(tt_viewer(fcinfo))};
	bool		nulls[3] = {false, true, true};

	tt_spi_begin();
	if (tt_query(&set_avatar, args, nulls) == 0)
		tt_no_viewer();
	tt_spi_end();
	PG_RETURN_VOID();
}

/* set_badge_image(viewer_id, badge_id, image, content_type, public_id, version, signature, cloud_name) */
Datum
tt_set_badge_image(PG_FUNCTION_ARGS)
{
	int64		viewer_id = tt_viewer(fcinfo);
	Datum		args[2] = {Int64GetDatum(tt_required_int64(fcinfo, 1, "badge_id"))};
	MemoryContext caller = CurrentMemoryContext;
	Given		given;
	const char *url;
	Datum		result;

	tt_spi_begin();
	tt_require_admin(viewer_id);
	if (tt_query(&lock_badge, args, NULL) == 0)
		tt_raise(404, "badge_not_found", NULL, NULL, "there is no badge " INT64_FORMAT, DatumGetInt64(args[0]));
	given = read_given(fcinfo, 2);
	if (given.has_image)
		url = tt_media_keep(given.image, given.content_type);
	else if (!tt_hosted_is_badge_id(given.hosted.public_id))
		foreign_upload();
	else
		url = tt_hosted_badge_url(&given.hosted);
	args[1] = CStringGetTextDatum(url);
	(void) tt_query(&set_badge_image, args, NULL);
	MemoryContextSwitchTo(caller);
	result = CStringGetTextDatum(url);
	tt_spi_end();
	PG_RETURN_DATUM(result);
}

/* sign_upload(viewer_id, purpose): which public id the viewer may upload to. */
Datum
tt_sign_upload(PG_FUNCTION_ARGS)
{
	int64		viewer_id = tt_viewer(fcinfo);
	char	   *purpose = tt_required_enum(fcinfo, 1, "purpose");
	bool		is_badge = strcmp(purpose, "badge") == 0;

	tt_spi_begin();
	if (is_badge)
		tt_require_admin(viewer_id);
	else
		tt_require_viewer(viewer_id);
	tt_spi_end();
	PG_RETURN_TEXT_P(cstring_to_text(is_badge ? tt_hosted_new_badge_id() : tt_hosted_avatar_id(viewer_id)));
}

/*
 * note_upload(notification, cloud_name): anything but a newer avatar of somebody who is there is
 * no error, and changes nothing: Cloudinary tells of all there is, and some things twice.
 */
Datum
tt_note_upload(PG_FUNCTION_ARGS)
{
	Datum		notification = PG_GETARG_DATUM(0);
	Hosted		hosted = {.cloud_name = TextDatumGetCString(PG_GETARG_DATUM(1))};
	Datum		args[3];

	tt_spi_begin();
	if (tt_query(&read_notification, &notification, NULL) == 1)
	{
		hosted.public_id = tt_text(0, 0);
		hosted.version = tt_int64(0, 1);
		args[0] = Int64GetDatum(tt_hosted_avatar_user(hosted.public_id));
		if (DatumGetInt64(args[0]) != 0)
		{
			args[1] = CStringGetTextDatum(tt_hosted_avatar_url(&hosted));
			args[2] = Int64GetDatum(hosted.version);
			(void) tt_query(&note_avatar, args, NULL);
		}
	}
	tt_spi_end();
	PG_RETURN_VOID();
}
