/*
 * fuzz.h - what the fuzz targets of the proxy share: cutting an input into
 * pieces, and claims about what came of it.
 */
#ifndef TIMETRACKR_FUZZ_H
#define TIMETRACKR_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What must hold; the sanitizers show where it did not. */
#define CLAIM(condition) do { if (!(condition)) abort(); } while (0)

/*
 * The bytes up to the next one of `separator`, or to the end, as a string, to be freed;
 * steps behind it. A NUL among them ends it early, as it would for C.
 */
static inline char *
fuzz_string(const uint8_t **data, size_t *size, int separator)
{
	const uint8_t *end = *size > 0 ? memchr(*data, separator, *size) : NULL;
	size_t		length = end != NULL ? (size_t) (end - *data) : *size;
	char	   *string = malloc(length + 1);

	CLAIM(string != NULL);
	if (length > 0)
		memcpy(string, *data, length);
	string[length] = '\0';
	length += end != NULL;
	*data += length;
	*size -= length;
	return string;
}

/* The rest, as exactly so many bytes without a NUL behind, to be freed. */
static inline char *
fuzz_bytes(const uint8_t *data, size_t size)
{
	char	   *bytes = malloc(size > 0 ? size : 1);

	CLAIM(bytes != NULL);
	if (size > 0)
		memcpy(bytes, data, size);
	return bytes;
}

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
