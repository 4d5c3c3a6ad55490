/*
 * digest.c - hashes (see digest.h).
 */
#include "digest.h"

#include <openssl/evp.h>

bool
digest_sha1_base64(const void *bytes, size_t length, char out[DIGEST_SHA1_BASE64])
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned	size = 0;

	if (EVP_Digest(bytes, length, hash, &size, EVP_sha1(), NULL) != 1)
		return false;
	return EVP_EncodeBlock((unsigned char *) out, hash, (int) size) == DIGEST_SHA1_BASE64 - 1;
}
