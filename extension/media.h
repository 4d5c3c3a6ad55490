/*
 * media.h: pictures in the database. A row of media holds one, once for all
 * who show it: it is there as long as an avatar or a badge has its path,
 * /media/{id}. Its bytes never change, so that path may be kept for ever.
 */
#ifndef TT_MEDIA_H
#define TT_MEDIA_H

#include "timetrackr.h"

#include "access/htup.h"
#include "commands/trigger.h"

/* Most bytes of a picture. */
#define TT_MEDIA_MAX_BYTES (1024 * 1024)

/* Most pixels of width, and of height. */
#define TT_MEDIA_MAX_PIXELS 4096

/*
 * Keep a picture, given as bytea, unless it is there already; returns its path. It stays
 * locked until the transaction ends, so that nobody takes it for unused before somebody shows it.
 * media_type is what the client calls it, or NULL. Raises TT413 image_too_large, TT415
 * not_an_image and content_type_mismatch, TT422 broken_image and bad_dimensions.
 * Needs tt_spi_begin().
 */
extern const char *tt_media_keep(Datum bytes, const char *media_type);

/* Somebody has stopped showing this address (NULL: none): if it is a picture's path and nobody else shows it, the picture goes. */
extern void tt_media_drop(const char *url);

/*
 * BEFORE row trigger on media: check the bytes, and tell from them what else the row says.
 * Returns the row to store.
 */
extern HeapTuple tt_media_check(TriggerData *trigger);

/* AFTER row trigger on badges, of UPDATE and DELETE: the picture it had may be unused now. */
extern void tt_badge_image_changed(TriggerData *trigger);

#endif
