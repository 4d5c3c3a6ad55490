/*
 * hash.h - fast hashes of bytes, the same in every process and version; not
 * for secrets, nor against somebody who looks for two that collide. The only user of xxhash.
 */
#ifndef TIMETRACKR_HASH_H
#define TIMETRACKR_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Hash of bytes. */
uint64_t	hash_64(const char *bytes, size_t length);

/* The same started from a key: without it nobody knows what collides by chance. */
uint64_t	hash_keyed(const char *bytes, size_t length, uint64_t key);

/* The same with 128 bits. */
void		hash_128(const char *bytes, size_t length, uint64_t hash[2]);

#endif
