/*
 * test_libjwt.c - what libjwt is given to verify, and what it never gets to see.
 *
 * libjwt 1.10.2 writes behind a chunk of no bytes for an empty segment (jwt_b64_decode_json),
 * verifies nothing with an empty key, and takes any algorithm that a token names.
 * Its jwt_decode() is replaced here by one that looks at what comes first.
 */
#include "../token.h"

#include <dlfcn.h>
#include <jwt.h>
#include <stdlib.h>
#include <string.h>

#include "../base64url.h"
#include "check.h"

#define SECRET "an-entirely-secret-text-of-40-characters"
#define PREVIOUS "the-secret-of-before-of-39-characters--"
#define NOW 1700000000

static int	calls;
static int	unsafe_calls;

/* Three segments, none empty, and a header that says HS256. */
static bool
is_safe(const char *text)
{
	const char *first = strchr(text, '.');
	const char *second = first != NULL ? strchr(first + 1, '.') : NULL;
	char		header[4096] = "";
	char		json[4096] = "";

	if (second == NULL || first == text || second == first + 1 || second[1] == '\0' || strchr(second + 1, '.') != NULL)
		return false;
	memcpy(header, text, (size_t) (first - text));
	return base64url_decode(header, json, sizeof json - 1) > 0 && strstr(json, "\"HS256\"") != NULL;
}

/* In front of libjwt's. */
int
jwt_decode(jwt_t **jwt, const char *text, const unsigned char *key, int key_length)
{
	static int	(*real) (jwt_t **, const char *, const unsigned char *, int);

	if (real == NULL)
		*(void **) &real = dlsym(RTLD_NEXT, "jwt_decode");
	calls++;
	unsafe_calls += !is_safe(text) || key == NULL || key_length < TOKEN_SECRET_MIN;
	return is_safe(text) ? real(jwt, text, key, key_length) : -1;
}

static const char *const texts[] = {
	"", ".", "..", "...", "....", "a", "a.b", "a.b.", "a..b", ".a.b", "e30..", "..e30", ".e30.", "e30.e30.", "e30..e30",
	".e30.e30", "e30.e30.e30", "e30.e30.e30.e30", "e30.e30.e30.", "eyJhbGciOiJIUzI1NiJ9..", "eyJhbGciOiJIUzI1NiJ9.e30.",
	"eyJhbGciOiJIUzI1NiJ9..e30", "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJub25lIn0.e30.e30", "eyJhbGciOiJIUzUxMiJ9.e30.e30",
	"eyJhbGciOiJSUzI1NiJ9.e30.e30", "eyJhbGciOiJoczI1NiJ9.e30.e30", "eyJhbGciOiJIUzI1NiJ9.e3.e30", "=.=.=", "====.====.====",
};

static void
test_broken_texts_are_not_handed_on(struct tokens *tokens)
{
	struct token token;

	calls = 0;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		CHECK_CASE(token_verify(tokens, texts[i], strlen(texts[i]), NOW, &token) == TOKEN_BAD, texts[i]);
	CHECK(calls == 0);
}

/* A good token, cut at every place and with a dot at every place. */
static void
test_pieces_of_a_good_token(struct tokens *tokens)
{
	char		text[TOKEN_MAX + 1];
	char		changed[TOKEN_MAX + 1];
	struct token token;
	size_t		length;

	CHECK(token_issue(tokens, 42, "user", NOW, text, sizeof text));
	length = strlen(text);
	for (size_t i = 0; i < length; i++)
	{
		memcpy(changed, text, length + 1);
		CHECK(token_verify(tokens, text, i, NOW, &token) == TOKEN_BAD);
		CHECK(token_verify(tokens, text + i + 1, length - i - 1, NOW, &token) == TOKEN_BAD);
		changed[i] = '.';
		CHECK(text[i] == '.' || token_verify(tokens, changed, length, NOW, &token) == TOKEN_BAD);
	}
	calls = 0;
	CHECK(token_verify(tokens, text, length, NOW, &token) == TOKEN_OK && calls == 1);
	CHECK(token_verify(tokens, text, length, NOW, &token) == TOKEN_OK && calls == 1);	/* it is remembered */
}

/* Signed with the secret of before a token is good, and nothing is issued with it. */
static void
test_previous_secret(struct tokens *tokens)
{
	struct tokens *before = tokens_create(&(struct token_options) {.secret = PREVIOUS, .ttl = 60});
	struct tokens *alone = tokens_create(&(struct token_options) {.secret = SECRET, .ttl = 60});
	char		text[TOKEN_MAX + 1];
	struct token token;

	if (!CHECK(before != NULL && alone != NULL && token_issue(before, 7, "user", NOW, text, sizeof text)))
		return;
	CHECK(token_verify(tokens, text, strlen(text), NOW, &token) == TOKEN_OK && token.user_id == 7);
	CHECK(token_verify(tokens, text, strlen(text), NOW + 60, &token) == TOKEN_EXPIRED);
	CHECK(token_verify(alone, text, strlen(text), NOW, &token) == TOKEN_BAD);
	CHECK(token_issue(tokens, 7, "user", NOW, text, sizeof text));
	CHECK(token_verify(before, text, strlen(text), NOW, &token) == TOKEN_BAD);
	CHECK(token_verify(alone, text, strlen(text), NOW, &token) == TOKEN_OK);
	tokens_free(before);
	tokens_free(alone);
}

static void
test_options(void)
{
	CHECK(tokens_create(&(struct token_options) {.secret = SECRET, .previous_secret = "short", .ttl = 60}) == NULL);
	CHECK(tokens_create(&(struct token_options) {.secret = SECRET, .previous_secret = "", .ttl = 60}) == NULL);
}

int
main(void)
{
	struct tokens *tokens = tokens_create(&(struct token_options) {
		.secret = SECRET, .previous_secret = PREVIOUS, .ttl = 3600
	});

	if (!CHECK(tokens != NULL))
		return check_summary("libjwt");
	test_broken_texts_are_not_handed_on(tokens);
	test_pieces_of_a_good_token(tokens);
	test_previous_secret(tokens);
	test_options();
	CHECK(unsafe_calls == 0);
	tokens_free(tokens);
	return check_summary("libjwt");
}
