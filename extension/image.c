/*
 * image.c: reads the headers of pictures (see image.h). Each reader is given
 * bytes that begin with its type's signature, and looks at none behind their end.
 */
#include "image.h"

/* Bytes up to the end of a PNG's IHDR chunk, its checksum included. */
#define PNG_HEADER 33

/* Bytes of a GIF's header and logical screen. */
#define GIF_HEADER 13

/* Bytes in front of the data of a WebP's first chunk. */
#define WEBP_HEADER 20

static uint32
big_endian(const uint8 *bytes, int count)
{
	uint32		number = 0;

	for (int i = 0; i < count; i++)
		number = number << 8 | bytes[i];
	return number;
}

static uint32
little_endian(const uint8 *bytes, int count)
{
	uint32		number = 0;

	for (int i = count; i > 0; i--)
		number = number << 8 | bytes[i - 1];
	return number;
}

/* Note width and height; false when there is none of one, or more than any format's maximum of use. */
static bool
measure(Image *image, uint32 width, uint32 height)
{
	if (width == 0 || height == 0 || width > PG_INT32_MAX || height > PG_INT32_MAX)
		return false;
	image->width = (int) width;
	image->height = (int) height;
	return true;
}

/* ---- PNG ---- */

/* Does this bit depth go with the colour type (PNG 11.2.1)? */
static bool
is_png_depth(uint8 depth, uint8 colour)
{
	bool		is_power = depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;

	switch (colour)
	{
		case 0:
			return is_power;
		case 3:
			return is_power && depth <= 8;
		case 2:
		case 4:
		case 6:
			return depth == 8 || depth == 16;
		default:
			return false;
	}
}

static bool
read_png(const uint8 *bytes, size_t length, Image *image)
{
	static const uint8 chunk[8] = {0, 0, 0, 13, 'I', 'H', 'D', 'R'};

	if (length < PNG_HEADER || memcmp(bytes + 8, chunk, sizeof chunk) != 0)
		return false;
	/* one method each of compression and filter; interlaced or not */
	if (!is_png_depth(bytes[24], bytes[25]) || bytes[26] != 0 || bytes[27] != 0 || bytes[28] > 1)
		return false;
	return measure(image, big_endian(bytes + 16, 4), big_endian(bytes + 20, 4));
}

/* ---- JPEG ---- */

/* A frame: its length was found to fit. Without a height it would be told at the end of the scan. */
static bool
read_jpeg_frame(const uint8 *segment, size_t length, Image *image)
{
	if (length < 8 || length != (size_t) 8 + 3 * segment[7])
		return false;
	if ((segment[2] != 8 && segment[2] != 12) || segment[7] < 1 || segment[7] > 4)
		return false;
	return measure(image, big_endian(segment + 5, 2), big_endian(segment + 3, 2));
}

/* Step from segment to segment until the frame: baseline, extended or progressive, as browsers show them. */
static bool
read_jpeg(const uint8 *bytes, size_t length, Image *image)
{
	size_t		at = 2;

	while (length - at >= 4 && bytes[at] == 0xFF)
	{
		uint8		marker = bytes[at + 1];
		size_t		size;

		if (marker == 0xFF)
		{
			at++;				/* any number of them may fill up */
			continue;
		}
		size = big_endian(bytes + at + 2, 2);
		/* markers without a segment, and what begins or ends a picture, are out of place here */
		if (marker < 0xC0 || (marker >= 0xD0 && marker <= 0xDA) || size < 2 || size > length - at - 2)
			return false;
		if (marker >= 0xC0 && marker <= 0xC2)
			return read_jpeg_frame(bytes + at + 2, size, image);
		at += 2 + size;
	}
	return false;
}

/* ---- GIF ---- */

