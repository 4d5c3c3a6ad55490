/*
 * gzip.c - zlib with memory in proportion to what is compressed: for a page of
 * a list its default would clear a quarter of a megabyte each time.
 */
#include "gzip.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <zlib.h>

#define WINDOW_LEAST 10
#define WINDOW_MOST 15
#define GZIP_FORMAT 16			/* added to the window's bits: gzip, not zlib's own format */

/* Bits of a window that holds so many bytes. */
static int
window_bits(size_t length)
{
	int			bits = WINDOW_LEAST;

	while (bits < WINDOW_MOST && (size_t) 1 << bits < length)
		bits++;
	return bits;
}

char *
gzip_compress(const char *bytes, size_t length, enum gzip_effort effort, size_t *compressed_length)
{
	z_stream	stream = {0};
	int			bits = window_bits(length);
	char	   *out;
	bool		good;

	if (length > UINT_MAX)
		return NULL;
	out = malloc(length);
	if (out == NULL)
		return NULL;
	if (deflateInit2(&stream, effort == GZIP_KEPT ? Z_DEFAULT_COMPRESSION : Z_BEST_SPEED, Z_DEFLATED,
					 bits + GZIP_FORMAT, bits - 7, Z_DEFAULT_STRATEGY) != Z_OK)
	{
		free(out);
		return NULL;
	}
	stream.next_in = (z_const Bytef *) bytes;
	stream.avail_in = (uInt) length;
	stream.next_out = (Bytef *) out;
	stream.avail_out = (uInt) length;
	/* anything but the end of the stream means that the output is as long as the input */
	good = deflate(&stream, Z_FINISH) == Z_STREAM_END;
	*compressed_length = length - stream.avail_out;
	(void) deflateEnd(&stream);
	if (good)
		return out;
	free(out);
	return NULL;
}
