/*
 * token_claims.c - header and claims of a token (RFC 7515, 7519).
 */
#include "token_claims.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "json_body.h"

/* How far the clock that issued a token may be ahead of ours, in seconds. */
#define CLOCK_SKEW 30

/* Is the token's type an access token's (RFC 9068), or that of any JWT, or not told? */
static bool
is_known_type(const struct json_object *header)
{
	static const char *const types[] = {"JWT", "at+jwt", "application/at+jwt"};
	const char *type = json_object_string(header, "typ");

	if (type == NULL)
		return !json_object_has(header, "typ");
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (strcasecmp(type, types[i]) == 0)
			return true;
	return false;
}

const char *
token_header_algorithm(const char *json, size_t length)
{
	static const char *const algorithms[] = {"HS256", "RS256", "ES256"};
	struct json_object *header = json_object_read(json, length);
	const char *named = header != NULL ? json_object_string(header, "alg") : NULL;
	const char *algorithm = NULL;

	/* b64 counts only together with crit (RFC 7797 6), and says that the payload is no base64url */
	if (named != NULL && is_known_type(header) &&
		!json_object_has(header, "crit") && !json_object_has(header, "b64"))
		for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++)
			if (strcmp(named, algorithms[i]) == 0)
				algorithm = algorithms[i];
	json_object_free(header);
	return algorithm;
}

/* A time that must not lie in the future, if it is there. */
static bool
is_past(const struct json_object *claims, const char *name, int64_t now)
{
	int64_t		value;

	return !json_object_has(claims, name) ||
		(json_object_integer(claims, name, &value) && value <= now + CLOCK_SKEW);
}

/* Parse a user's id in its only spelling; 0: it is none. */
static int64_t
read_user_id(const char *subject)
{
	char	   *end;
	int64_t		user_id;

	if (subject[0] < '1' || subject[0] > '9')
		return 0;
	errno = 0;
	user_id = strtoll(subject, &end, 10);
	return errno == 0 && *end == '\0' ? user_id : 0;
}

/* May it name a provider's user: 1 to 255 bytes, no control characters? */
static bool
is_subject(const char *subject)
{
	size_t		length = strlen(subject);

	for (size_t i = 0; i < length; i++)
		if ((unsigned char) subject[i] < ' ' || subject[i] == '\x7f')
			return false;
	return length >= 1 && length <= TOKEN_SUBJECT_MAX;
}

/* Copy a string behind a token; NULL stays NULL. */
static const char *
put_string(char **place, const char *string)
{
	char	   *copy = *place;
	size_t		size = string != NULL ? strlen(string) + 1 : 0;

	if (string == NULL)
		return NULL;
	memcpy(copy, string, size);
	*place += size;
	return copy;
}

static size_t
size_of(const char *string)
{
	return string != NULL ? strlen(string) + 1 : 0;
}

/* A token of the provider's: whom it names, and what it says of him that may be believed. */
static struct token *
provider_token(const struct json_object *claims, const char *subject)
{
	const char *username = json_object_string(claims, "preferred_username");
	const char *name = json_object_string(claims, "name");
	const char *email = json_object_is_true(claims, "email_verified") ? json_object_string(claims, "email") : NULL;
	struct token *token;
	char	   *place;

	if (username == NULL || *username == '\0')
		username = name;
	token = calloc(1, sizeof *token + size_of(subject) + size_of(username) + size_of(email));
	if (token == NULL)
		return NULL;
	place = (char *) (token + 1);
	token->subject = put_string(&place, subject);
	token->username = put_string(&place, username);
	token->email = put_string(&place, email);
	return token;
}

/* Issuer, audience and subject are right: the token, without its times; else NULL. */
static struct token *
named_token(const struct json_object *claims, const char *issuer, const char *audience)
{
	const char *named = json_object_string(claims, "iss");
	const char *subject = json_object_string(claims, "sub");
	struct token *token = NULL;
	int64_t		user_id;

	if (named == NULL || subject == NULL || strcmp(named, issuer != NULL ? issuer : TOKEN_ISSUER) != 0)
		return NULL;
	if (issuer != NULL)
		return (audience == NULL || json_object_names(claims, "aud", audience)) &&
			is_subject(subject) ? provider_token(claims, subject) : NULL;
	user_id = read_user_id(subject);
	if (user_id > 0)
		token = calloc(1, sizeof *token);
	if (token != NULL)
		token->user_id = user_id;
	return token;
}

enum token_status
token_claims_read(const char *json, size_t length, const char *issuer, const char *audience,
				  time_t now, struct token **token)
{
	struct json_object *claims = json_object_read(json, length);
	enum token_status status = TOKEN_BAD;
	struct token *read = claims != NULL ? named_token(claims, issuer, audience) : NULL;

	/* whether a provider's token was made before an account was erased is told by its iat */
	if (read != NULL && json_object_integer(claims, "exp", &read->expires) &&
		is_past(claims, "nbf", now) && is_past(claims, "iat", now) &&
		(json_object_integer(claims, "iat", &read->issued) || issuer == NULL))
		status = now < read->expires ? TOKEN_OK : TOKEN_EXPIRED;
	json_object_free(claims);
	if (status == TOKEN_OK)
		*token = read;
	else
		free(read);
	return status;
}
