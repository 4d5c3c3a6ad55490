/*
 * media.c: keeps pictures, and lets go of those that nobody shows (see
 * media.h). Who may show which is picture.c's matter.
 */
#include "media.h"

#include "error.h"
#include "image.h"
#include "row.h"
#include "spi.h"

#include "access/htup_details.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(tt_remove_unused_media);

#define PATH "/media/"

/* Digits of an id that is certainly a bigint. */
#define ID_DIGITS 18

/* Setting the digest to what it is locks the row that is there already. The trigger fills in what is not given. */
static TtQuery keep_media = {
	"INSERT INTO timetrackr.media (bytes) VALUES ($1)"
	" ON CONFLICT (sha256) DO UPDATE SET sha256 = EXCLUDED.sha256"
	" RETURNING id",
	1, {BYTEAOID}, TT_EVERY_COPY
};

static TtQuery lock_media = {
	"SELECT FROM timetrackr.media WHERE id = $1 FOR UPDATE",
	1, {INT8OID}, TT_COPIES
};

#define IS_UNUSED(path) \
	" NOT EXISTS (SELECT FROM timetrackr.users u WHERE u.avatar = " path " AND u.avatar LIKE '/media/%')" \
	" AND NOT EXISTS (SELECT FROM timetrackr.badges b WHERE b.image_url = " path ")"

/* A statement of its own, so that it sees who has begun to show the picture before it was locked. */
static TtQuery delete_unused = {
	"DELETE FROM timetrackr.media WHERE id = $1 AND" IS_UNUSED("$2"),
	2, {INT8OID, TEXTOID}, TT_COPIES
};

static TtQuery unused_media = {
	"SELECT '/media/' || m.id FROM timetrackr.media m WHERE" IS_UNUSED("'/media/' || m.id") " ORDER BY m.id",
	0, {0}
};

/* What the bytes are; raises when they are no picture to be shown. */
static Image
require_image(const uint8 *bytes, size_t length)
{
	Image		image;

	if (length > TT_MEDIA_MAX_BYTES)
		tt_raise(413, "image_too_large", "image", NULL, "a picture has at most %d bytes", TT_MEDIA_MAX_BYTES);
	if (!tt_image_read(bytes, length, &image))
	{
		if (image.type == IMAGE_NONE)
			tt_raise(415, "not_an_image", "image", NULL, "a picture is PNG, JPEG, GIF or WebP");
		tt_raise(422, "broken_image", "image", NULL, "the header of the picture is cut off or malformed");
	}
	if (image.width > TT_MEDIA_MAX_PIXELS || image.height > TT_MEDIA_MAX_PIXELS)
		tt_raise(422, "bad_dimensions", "image",
				 psprintf("{\"width\": %d, \"height\": %d}", image.width, image.height),
				 "a picture is at most %d pixels wide and high", TT_MEDIA_MAX_PIXELS);
	return image;
}

static Image
require_bytea(Datum bytes)
{
	bytea	   *packed = DatumGetByteaPP(bytes);

	return require_image((const uint8 *) VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed));
}

const char *
tt_media_keep(Datum bytes, const char *media_type)
{
	/* nothing that is too long, or compressed, is unpacked more than once */
	Datum		unpacked = PointerGetDatum(DatumGetByteaPP(bytes));
	Image		image = require_bytea(unpacked);

	if (media_type != NULL && strcmp(media_type, tt_image_media_type(image.type)) != 0)
		tt_raise(415, "content_type_mismatch", "image", NULL,
				 "the picture is %s, not what its type says", tt_image_media_type(image.type));
	if (tt_query(&keep_media, &unpacked, NULL) != 1)
		elog(ERROR, "timetrackr: a picture was not kept");
	return psprintf(PATH INT64_FORMAT, tt_int64(0, 0));
}

/* The id in a picture's path; 0 when it is none. */
static int64
id_of(const char *url)
{
	size_t		digits;

	if (url == NULL || strncmp(url, PATH, strlen(PATH)) != 0)
		return 0;
	url += strlen(PATH);
	digits = strspn(url, "0123456789");
	if (digits == 0 || digits > ID_DIGITS || url[digits] != '\0' || url[0] == '0')
		return 0;
	return strtoll(url, NULL, 10);
}

/* Delete the picture at this path if nobody shows it; how many were. */
static uint64
delete_if_unused(const char *path)
{
	Datum		args[] = {Int64GetDatum(id_of(path)), CStringGetTextDatum(path)};

	/* whoever is about to show it has it locked */
	if (tt_query(&lock_media, args, NULL) == 0)
		return 0;
	return tt_query(&delete_unused, args, NULL);
}

void
tt_media_drop(const char *url)
{
	if (id_of(url) != 0)
		(void) delete_if_unused(url);
}

HeapTuple
tt_media_check(TriggerData *trigger)
{
	static const char *const names[] = {"content_type", "sha256", "width", "height"};
	HeapTuple	row = tt_row_subject(trigger);
	TupleDesc	columns = RelationGetDescr(trigger->tg_relation);
	bool		isnull;
	Datum		bytes = heap_getattr(row, tt_row_column(columns, "bytes"), columns, &isnull);
	int			numbers[lengthof(names)];
	Datum		values[lengthof(names)];
	bool		nulls[lengthof(names)] = {false};
	Image		image;

	if (isnull)
		return row;				/* NOT NULL says it better */
	bytes = PointerGetDatum(DatumGetByteaPP(bytes));
	image = require_bytea(bytes);
	for (int i = 0; i < lengthof(names); i++)
		numbers[i] = tt_row_column(columns, names[i]);
	values[0] = CStringGetTextDatum(tt_image_media_type(image.type));
	values[1] = DirectFunctionCall1(sha256_bytea, bytes);
	values[2] = Int32GetDatum(image.width);
	values[3] = Int32GetDatum(image.height);
	return heap_modify_tuple_by_cols(row, columns, lengthof(names), numbers, values, nulls);
}

void
tt_badge_image_changed(TriggerData *trigger)
{
	TupleDesc	columns = RelationGetDescr(trigger->tg_relation);

	if (!TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) || tt_row_changed(trigger, "image_url"))
		tt_media_drop(tt_row_text(trigger->tg_trigtuple, columns, "image_url"));
}

/* remove_unused_media(): for rows that no trigger has seen go out of use. */
Datum
tt_remove_unused_media(PG_FUNCTION_ARGS)
{
	uint64		removed = 0;
	uint64		rows;
	char	  **paths;

	tt_spi_begin();
	rows = tt_query(&unused_media, NULL, NULL);
	paths = palloc_extended(Max(rows, 1) * sizeof(char *), MCXT_ALLOC_HUGE);
	for (uint64 row = 0; row < rows; row++)
		paths[row] = tt_text(row, 0);
	for (uint64 row = 0; row < rows; row++)
	{
		CHECK_FOR_INTERRUPTS();
		removed += delete_if_unused(paths[row]);
	}
	tt_spi_end();
	PG_RETURN_INT64((int64) removed);
}
