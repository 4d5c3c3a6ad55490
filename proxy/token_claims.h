/*
 * token_claims.h - what header and claims of a token say, and whether they may. Knows no signature.
 */
#ifndef TIMETRACKR_TOKEN_CLAIMS_H
#define TIMETRACKR_TOKEN_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "token.h"

/*
 * The algorithm of a header, "HS256", "RS256" or "ES256", in its only spelling; NULL for
 * another one, for a type that is no access token's, and for extensions that must be understood.
 * Keys that a header brings along or points at are not looked at.
 */
const char *token_header_algorithm(const char *json, size_t length);

/*
 * Read the claims of a token of ours, or of the provider's when `issuer` is set: its
 * iss must be that, and its aud must name `audience` unless that is NULL.
 * On TOKEN_OK *token is malloc'd, its strings with it.
 */
enum token_status token_claims_read(const char *json, size_t length, const char *issuer,
									const char *audience, time_t now, struct token **token);

#endif
