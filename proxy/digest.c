/*
 * digest.c - hashes and signatures (see digest.h).
 */
#include "digest.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192

/* Bytes of each half of an ES256 signature, and of the longest one in DER. */
#define ES256_HALF 32
#define ES256_DER_MAX 80

struct digest_keys
{
	atomic_uint holders;
	size_t		count;
	struct
	{
		EVP_PKEY   *key;
		const char *algorithm;
	}			keys[DIGEST_KEYS_MAX];
};

bool
digest_sha1_base64(const void *bytes, size_t length, char out[DIGEST_SHA1_BASE64])
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned	size = 0;

	if (EVP_Digest(bytes, length, hash, &size, EVP_sha1(), NULL) != 1)
		return false;
	return EVP_EncodeBlock((unsigned char *) out, hash, (int) size) == DIGEST_SHA1_BASE64 - 1;
}

bool
digest_hex(enum digest_hash hash, const struct digest_piece *pieces, size_t count, char out[DIGEST_HEX])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned	size = 0;
	bool		good = context != NULL &&
		EVP_DigestInit_ex(context, hash == DIGEST_SHA256 ? EVP_sha256() : EVP_sha1(), NULL) == 1;

	for (size_t i = 0; good && i < count; i++)
		good = EVP_DigestUpdate(context, pieces[i].bytes, pieces[i].length) == 1;
	good = good && EVP_DigestFinal_ex(context, bytes, &size) == 1;
	EVP_MD_CTX_free(context);
	ERR_clear_error();
	for (unsigned i = 0; good && i < size; i++)
	{
		out[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
		out[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
	}
	out[good ? 2 * size : 0] = '\0';
	return good;
}

bool
digest_equal(const char *a, const char *b, size_t length)
{
	return CRYPTO_memcmp(a, b, length) == 0;
}

/* ---- keys ---- */

/* The algorithm that a key is for; NULL when it is none of ours. */
static const char *
algorithm_of(EVP_PKEY *key)
{
	char		curve[32] = "";
	int			bits = EVP_PKEY_get_bits(key);

	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
		return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX ? "RS256" : NULL;
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
		EVP_PKEY_get_group_name(key, curve, sizeof curve, NULL) == 1 &&
		strcmp(curve, "prime256v1") == 0)
		return "ES256";
	return NULL;
}

/* Add the key of one block of the file; false with the reason. */
static bool
add_key(struct digest_keys *keys, const char *name, const unsigned char *der, long length,
		char *why, size_t why_size)
{
	EVP_PKEY   *key = NULL;
	const char *algorithm = NULL;

	if (strcmp(name, "PUBLIC KEY") != 0)
		snprintf(why, why_size, "must hold PUBLIC KEY blocks only, not \"%.40s\" (openssl pkey -pubout makes one)", name);
	else if (keys->count == DIGEST_KEYS_MAX)
		snprintf(why, why_size, "holds more than %d keys", DIGEST_KEYS_MAX);
	else if ((key = d2i_PUBKEY(NULL, &der, length)) == NULL || (algorithm = algorithm_of(key)) == NULL)
		snprintf(why, why_size, "key %zu is neither RSA of %d to %d bits nor of the curve P-256",
				 keys->count + 1, RSA_BITS_MIN, RSA_BITS_MAX);
	if (algorithm == NULL)
	{
		EVP_PKEY_free(key);
		return false;
	}
	keys->keys[keys->count].key = key;
	keys->keys[keys->count++].algorithm = algorithm;
	return true;
}

/* Add every block of the file. */
static bool
add_keys(struct digest_keys *keys, FILE *file, char *why, size_t why_size)
{
	char	   *name;
	char	   *header;
	unsigned char *der;
	long		length;
	bool		good = true;

	while (good && PEM_read(file, &name, &header, &der, &length) == 1)
	{
		good = add_key(keys, name, der, length, why, why_size);
		OPENSSL_free(name);
		OPENSSL_free(header);
		/* it may have been a private key */
		OPENSSL_clear_free(der, (size_t) length);
	}
	if (good && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
	{
		snprintf(why, why_size, "is damaged after key %zu", keys->count);
		good = false;
	}
	else if (good && keys->count == 0)
	{
		snprintf(why, why_size, "holds no PUBLIC KEY in PEM");
		good = false;
	}
	ERR_clear_error();
	return good;
}

struct digest_keys *
digest_keys_read(const char *path, char *why, size_t why_size)
{
	FILE	   *file = fopen(path, "re");
	struct digest_keys *keys = calloc(1, sizeof *keys);
	bool		good = false;

	if (keys != NULL)
		atomic_init(&keys->holders, 1);
	if (file == NULL || keys == NULL)
		snprintf(why, why_size, "can't be read: %s", strerror(errno));
	else
		good = add_keys(keys, file, why, why_size);
	if (file != NULL)
		(void) fclose(file);	/* was only read */
	if (good)
		return keys;
	digest_keys_release(keys);
	return NULL;
}

struct digest_keys *
digest_keys_hold(struct digest_keys *keys)
{
	if (keys != NULL)
		atomic_fetch_add(&keys->holders, 1);
	return keys;
}

void
digest_keys_release(struct digest_keys *keys)
{
	if (keys == NULL || atomic_fetch_sub(&keys->holders, 1) > 1)
		return;
	for (size_t i = 0; i < keys->count; i++)
		EVP_PKEY_free(keys->keys[i].key);
	free(keys);
}

/* ---- signatures ---- */

/* Write an ES256 signature, two numbers side by side, as DER; its length, or 0. */
static size_t
es256_to_der(const unsigned char *signature, size_t length, unsigned char der[ES256_DER_MAX])
{
	ECDSA_SIG  *pair = length == 2 * ES256_HALF ? ECDSA_SIG_new() : NULL;
	BIGNUM	   *r = NULL;
	BIGNUM	   *s = NULL;
	int			written = 0;

	if (pair == NULL)
		return 0;
	r = BN_bin2bn(signature, ES256_HALF, NULL);
	s = BN_bin2bn(signature + ES256_HALF, ES256_HALF, NULL);
	if (r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1)
		written = i2d_ECDSA_SIG(pair, &der);	/* at most 72 bytes */
	else
	{
		BN_free(r);
		BN_free(s);
	}
	ECDSA_SIG_free(pair);
	return written > 0 ? (size_t) written : 0;
}

static bool
verify(EVP_PKEY *key, const void *bytes, size_t length,
	   const unsigned char *signature, size_t signature_length)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool		good = context != NULL &&
		EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
		EVP_DigestVerify(context, signature, signature_length, bytes, length) == 1;

	EVP_MD_CTX_free(context);
	/* what went wrong is of no use, but would pile up in the thread's queue */
	ERR_clear_error();
	return good;
}

bool
digest_keys_verify(const struct digest_keys *keys, const char *algorithm,
				   const void *bytes, size_t length,
				   const unsigned char *signature, size_t signature_length)
{
	unsigned char der[ES256_DER_MAX];

	if (strcmp(algorithm, "ES256") == 0)
	{
		signature_length = es256_to_der(signature, signature_length, der);
		signature = der;
	}
	for (size_t i = 0; signature_length > 0 && i < keys->count; i++)
	{
		EVP_PKEY   *key = keys->keys[i].key;

		if (strcmp(keys->keys[i].algorithm, algorithm) != 0 ||
			(signature != der && signature_length != (size_t) EVP_PKEY_get_size(key)))
			continue;
		if (verify(key, bytes, length, signature, signature_length))
			return true;
	}
	return false;
}
