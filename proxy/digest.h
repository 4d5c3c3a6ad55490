/*
 * digest.h - hashes of bytes; the only user of libcrypto.
 */
#ifndef TIMETRACKR_DIGEST_H
#define TIMETRACKR_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a SHA-1 hash in base64, with the NUL. */
#define DIGEST_SHA1_BASE64 29

/* Write the SHA-1 hash in base64 (RFC 4648 §4). False when libcrypto refuses. */
bool		digest_sha1_base64(const void *bytes, size_t length, char out[DIGEST_SHA1_BASE64]);

#endif
