/*
 * token.c - issues and verifies access tokens; the only user of libjwt.
 *
 * libjwt 1.10.2 checks a signature and little else, takes any algorithm that the token names, and
 * is not safe with every text. So a token's form and header are checked before it
 * sees it, and it is given a secret only for HS256; claims are read by token_claims.c. The
 * algorithm decides alone which keys are tried: a secret never checks what a
 * key pair should have signed, nor the other way round.
 */
#include "token.h"

#include <errno.h>
#include <inttypes.h>
#include <jwt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64url.h"
#include "text_cache.h"
#include "token_claims.h"

/* An eighth of the number of verified tokens that are kept. */
#define CACHE_SETS 256

enum { CURRENT, PREVIOUS, SECRETS };

struct tokens
{
	char	   *secrets[SECRETS];	/* NULL: there is no previous one */
	long		ttl;
	struct digest_keys *provider_keys;
	char	   *provider_issuer;
	char	   *provider_audience;
	struct text_cache *cache;	/* → struct token */
};

static bool
is_secret(const char *secret)
{
	size_t		length = strlen(secret);

	return length >= TOKEN_SECRET_MIN && length <= TOKEN_SECRET_MAX;
}

/* Copy a string; NULL stays NULL. False when memory is out. */
static bool
copy(char **to, const char *from)
{
	*to = from != NULL ? strdup(from) : NULL;
	return *to != NULL || from == NULL;
}

struct tokens *
tokens_create(const struct token_options *options)
{
	struct tokens *tokens;

	if (options->secret == NULL || !is_secret(options->secret) || options->ttl <= 0 ||
		(options->previous_secret != NULL && !is_secret(options->previous_secret)) ||
		(options->provider_keys != NULL && options->provider_issuer == NULL))
	{
		errno = EINVAL;
		return NULL;
	}
	tokens = calloc(1, sizeof *tokens);
	if (tokens == NULL)
		return NULL;
	tokens->ttl = options->ttl;
	tokens->provider_keys = digest_keys_hold(options->provider_keys);
	tokens->cache = text_cache_create(CACHE_SETS);
	if (tokens->cache != NULL && copy(&tokens->secrets[CURRENT], options->secret) &&
		copy(&tokens->secrets[PREVIOUS], options->previous_secret) &&
		copy(&tokens->provider_issuer, options->provider_issuer) &&
		copy(&tokens->provider_audience, options->provider_audience))
		return tokens;
	tokens_free(tokens);
	return NULL;
}

void
tokens_free(struct tokens *tokens)
{
	if (tokens == NULL)
		return;
	for (int i = 0; i < SECRETS; i++)
	{
		if (tokens->secrets[i] != NULL)
			explicit_bzero(tokens->secrets[i], strlen(tokens->secrets[i]));
		free(tokens->secrets[i]);
	}
	text_cache_free(tokens->cache);
	digest_keys_release(tokens->provider_keys);
	free(tokens->provider_issuer);
	free(tokens->provider_audience);
	free(tokens);
}

void
tokens_use_provider_keys(struct tokens *tokens, struct digest_keys *keys)
{
	digest_keys_release(tokens->provider_keys);
	tokens->provider_keys = digest_keys_hold(keys);
	text_cache_drop(tokens->cache, NULL, NULL);
}

/* ---- issuing ---- */

/* Set all claims and the signing key. */
static bool
fill_claims(struct tokens *tokens, jwt_t *jwt, int64_t user_id, const char *role, time_t now)
{
	const char *secret = tokens->secrets[CURRENT];
	char		subject[24];

	snprintf(subject, sizeof subject, "%" PRId64, user_id);
	return jwt_add_grant(jwt, "iss", TOKEN_ISSUER) == 0 &&
		jwt_add_grant(jwt, "sub", subject) == 0 &&
		jwt_add_grant_int(jwt, "iat", (long) now) == 0 &&
		jwt_add_grant_int(jwt, "exp", (long) now + tokens->ttl) == 0 &&
		jwt_add_grant(jwt, "role", role) == 0 &&
		jwt_set_alg(jwt, JWT_ALG_HS256, (const unsigned char *) secret, (int) strlen(secret)) == 0;
}

bool
token_issue(struct tokens *tokens, int64_t user_id, const char *role, time_t now,
			char *out, size_t out_size)
{
	jwt_t	   *jwt = NULL;
	char	   *text = NULL;
	size_t		length;
	bool		fits = false;

	if (jwt_new(&jwt) != 0)
		return false;
	if (fill_claims(tokens, jwt, user_id, role, now))
		text = jwt_encode_str(jwt);
	jwt_free(jwt);
	if (text == NULL)
		return false;
	length = strlen(text);
	if (length <= TOKEN_MAX && length < out_size)
	{
		memcpy(out, text, length + 1);
		fits = true;
	}
	free(text);
	return fits;
}

