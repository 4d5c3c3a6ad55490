/*
 * base64url.h - bytes as text that needs no escaping in a URL (RFC 4648 §5, unpadded).
 */
#ifndef TIMETRACKR_BASE64URL_H
#define TIMETRACKR_BASE64URL_H

#include <stddef.h>

#include "arena.h"

/* Encode into the arena; NULL when memory is out. */
char	   *base64url_encode(const char *bytes, size_t length, struct arena *arena);

/* Decode into `out`; the length, or -1 when it is not what base64url_encode() makes, or too long. */
int			base64url_decode(const char *text, char *out, size_t out_size);

#endif
