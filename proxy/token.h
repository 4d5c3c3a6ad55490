/*
 * token.h - access tokens: JSON Web Tokens of our own, signed with HS256 (the only user of
 * libjwt), and those of an identity provider, signed with RS256 or ES256.
 *
 * Our own have the claims iss "timetrackr", sub "<user id>", iat, exp and role.
 * Refresh tokens are the database's business, and so is which user stands behind a provider's
 * token (identity.h). One struct belongs to one thread: it keeps tokens it has verified.
 */
#ifndef TIMETRACKR_TOKEN_H
#define TIMETRACKR_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "digest.h"

#define TOKEN_ISSUER "timetrackr"

/* Bytes a secret must have at least, and may have at most. */
#define TOKEN_SECRET_MIN 32
#define TOKEN_SECRET_MAX 4096

/* Bytes that a token of ours may have, and one of the provider's. */
#define TOKEN_MAX 1024
#define TOKEN_PROVIDER_MAX 4096

/* Bytes of the name that the provider knows a user by (OpenID Connect Core 2). */
#define TOKEN_SUBJECT_MAX 255

struct tokens;

struct token_options
{
	const char *secret;			/* signs and verifies */
	const char *previous_secret;	/* still verifies; NULL: none */
	long		ttl;			/* seconds that a token of ours is valid */
	struct digest_keys *provider_keys;	/* held; NULL: there is no provider */
	const char *provider_issuer;	/* iss of its tokens; NULL only when there is no provider */
	const char *provider_audience;	/* NULL: any */
};

/* What a valid token says. Of ours it is user_id; of the provider's, user_id is 0 and subject is set. */
struct token
{
	int64_t		user_id;
	int64_t		expires;		/* seconds since 1970 */
	int64_t		issued;			/* the same; 0: not told */
	const char *subject;
	const char *username;		/* as the provider has it; NULL: it does not say */
	const char *email;			/* verified by the provider; NULL: none */
};

enum token_status
{
	TOKEN_OK,
	TOKEN_BAD,					/* no token of ours or the provider's, or not valid yet */
	TOKEN_EXPIRED				/* it was one, but its time is over */
};

/*
 * Prepare for issuing and verifying. Strings are copied. NULL when a secret is too short or too
 * long, when the lifetime is not positive, or when memory or
 * randomness is out; errno tells (EINVAL for the first ones).
 */
struct tokens *tokens_create(const struct token_options *options);

/* Free it; the secrets are wiped. */
void		tokens_free(struct tokens *tokens);

/* Take these keys of the provider from now on, and hold them. What was verified before is verified again. */
void		tokens_use_provider_keys(struct tokens *tokens, struct digest_keys *keys);

/*
 * Write a token of this user and role, ended by a NUL, into `out`; it is valid
 * from `now` (seconds since 1970) for the lifetime. TOKEN_MAX + 1 bytes are
 * always enough for a role of up to 64 bytes. False when memory is out or it does not fit.
 */
bool		token_issue(struct tokens *tokens, int64_t user_id, const char *role, time_t now,
						char *out, size_t out_size);

/*
 * Is this a valid token at `now`? Any bytes may be given. On TOKEN_OK, and only then, `*token`
 * is what it says; its strings are valid until the next call. Out of memory counts as TOKEN_BAD.
 */
enum token_status token_verify(struct tokens *tokens, const char *text, size_t len, time_t now,
							   struct token *token);

#endif