/* ---- verifying ---- */

/* A token cut in pieces, each ended by a NUL; header and claims are decoded. */
struct pieces
{
	char		text[TOKEN_PROVIDER_MAX + 1];	/* all of it, as it came */
	size_t		signed_length;	/* of what the signature is about: up to the second dot */
	const char *signature;		/* its last segment */
	char		header[TOKEN_PROVIDER_MAX];
	size_t		header_length;
	char		claims[TOKEN_PROVIDER_MAX];
	size_t		claims_length;
};

/* Decode the segment that ends with `end`, which lies in a text that is changed back. */
static bool
decode_segment(char *segment, char *end, char *out, size_t out_size, size_t *length)
{
	char		after = *end;
	int			decoded;

	*end = '\0';
	decoded = base64url_decode(segment, out, out_size);
	*end = after;
	*length = decoded > 0 ? (size_t) decoded : 0;
	return decoded > 0;
}

/* Three segments of base64url, none empty, each the only spelling of what it decodes to. */
static bool
cut(struct pieces *pieces, const char *text, size_t length)
{
	unsigned char signature[TOKEN_PROVIDER_MAX];
	size_t		signature_length;
	char	   *first;
	char	   *second;

	if (length == 0 || length > TOKEN_PROVIDER_MAX || memchr(text, '\0', length) != NULL)
		return false;
	memcpy(pieces->text, text, length);
	pieces->text[length] = '\0';
	first = strchr(pieces->text, '.');
	second = first != NULL ? strchr(first + 1, '.') : NULL;
	if (second == NULL)
		return false;
	pieces->signature = second + 1;
	pieces->signed_length = (size_t) (second - pieces->text);
	return decode_segment(pieces->text, first, pieces->header, sizeof pieces->header,
						  &pieces->header_length) &&
		decode_segment(first + 1, second, pieces->claims, sizeof pieces->claims,
					   &pieces->claims_length) &&
		decode_segment(second + 1, pieces->text + length, (char *) signature, sizeof signature,
					   &signature_length);
}

/* Did one of the secrets sign it? Only for a token whose algorithm is HS256. */
static bool
secret_has_signed(const struct tokens *tokens, const char *text)
{
	for (int i = 0; i < SECRETS; i++)
	{
		const char *secret = tokens->secrets[i];
		jwt_t	   *jwt = NULL;

		if (secret == NULL ||
			jwt_decode(&jwt, text, (const unsigned char *) secret, (int) strlen(secret)) != 0)
			continue;
		jwt_free(jwt);
		return true;
	}
	return false;
}

static bool
provider_has_signed(const struct tokens *tokens, const char *algorithm, const struct pieces *pieces)
{
	unsigned char signature[TOKEN_PROVIDER_MAX];
	int			length = base64url_decode(pieces->signature, (char *) signature, sizeof signature);

	return length > 0 && digest_keys_verify(tokens->provider_keys, algorithm, pieces->text,
											pieces->signed_length, signature, (size_t) length);
}

/* Check form, signature and claims; on TOKEN_OK `*token` is malloc'd. */
static enum token_status
check(const struct tokens *tokens, const char *text, size_t length, time_t now, struct token **token)
{
	struct pieces pieces;
	const char *algorithm;

	if (!cut(&pieces, text, length))
		return TOKEN_BAD;
	algorithm = token_header_algorithm(pieces.header, pieces.header_length);
	if (algorithm == NULL)
		return TOKEN_BAD;
	if (strcmp(algorithm, "HS256") == 0)
		return length <= TOKEN_MAX && secret_has_signed(tokens, pieces.text)
			? token_claims_read(pieces.claims, pieces.claims_length, NULL, NULL, now, token)
			: TOKEN_BAD;
	return tokens->provider_keys != NULL && provider_has_signed(tokens, algorithm, &pieces)
		? token_claims_read(pieces.claims, pieces.claims_length, tokens->provider_issuer,
							tokens->provider_audience, now, token)
		: TOKEN_BAD;
}

enum token_status
token_verify(struct tokens *tokens, const char *text, size_t len, time_t now, struct token *token)
{
	struct token *known = NULL;
	enum token_status status;

	if (len == 0 || len > TOKEN_PROVIDER_MAX)
		return TOKEN_BAD;
	known = text_cache_find(tokens->cache, text, len);
	if (known == NULL)
	{
		status = check(tokens, text, len, now, &known);
		if (status != TOKEN_OK)
			return status;
		known = text_cache_keep(tokens->cache, text, len, known);
		if (known == NULL)
			return TOKEN_BAD;
	}
	if (now >= known->expires)
		return TOKEN_EXPIRED;
	*token = *known;
	return TOKEN_OK;
}
