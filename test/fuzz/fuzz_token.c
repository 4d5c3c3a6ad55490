/*
 * fuzz_token.c - tokens: any text; header and claims signed with the right
 * secret, so that they are looked at; and claims of a provider's.
 */
#include "fuzz.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <unistd.h>

#include "base64url.h"
#include "text.h"
#include "token.h"
#include "token_claims.h"

#define SECRET "an-entirely-secret-text-of-40-characters"
#define NOW 1700000000

static const char key_pem[] =
"-----BEGIN PUBLIC KEY-----\n"
"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEOooyHMfriUCszp0fbEemqUg/++yt\n"
"g4PnHN8J41yYqXEB3B9vRYcWXyIqdDQaExkJ3sYu2jMYAW3kKLBmh9M0pw==\n"
"-----END PUBLIC KEY-----\n";

static struct tokens *
make_tokens(void)
{
	char		path[] = "/tmp/fuzz_token.XXXXXX";
	char		why[256];
	int			fd = mkstemp(path);
	struct token_options options = {
		.secret = SECRET, .previous_secret = "the-one-before-of-at-least-32-bytes!", .ttl = 60,
		.provider_issuer = "https://id", .provider_audience = "api",
	};

	CLAIM(fd >= 0 && write(fd, key_pem, sizeof key_pem - 1) == sizeof key_pem - 1 && close(fd) == 0);
	options.provider_keys = digest_keys_read(path, why, sizeof why);
	CLAIM(options.provider_keys != NULL && unlink(path) == 0);
	return tokens_create(&options);
}

static void
check_token(const struct token *token, bool ours)
{
	CLAIM(token->expires > NOW);
	CLAIM((token->user_id > 0) == ours && (token->subject == NULL) == ours);
	CLAIM(ours || (*token->subject != '\0' && strlen(token->subject) <= TOKEN_SUBJECT_MAX));
}

static void
verify(struct tokens *tokens, const char *text, size_t length)
{
	struct token token;
	enum token_status status = token_verify(tokens, text, length, NOW, &token);

	if (status == TOKEN_OK)
		check_token(&token, true);
	/* from the cache it is the same */
	CLAIM(token_verify(tokens, text, length, NOW, &token) == status);
}

/* Sign header and claims, which must not be altered on the way. */
static void
verify_signed(struct tokens *tokens, const char *header, const char *claims)
{
	struct arena arena = {0};
	struct text text = {0};
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned	mac_length = 0;

	text_add(&text, base64url_encode(header, strlen(header), &arena));
	text_add_char(&text, '.');
	text_add(&text, base64url_encode(claims, strlen(claims), &arena));
	HMAC(EVP_sha256(), SECRET, (int) strlen(SECRET), (unsigned char *) text.data, text.length, mac, &mac_length);
	text_add_char(&text, '.');
	text_add(&text, base64url_encode((char *) mac, mac_length, &arena));
	verify(tokens, text.data, text.length);
	text_free(&text);
	arena_free(&arena);
}

static void
read_claims(const char *claims, size_t length, const char *issuer, const char *audience)
{
	struct token *token = NULL;

	if (token_claims_read(claims, length, issuer, audience, NOW, &token) == TOKEN_OK)
		check_token(token, issuer == NULL);
	else
		CLAIM(token == NULL);
	free(token);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tokens *tokens;
	char	   *bytes = fuzz_bytes(data, size);
	char	   *header;
	char	   *claims;

	if (tokens == NULL)
		tokens = make_tokens();
	CLAIM(tokens != NULL);
	verify(tokens, bytes, size);
	read_claims(bytes, size, NULL, NULL);
	read_claims(bytes, size, "https://id", "api");
	(void) token_header_algorithm(bytes, size);
	free(bytes);

	header = fuzz_string(&data, &size, '\n');
	claims = fuzz_string(&data, &size, '\0');
	verify_signed(tokens, header, claims);
	verify_signed(tokens, "{\"alg\":\"HS256\"}", header);
	free(header);
	free(claims);
	return 0;
}
