/*
 * token.h - access tokens: JSON Web Tokens signed with HS256; the only user of libjwt.
 *
 * A token's claims are iss "timetrackr", sub "<user id>", iat, exp and role.
 * Refresh tokens are the database's business. One struct belongs to one
 * thread: it keeps tokens it has verified, and they are not shared.
 */
#ifndef TIMETRACKR_TOKEN_H
#define TIMETRACKR_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Bytes a secret must have at least, and a token may have at most. */
#define TOKEN_SECRET_MIN 32
#define TOKEN_MAX 1024

struct tokens;

enum token_status
{
	TOKEN_OK,
	TOKEN_BAD,					/* not a token of ours, or not valid yet */
	TOKEN_EXPIRED				/* ours, but its time is over */
};

/*
 * Prepare for issuing and verifying. `secret` is copied. NULL when it has
 * fewer than TOKEN_SECRET_MIN bytes, when the lifetime is not positive, or
 * when memory or randomness is out; errno tells (EINVAL for the first two).
 */
struct tokens *tokens_create(const char *secret, long access_ttl_seconds);

/* Free it; the secret is wiped. */
void		tokens_free(struct tokens *tokens);

/*
 * Write a token of this user and role, ended by a NUL, into `out`; it is valid
 * from `now` (seconds since 1970) for the lifetime. TOKEN_MAX + 1 bytes are
 * always enough for a role of up to 64 bytes. False when memory is out or it does not fit.
 */
bool		token_issue(struct tokens *tokens, int64_t user_id, const char *role, time_t now,
						char *out, size_t out_size);

/*
 * Is this a valid token at `now`? Any bytes may be given. On TOKEN_OK, and
 * only then, `*user_id` is its user (> 0). Out of memory counts as TOKEN_BAD.
 */
enum token_status token_verify(struct tokens *tokens, const char *text, size_t len, time_t now,
							   int64_t *user_id);

/* The same; `*expires` is when it ends, in seconds since 1970. */
enum token_status token_verify_until(struct tokens *tokens, const char *text, size_t len, time_t now,
									 int64_t *user_id, int64_t *expires);

#endif
