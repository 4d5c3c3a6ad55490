/*
 * image.h: what a picture is, told from its first bytes alone: PNG, JPEG, GIF
 * or WebP, and how wide and high. Nothing is decoded, and nothing allocated.
 */
#ifndef TT_IMAGE_H
#define TT_IMAGE_H

#include "timetrackr.h"

typedef enum ImageType
{
	IMAGE_NONE,					/* none of these */
	IMAGE_PNG,
	IMAGE_JPEG,
	IMAGE_GIF,
	IMAGE_WEBP
} ImageType;

typedef struct Image
{
	ImageType	type;
	int			width;			/* pixels, from 1 */
	int			height;
} Image;

/* Which of the four types do the bytes claim to be? */
extern ImageType tt_image_type(const uint8 *bytes, size_t length);

/*
 * Read type, width and height. False when the bytes are none of the four types
 * (type is IMAGE_NONE then), or their header is cut off or malformed, or says what no browser shows.
 */
extern bool tt_image_read(const uint8 *bytes, size_t length, Image *image);

/* "image/png" and so on. */
extern const char *tt_image_media_type(ImageType type);

#endif
