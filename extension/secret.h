/*
 * secret.h: random secrets, as text, and what they sign.
 */
#ifndef TT_SECRET_H
#define TT_SECRET_H

#include "timetrackr.h"

/* Bytes of a secret, and of an HMAC-SHA256. */
#define TT_SECRET_BYTES 32

/* Fill bytes at random, or raise an error. */
extern void tt_secret_random(uint8 bytes[TT_SECRET_BYTES]);

/* A new secret in base64url, without padding. */
extern char *tt_secret_token(void);

/* The bytea digest of such a token: that of its characters, so any string can be looked up. */
extern Datum tt_secret_digest(const char *token);

/* Bytes in base64, as RFC 4648, 4 has it. */
extern char *tt_base64(const uint8 *bytes, int count);

/* HMAC-SHA256 of text under a key. */
extern void tt_hmac(const uint8 *key, size_t key_length, const char *text, uint8 mac[TT_SECRET_BYTES]);

#endif