/* The logical screen, and behind it and its colours something of a picture. */
static bool
read_gif(const uint8 *bytes, size_t length, Image *image)
{
	size_t		colours;

	if (length < GIF_HEADER)
		return false;
	colours = bytes[10] & 0x80 ? (size_t) 3 << ((bytes[10] & 7) + 1) : 0;
	if (length <= GIF_HEADER + colours)
		return false;
	/* an image, or an extension in front of one */
	if (bytes[GIF_HEADER + colours] != 0x2C && bytes[GIF_HEADER + colours] != 0x21)
		return false;
	return measure(image, little_endian(bytes + 6, 2), little_endian(bytes + 8, 2));
}

/* ---- WebP ---- */

/* RFC 6386 9.1: the tag of a key frame, the start code, and 14 bits each; two more are for scaling. */
static bool
read_webp_lossy(const uint8 *data, size_t size, Image *image)
{
	static const uint8 start[3] = {0x9D, 0x01, 0x2A};

	if (size < 10 || (data[0] & 1) != 0 || memcmp(data + 3, start, sizeof start) != 0)
		return false;
	return measure(image, little_endian(data + 6, 2) & 0x3FFF, little_endian(data + 8, 2) & 0x3FFF);
}

/* A signature, 14 bits each less one, whether there is alpha, and version 0. */
static bool
read_webp_lossless(const uint8 *data, size_t size, Image *image)
{
	uint32		bits;

	if (size < 5 || data[0] != 0x2F)
		return false;
	bits = little_endian(data + 1, 4);
	return bits >> 29 == 0 && measure(image, (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1);
}

/* Flags, and 24 bits each of the canvas less one. */
static bool
read_webp_extended(const uint8 *data, size_t size, Image *image)
{
	return size >= 10 && measure(image, little_endian(data + 4, 3) + 1, little_endian(data + 7, 3) + 1);
}

/* The first chunk tells the size; it and the whole file must be there. */
static bool
read_webp(const uint8 *bytes, size_t length, Image *image)
{
	const uint8 *data = bytes + WEBP_HEADER;
	size_t		size;

	if (length < WEBP_HEADER || little_endian(bytes + 4, 4) > length - 8)
		return false;
	size = little_endian(bytes + 16, 4);
	if (size > length - WEBP_HEADER)
		return false;
	if (memcmp(bytes + 12, "VP8 ", 4) == 0)
		return read_webp_lossy(data, size, image);
	if (memcmp(bytes + 12, "VP8L", 4) == 0)
		return read_webp_lossless(data, size, image);
	return memcmp(bytes + 12, "VP8X", 4) == 0 && read_webp_extended(data, size, image);
}

/* ---- any ---- */

ImageType
tt_image_type(const uint8 *bytes, size_t length)
{
	if (length >= 8 && memcmp(bytes, "\x89PNG\r\n\x1A\n", 8) == 0)
		return IMAGE_PNG;
	if (length >= 3 && memcmp(bytes, "\xFF\xD8\xFF", 3) == 0)
		return IMAGE_JPEG;
	if (length >= 6 && (memcmp(bytes, "GIF87a", 6) == 0 || memcmp(bytes, "GIF89a", 6) == 0))
		return IMAGE_GIF;
	if (length >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0)
		return IMAGE_WEBP;
	return IMAGE_NONE;
}

bool
tt_image_read(const uint8 *bytes, size_t length, Image *image)
{
	*image = (Image) {.type = tt_image_type(bytes, length)};
	switch (image->type)
	{
		case IMAGE_PNG:
			return read_png(bytes, length, image);
		case IMAGE_JPEG:
			return read_jpeg(bytes, length, image);
		case IMAGE_GIF:
			return read_gif(bytes, length, image);
		case IMAGE_WEBP:
			return read_webp(bytes, length, image);
		default:
			return false;
	}
}

const char *
tt_image_media_type(ImageType type)
{
	static const char *const names[] = {
		[IMAGE_NONE] = "",
		[IMAGE_PNG] = "image/png",
		[IMAGE_JPEG] = "image/jpeg",
		[IMAGE_GIF] = "image/gif",
		[IMAGE_WEBP] = "image/webp",
	};

	return names[type];
}
