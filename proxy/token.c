/*
 * token.c - access tokens; the only user of libjwt.
 *
 * libjwt 1.10.2 checks a signature and little else, and is not safe with every
 * text, so a token's form is checked before it sees it and all claims after.
 * What passed is kept in a small cache, found by a keyed hash and compared whole.
 */
#include "token.h"

#include <errno.h>
#include <inttypes.h>
#include <jwt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#define ISSUER "timetrackr"

/* How far the clock that issued a token may be ahead of ours, in seconds. */
#define CLOCK_SKEW 30

/* Places in the cache; each hash has two. A power of two. */
#define CACHE_SETS 1024
#define CACHE_WAYS 2

struct cached
{
	char	   *text;			/* NULL: free */
	size_t		length;
	int64_t		user_id;
	int64_t		expires;		/* claim exp: seconds since 1970 */
};

struct tokens
{
	unsigned char *secret;
	int			secret_length;
	long		ttl;
	uint64_t	hash_key;		/* so that nobody outside can choose who collides */
	struct cached cache[CACHE_SETS][CACHE_WAYS];	/* the later used first */
};

struct tokens *
tokens_create(const char *secret, long access_ttl_seconds)
{
	size_t		length = secret != NULL ? strlen(secret) : 0;
	struct tokens *tokens;

	if (length < TOKEN_SECRET_MIN || length > 4096 || access_ttl_seconds <= 0)
	{
		errno = EINVAL;
		return NULL;
	}
	tokens = calloc(1, sizeof *tokens);
	if (tokens == NULL)
		return NULL;
	tokens->secret = malloc(length);
	if (tokens->secret == NULL ||
		getrandom(&tokens->hash_key, sizeof tokens->hash_key, 0) != (ssize_t) sizeof tokens->hash_key)
	{
		free(tokens->secret);
		free(tokens);
		return NULL;
	}
	memcpy(tokens->secret, secret, length);
	tokens->secret_length = (int) length;
	tokens->ttl = access_ttl_seconds;
	return tokens;
}

void
tokens_free(struct tokens *tokens)
{
	if (tokens == NULL)
		return;
	for (size_t set = 0; set < CACHE_SETS; set++)
		for (size_t way = 0; way < CACHE_WAYS; way++)
			free(tokens->cache[set][way].text);
	explicit_bzero(tokens->secret, (size_t) tokens->secret_length);
	free(tokens->secret);
	free(tokens);
}

