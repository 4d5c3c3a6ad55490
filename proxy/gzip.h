/*
 * gzip.h - compressing bodies; the only user of zlib.
 */
#ifndef TIMETRACKR_GZIP_H
#define TIMETRACKR_GZIP_H

#include <stddef.h>

/* Bodies of up to so many bytes are not worth it: they fit into a packet anyway. */
#define GZIP_LEAST 1024

/* How hard to try. */
enum gzip_effort
{
	GZIP_ONCE,					/* for one answer: fast */
	GZIP_KEPT					/* for many: small */
};

/*
 * Compress; the caller frees the result. NULL when memory is out or the result
 * would not be smaller.
 */
char	   *gzip_compress(const char *bytes, size_t length, enum gzip_effort effort, size_t *compressed_length);

#endif
