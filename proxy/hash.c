/*
 * hash.c - XXH3, whose values are fixed since its version 0.8.
 */
#include "hash.h"

#include <xxhash.h>

uint64_t
hash_64(const char *bytes, size_t length)
{
	return XXH3_64bits(length > 0 ? bytes : "", length);
}

uint64_t
hash_keyed(const char *bytes, size_t length, uint64_t key)
{
	return XXH3_64bits_withSeed(length > 0 ? bytes : "", length, key);
}

void
hash_128(const char *bytes, size_t length, uint64_t hash[2])
{
	XXH128_hash_t value = XXH3_128bits(length > 0 ? bytes : "", length);

	hash[0] = value.high64;
	hash[1] = value.low64;
}