/* Set all claims and the signing key. */
static bool
fill_claims(struct tokens *tokens, jwt_t *jwt, int64_t user_id, const char *role, time_t now)
{
	char		subject[24];

	snprintf(subject, sizeof subject, "%" PRId64, user_id);
	return jwt_add_grant(jwt, "iss", ISSUER) == 0 &&
		jwt_add_grant(jwt, "sub", subject) == 0 &&
		jwt_add_grant_int(jwt, "iat", (long) now) == 0 &&
		jwt_add_grant_int(jwt, "exp", (long) now + tokens->ttl) == 0 &&
		jwt_add_grant(jwt, "role", role) == 0 &&
		jwt_set_alg(jwt, JWT_ALG_HS256, tokens->secret, tokens->secret_length) == 0;
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

static bool
is_base64url(char byte)
{
	return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
		(byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
}

/*
 * Three segments of base64url, none empty and none of a length base64 cannot
 * have: the only texts libjwt may see.
 */
static bool
is_well_formed(const char *text, size_t length)
{
	size_t		dots = 0;
	size_t		segment = 0;

	if (length == 0 || length > TOKEN_MAX)
		return false;
	for (size_t i = 0; i <= length; i++)
	{
		if (i < length && text[i] != '.')
		{
			if (!is_base64url(text[i]))
				return false;
			segment++;
			continue;
		}
		if (segment == 0 || segment % 4 == 1)
			return false;
		segment = 0;
		dots += i < length;
	}
	return dots == 2;
}

/* Parse decimal digits with an optional minus and nothing else, within int64. */
static bool
parse_integer(const char *text, int64_t *value)
{
	const char *digits = text[0] == '-' ? text + 1 : text;
	char	   *end;

	if (digits[0] < '0' || digits[0] > '9')
		return false;
	errno = 0;
	*value = strtoll(text, &end, 10);
	return errno == 0 && *end == '\0';
}

enum claim
{
	CLAIM_ABSENT,
	CLAIM_INTEGER,
	CLAIM_WRONG					/* of another type, or memory is out */
};

/* Get an integer claim. libjwt's own getter gives 0 for a string, so look at its JSON. */
static enum claim
integer_claim(jwt_t *jwt, const char *name, int64_t *value)
{
	char	   *json = jwt_get_grants_json(jwt, name);
	bool		good;

	if (json == NULL)
		return errno == EINVAL ? CLAIM_ABSENT : CLAIM_WRONG;
	good = parse_integer(json, value);
	free(json);
	return good ? CLAIM_INTEGER : CLAIM_WRONG;
}

/* HS256 spelled so, no critical extensions, and a type that is absent or JWT. */
static bool
header_is_ours(jwt_t *jwt)
{
	const char *alg = jwt_get_header(jwt, "alg");
	const char *typ;
	char	   *crit;

	if (alg == NULL || strcmp(alg, "HS256") != 0)
		return false;
	typ = jwt_get_header(jwt, "typ");
	if (typ == NULL ? errno != ENOENT : strcasecmp(typ, "JWT") != 0)
		return false;
	crit = jwt_get_headers_json(jwt, "crit");
	if (crit == NULL)
		return errno == EINVAL; /* absent, not out of memory */
	free(crit);
	return false;
}

/* iss is ours and sub a user id in its only spelling. */
static bool
names_are_ours(jwt_t *jwt, int64_t *user_id)
{
	const char *issuer = jwt_get_grant(jwt, "iss");
	const char *subject = jwt_get_grant(jwt, "sub");

	return issuer != NULL && strcmp(issuer, ISSUER) == 0 &&
		subject != NULL && subject[0] >= '1' && subject[0] <= '9' &&
		parse_integer(subject, user_id);
}

/* A claim that must not lie in the future, if it is there. */
static bool
is_past(jwt_t *jwt, const char *name, int64_t now)
{
	int64_t		value = 0;
	enum claim	claim = integer_claim(jwt, name, &value);

	return claim == CLAIM_ABSENT || (claim == CLAIM_INTEGER && value <= now + CLOCK_SKEW);
}

/* Check signature, header and claims of a well-formed token. */
static enum token_status
check(struct tokens *tokens, const char *text, int64_t now, int64_t *user_id, int64_t *expires)
{
	jwt_t	   *jwt = NULL;
	enum token_status status = TOKEN_BAD;

	if (jwt_decode(&jwt, text, tokens->secret, tokens->secret_length) != 0)
		return TOKEN_BAD;
	if (header_is_ours(jwt) && names_are_ours(jwt, user_id) &&
		integer_claim(jwt, "exp", expires) == CLAIM_INTEGER &&
		is_past(jwt, "nbf", now) && is_past(jwt, "iat", now))
		status = now < *expires ? TOKEN_OK : TOKEN_EXPIRED;
	jwt_free(jwt);
	return status;
}

/* The two places of this text (FNV-1a, started from the key, then mixed). */
static struct cached *
cache_set(struct tokens *tokens, const char *text, size_t length)
{
	uint64_t	hash = UINT64_C(14695981039346656037) ^ tokens->hash_key;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char) text[i]) * UINT64_C(1099511628211);
	hash ^= hash >> 32;
	return tokens->cache[hash & (CACHE_SETS - 1)];
}

/* Are they equal? Takes the same time wherever they differ. */
static bool
is_equal(const char *left, const char *right, size_t length)
{
	unsigned char difference = 0;

	for (size_t i = 0; i < length; i++)
		difference |= (unsigned char) (left[i] ^ right[i]);
	return difference == 0;
}

/* Find a token that was verified before, and move it to its set's first place. */
static struct cached *
cache_find(struct cached *set, const char *text, size_t length)
{
	for (size_t way = 0; way < CACHE_WAYS; way++)
	{
		struct cached found = set[way];

		if (found.text == NULL || found.length != length || !is_equal(found.text, text, length))
			continue;
		memmove(&set[1], &set[0], way * sizeof set[0]);
		set[0] = found;
		return &set[0];
	}
	return NULL;
}

/* Keep a verified token in place of the one of its set that was used longest ago. Takes `text`. */
static void
cache_keep(struct cached *set, char *text, size_t length, int64_t user_id, int64_t expires)
{
	free(set[CACHE_WAYS - 1].text);
	memmove(&set[1], &set[0], (CACHE_WAYS - 1) * sizeof set[0]);
	set[0] = (struct cached) {text, length, user_id, expires};
}

enum token_status
token_verify(struct tokens *tokens, const char *text, size_t len, time_t now, int64_t *user_id)
{
	int64_t		expires;

	return token_verify_until(tokens, text, len, now, user_id, &expires);
}

enum token_status
token_verify_until(struct tokens *tokens, const char *text, size_t len, time_t now,
				   int64_t *user_id, int64_t *expires)
{
	struct cached *set;
	struct cached *known;
	char	   *copy;
	int64_t		subject = 0;
	enum token_status status;

	if (!is_well_formed(text, len))
		return TOKEN_BAD;
	set = cache_set(tokens, text, len);
	known = cache_find(set, text, len);
	if (known != NULL)
	{
		if (now >= known->expires)
			return TOKEN_EXPIRED;
		*user_id = known->user_id;
		*expires = known->expires;
		return TOKEN_OK;
	}
	copy = strndup(text, len);
	if (copy == NULL)
		return TOKEN_BAD;
	status = check(tokens, copy, now, &subject, expires);
	if (status != TOKEN_OK)
	{
		free(copy);
		return status;
	}
	cache_keep(set, copy, len, subject, *expires);
	*user_id = subject;
	return TOKEN_OK;
}
