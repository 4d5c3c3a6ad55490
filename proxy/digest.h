/*
 * digest.h - hashes of bytes, and signatures checked with public keys; the only user of libcrypto.
 */
#ifndef TIMETRACKR_DIGEST_H
#define TIMETRACKR_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

/* Which hash. */
enum digest_hash
{
	DIGEST_SHA1,
	DIGEST_SHA256
};

/* Digits of a SHA-256 hash in hexadecimal; bytes of any hash's, with the NUL. */
#define DIGEST_SHA256_HEX 64
#define DIGEST_HEX (DIGEST_SHA256_HEX + 1)

/* A part of what is hashed. */
struct digest_piece
{
	const char *bytes;
	size_t		length;
};

/* Bytes of a SHA-1 hash in base64, with the NUL. */
#define DIGEST_SHA1_BASE64 29

/* Most keys of a set. */
#define DIGEST_KEYS_MAX 8

/* Write the SHA-1 hash in base64 (RFC 4648 §4). False when libcrypto refuses. */
bool		digest_sha1_base64(const void *bytes, size_t length, char out[DIGEST_SHA1_BASE64]);

/* Write the hash of all pieces together, in lower case. False when libcrypto refuses. */
bool		digest_hex(enum digest_hash hash, const struct digest_piece *pieces, size_t count,
					   char out[DIGEST_HEX]);

/* Are the bytes the same? How long that takes does not tell where they differ. */
bool		digest_equal(const char *a, const char *b, size_t length);

/* Public keys that sign alike tokens; read-only, so that all threads may hold one set. */
struct digest_keys;

/*
 * Read one or more keys from a PEM file: "PUBLIC KEY" of RSA, 2048 to 8192 bits, or of the
 * curve P-256. NULL with the reason in `why`. Nothing else may stand in the file, least of all a private key.
 */
struct digest_keys *digest_keys_read(const char *path, char *why, size_t why_size);

/* Whoever holds a set releases it; the last one frees it. NULL is fine for both. */
struct digest_keys *digest_keys_hold(struct digest_keys *keys);
void		digest_keys_release(struct digest_keys *keys);

/*
 * Did one of the keys make this signature of the bytes? `algorithm` is "RS256" or
 * "ES256" (RFC 7518 3.3, 3.4), and only keys of that kind are asked.
 */
bool		digest_keys_verify(const struct digest_keys *keys, const char *algorithm,
							   const void *bytes, size_t length,
							   const unsigned char *signature, size_t signature_length);

#endif
