/*
 * image.h - the types of pictures that come in and go out, and how long a
 * picture may be. What a picture really is, is told from its bytes, in SQL.
 */
#ifndef TIMETRACKR_IMAGE_H
#define TIMETRACKR_IMAGE_H

#include <stddef.h>

/* Most bytes of a picture, whatever other bodies may have. */
#define IMAGE_MAX_BYTES ((size_t) 1024 * 1024)

#define IMAGE_TYPE_COUNT 4

/* All of them: "image/png" … */
extern const char *const image_types[IMAGE_TYPE_COUNT];

/* The one that a Content-Type names, in whatever case; NULL: none, or it has parameters. */
const char *image_type(const char *content_type);

#endif
