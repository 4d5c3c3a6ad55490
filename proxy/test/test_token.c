/*
 * test_token.c - a matrix of forged, broken and good tokens against token.c.
 *
 * Forgeries are signed here with the right secret unless the case is about the
 * signature, so each one must be refused for the reason it names.
 */
#include "../token.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#define SECRET "an-entirely-secret-text-of-40-characters"
#define NOW 1700000000
#define CLAIMS "\"iss\":\"timetrackr\",\"sub\":\"42\",\"iat\":1699999990,\"exp\":1700003600"
#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

static void
base64url(const unsigned char *bytes, size_t length, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t		at = 0;

	for (size_t i = 0; i < length; i += 3)
	{
		unsigned	word = (unsigned) bytes[i] << 16;
		size_t		left = length - i;

		word |= left > 1 ? (unsigned) bytes[i + 1] << 8 : 0;
		word |= left > 2 ? bytes[i + 2] : 0;
		out[at++] = digits[word >> 18];
		out[at++] = digits[word >> 12 & 63];
		if (left > 1)
			out[at++] = digits[word >> 6 & 63];
		if (left > 2)
			out[at++] = digits[word & 63];
	}
	out[at] = '\0';
}

/* Sign any header and payload with any key and digest. */
static void
forge(const char *header, const char *payload, const char *key, const EVP_MD *digest, char out[8192])
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned	mac_length = 0;
	size_t		length;

	base64url((const unsigned char *) header, strlen(header), out);
	length = strlen(out);
	out[length++] = '.';
	base64url((const unsigned char *) payload, strlen(payload), out + length);
	length = strlen(out);
	HMAC(digest, key, (int) strlen(key), (const unsigned char *) out, length, mac, &mac_length);
	out[length++] = '.';
	base64url(mac, mac_length, out + length);
}

static struct tokens *
create(const char *secret, long ttl)
{
	return tokens_create(&(struct token_options) {.secret = secret, .ttl = ttl});
}

/* Verify; `*user_id` is set only by a good token. */
static enum token_status
verify_at(struct tokens *tokens, const char *text, size_t length, time_t now, int64_t *user_id)
{
	struct token token;
	enum token_status status = token_verify(tokens, text, length, now, &token);

	if (status == TOKEN_OK)
		*user_id = token.user_id;
	return status;
}

static enum token_status
verify(struct tokens *tokens, const char *text, int64_t *user_id)
{
	return verify_at(tokens, text, strlen(text), NOW, user_id);
}

/* What tokens signed with the right key may say, and what comes of it. */
static const struct
{
	const char *header;
	const char *payload;
	enum token_status expected;
}			cases[] = {
	{HEADER, "{" CLAIMS "}", TOKEN_OK},
	{"{\"typ\":\"JWT\",\"alg\":\"HS256\"}", "{" CLAIMS ",\"role\":\"admin\",\"nbf\":1699999999}", TOKEN_OK},
	{"{\"alg\":\"HS256\"}", "{" CLAIMS "}", TOKEN_OK},
	{"{\"alg\":\"HS256\",\"typ\":\"jwt\"}", "{" CLAIMS "}", TOKEN_OK},
	/* header */
	{"{\"alg\":\"hs256\",\"typ\":\"JWT\"}", "{" CLAIMS "}", TOKEN_BAD},
	{"{\"alg\":\"Hs256\"}", "{" CLAIMS "}", TOKEN_BAD},
	{"{\"alg\":\"none\"}", "{" CLAIMS "}", TOKEN_BAD},
	{"{\"alg\":\"None\",\"typ\":\"JWT\"}", "{" CLAIMS "}", TOKEN_BAD},
	{"{\"alg\":\"RS256\"}", "{" CLAIMS "}", TOKEN_BAD},
	{"{\"alg\":\"ES256\"}", "{" CLAIMS "}", TOKEN_BAD},
	{"{\"alg\":null}", "{" CLAIMS "}", TOKEN_BAD},
	{"{\"alg\":[\"HS256\"]}", "{" CLAIMS "}", TOKEN_BAD},
	{"{\"alg\":\"HS256 \"}", "{" CLAIMS "}", TOKEN_BAD},
	{"{\"alg\":\"HS256\\u0000\"}", "{" CLAIMS "}", TOKEN_BAD},
	{"{}", "{" CLAIMS "}", TOKEN_BAD},
	{"[]", "{" CLAIMS "}", TOKEN_BAD},
	{"[\"alg\",\"HS256\"]", "{" CLAIMS "}", TOKEN_BAD},
	{"null", "{" CLAIMS "}", TOKEN_BAD},
	{"\"HS256\"", "{" CLAIMS "}", TOKEN_BAD},
	{"x", "{" CLAIMS "}", TOKEN_BAD},
	{"{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", "{" CLAIMS "}", TOKEN_BAD},
	{"{\"alg\":\"HS256\",\"crit\":null}", "{" CLAIMS "}", TOKEN_BAD},
	{"{\"alg\":\"HS256\",\"crit\":[]}", "{" CLAIMS "}", TOKEN_BAD},
	{"{\"alg\":\"HS256\",\"typ\":\"JWE\"}", "{" CLAIMS "}", TOKEN_BAD},
	{"{\"alg\":\"HS256\",\"typ\":1}", "{" CLAIMS "}", TOKEN_BAD},
	{"{\"alg\":\"HS256\",\"typ\":null}", "{" CLAIMS "}", TOKEN_BAD},
	/* exp */
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":\"42\"}", TOKEN_BAD},
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":\"42\",\"exp\":1700000000}", TOKEN_EXPIRED},
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":\"42\",\"exp\":1700000001}", TOKEN_OK},
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":\"42\",\"exp\":0}", TOKEN_EXPIRED},
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":\"42\",\"exp\":-5}", TOKEN_EXPIRED},
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":\"42\",\"exp\":\"1700003600\"}", TOKEN_BAD},
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":\"42\",\"exp\":1700003600.5}", TOKEN_BAD},
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":\"42\",\"exp\":17e9}", TOKEN_BAD},
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":\"42\",\"exp\":true}", TOKEN_BAD},
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":\"42\",\"exp\":null}", TOKEN_BAD},
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":\"42\",\"exp\":[1700003600]}", TOKEN_BAD},
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":\"42\",\"exp\":{}}", TOKEN_BAD},
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":\"42\",\"exp\":99999999999999999999}", TOKEN_BAD},
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":\"42\",\"exp\":1e999}", TOKEN_BAD},
	/* nbf, iat: a clock 30 s ahead is forgiven */
	{HEADER, "{" CLAIMS ",\"nbf\":1700000030}", TOKEN_OK},
	{HEADER, "{" CLAIMS ",\"nbf\":1700000031}", TOKEN_BAD},
	{HEADER, "{" CLAIMS ",\"nbf\":\"1\"}", TOKEN_BAD},
	{HEADER, "{" CLAIMS ",\"nbf\":null}", TOKEN_BAD},
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":\"42\",\"exp\":1700003600,\"iat\":1700000031}", TOKEN_BAD},
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":\"42\",\"exp\":1700003600,\"iat\":\"1699999990\"}", TOKEN_BAD},
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":\"42\",\"exp\":1700003600,\"iat\":1.5}", TOKEN_BAD},
	/* iss */
	{HEADER, "{\"sub\":\"42\",\"exp\":1700003600}", TOKEN_BAD},
	{HEADER, "{\"iss\":\"TimeTrackr\",\"sub\":\"42\",\"exp\":1700003600}", TOKEN_BAD},
	{HEADER, "{\"iss\":\"timetrackr2\",\"sub\":\"42\",\"exp\":1700003600}", TOKEN_BAD},
	{HEADER, "{\"iss\":[\"timetrackr\"],\"sub\":\"42\",\"exp\":1700003600}", TOKEN_BAD},
	/* sub */
	{HEADER, "{\"iss\":\"timetrackr\",\"exp\":1700003600}", TOKEN_BAD},
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":42,\"exp\":1700003600}", TOKEN_BAD},
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":[\"42\"],\"exp\":1700003600}", TOKEN_BAD},
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":\"\",\"exp\":1700003600}", TOKEN_BAD},
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":\"0\",\"exp\":1700003600}", TOKEN_BAD},
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":\"-42\",\"exp\":1700003600}", TOKEN_BAD},
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":\"+42\",\"exp\":1700003600}", TOKEN_BAD},
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":\" 42\",\"exp\":1700003600}", TOKEN_BAD},
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":\"42 \",\"exp\":1700003600}", TOKEN_BAD},
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":\"042\",\"exp\":1700003600}", TOKEN_BAD},
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":\"0x2a\",\"exp\":1700003600}", TOKEN_BAD},
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":\"42.0\",\"exp\":1700003600}", TOKEN_BAD},
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":\"42\\u0000\",\"exp\":1700003600}", TOKEN_BAD},
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":\"9223372036854775807\",\"exp\":1700003600}", TOKEN_OK},
	{HEADER, "{\"iss\":\"timetrackr\",\"sub\":\"9223372036854775808\",\"exp\":1700003600}", TOKEN_BAD},
	/* not a claims object */
	{HEADER, "[]", TOKEN_BAD},
	{HEADER, "[{" CLAIMS "}]", TOKEN_BAD},
	{HEADER, "null", TOKEN_BAD},
	{HEADER, "42", TOKEN_BAD},
	{HEADER, "{", TOKEN_BAD},
	{HEADER, "{" CLAIMS "}x", TOKEN_BAD},
	{HEADER, "{" CLAIMS ",\"name\":\"\xff\xfe\"}", TOKEN_BAD},
};

/* A token signed with the right key is refused for what it says. */
static void
test_claims(struct tokens *tokens)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
	{
		char		text[8192];
		char		name[1024];
		int64_t		user_id = -1;
		enum token_status status;

		forge(cases[i].header, cases[i].payload, SECRET, EVP_sha256(), text);
		snprintf(name, sizeof name, "%s %s", cases[i].header, cases[i].payload);
		status = verify(tokens, text, &user_id);
		CHECK_CASE(status == cases[i].expected, name);
		CHECK_CASE((status == TOKEN_OK) == (user_id > 0), name);
		/* The second time it may come from the cache: the answer is the same. */
		CHECK_CASE(verify(tokens, text, &user_id) == cases[i].expected, name);
	}
}

/* A wrong key, a wrong digest or a changed byte anywhere is refused. */
static void
test_signature(struct tokens *tokens)
{
	char		text[8192];
	char		changed[8192];
	int64_t		user_id;
	size_t		length;

	forge(HEADER, "{" CLAIMS "}", "another-secret-text-of-40-characters-xxx", EVP_sha256(), text);
	CHECK(verify(tokens, text, &user_id) == TOKEN_BAD);
	forge(HEADER, "{" CLAIMS "}", "", EVP_sha256(), text);
	CHECK(verify(tokens, text, &user_id) == TOKEN_BAD);
	forge("{\"alg\":\"HS512\",\"typ\":\"JWT\"}", "{" CLAIMS "}", SECRET, EVP_sha512(), text);
	CHECK(verify(tokens, text, &user_id) == TOKEN_BAD);
	forge("{\"alg\":\"HS384\",\"typ\":\"JWT\"}", "{" CLAIMS "}", SECRET, EVP_sha384(), text);
	CHECK(verify(tokens, text, &user_id) == TOKEN_BAD);
	forge(HEADER, "{" CLAIMS "}", SECRET, EVP_sha512(), text);
	CHECK(verify(tokens, text, &user_id) == TOKEN_BAD);

	forge(HEADER, "{" CLAIMS "}", SECRET, EVP_sha256(), text);
	CHECK(verify(tokens, text, &user_id) == TOKEN_OK);
	length = strlen(text);
	for (size_t i = 0; i < length; i++)
	{
		memcpy(changed, text, length + 1);
		changed[i] = changed[i] == 'A' ? 'B' : 'A';
		CHECK(verify(tokens, changed, &user_id) == TOKEN_BAD);
		CHECK(verify_at(tokens, text, i, NOW, &user_id) == TOKEN_BAD);
	}
	CHECK(verify(tokens, text, &user_id) == TOKEN_OK && user_id == 42);
}

/* Texts that are no token at all; none may crash. */
static void
test_broken(struct tokens *tokens)
{
	static const char *const texts[] = {
		"", ".", "..", "...", "a.", ".a", "a.b", "a..c", ".b.c", "a.b.", "aa.bb.cc.dd", "....",
		"aa.bb.cc", "e30.e30.e30", "e30.e30.", "eyJhbGciOiJIUzI1NiJ9..", "a b.c.d", "aa=.bb.cc", "aa.b+b.cc",
		"aa.b/b.cc", "aa.bb.cc\n", " aa.bb.cc", "Bearer aa.bb.cc", "aaaaa.bb.cc", "\xc3\xa4.\xc3\xa4.\xc3\xa4",
	};
	int64_t		user_id = -1;
	char		text[8192];
	char		payload[2048];
	char	   *large;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		CHECK_CASE(verify(tokens, texts[i], &user_id) == TOKEN_BAD, texts[i]);
	CHECK(verify_at(tokens, "aa.\0b.cc", 8, NOW, &user_id) == TOKEN_BAD);

	forge(HEADER, "{" CLAIMS "}", SECRET, EVP_sha256(), text);
	CHECK(verify_at(tokens, text, strlen(text) + 1, NOW, &user_id) == TOKEN_BAD);	/* its NUL too */

	snprintf(payload, sizeof payload, "{" CLAIMS ",\"x\":\"%01500d\"}", 0);
	forge(HEADER, payload, SECRET, EVP_sha256(), text);
	CHECK(strlen(text) > TOKEN_MAX && verify(tokens, text, &user_id) == TOKEN_BAD);

	large = malloc(1 << 20);
	memset(large, 'a', 1 << 20);
	CHECK(verify_at(tokens, large, 1 << 20, NOW, &user_id) == TOKEN_BAD);
	free(large);
	CHECK(user_id == -1);
}

/* Random changes of a good token, random lengths: never accepted, never a crash. */
static void
test_noise(struct tokens *tokens)
{
	char		good[8192];
	char		text[8192];
	size_t		length;
	int			accepted = 0;

	forge(HEADER, "{" CLAIMS "}", SECRET, EVP_sha256(), good);
	length = strlen(good);
	srandom(7);
	for (int round = 0; round < 20000; round++)
	{
		int64_t		user_id = 0;
		size_t		used = (size_t) random() % (length + 1);

		memcpy(text, good, length + 1);
		for (long changes = 1 + random() % 4; changes > 0; changes--)
			text[(size_t) random() % length] = ".aAzZ09-_=\n\xff"[random() % 12];
		if (random() % 2)
			used = length;
		if (verify_at(tokens, text, used, NOW, &user_id) == TOKEN_OK)
			accepted += used != length || memcmp(text, good, length) != 0;
	}
	CHECK(accepted == 0);
}

/* What is issued verifies until it expires, cached or not, and only with its own secret. */
static void
test_issue(struct tokens *tokens)
{
	struct tokens *other = create("yet-another-secret-of-at-least-32-bytes", 60);
	char		text[TOKEN_MAX + 1];
	char		role[2000];
	int64_t		user_id = 0;

	CHECK(token_issue(tokens, INT64_C(9007199254740993), "admin", NOW, text, sizeof text));
	CHECK(verify(tokens, text, &user_id) == TOKEN_OK && user_id == INT64_C(9007199254740993));
	CHECK(verify(other, text, &user_id) == TOKEN_BAD);
	CHECK(verify_at(tokens, text, strlen(text), NOW + 3599, &user_id) == TOKEN_OK);
	CHECK(verify_at(tokens, text, strlen(text), NOW + 3600, &user_id) == TOKEN_EXPIRED);
	CHECK(verify_at(tokens, text, strlen(text), NOW - 3600, &user_id) == TOKEN_OK);	/* cached: passed before */
	CHECK(!token_issue(tokens, 1, "user", NOW, text, 20));
	memset(role, 'r', sizeof role - 1);
	role[sizeof role - 1] = '\0';
	CHECK(!token_issue(tokens, 1, role, NOW, text, sizeof text));
	CHECK(!token_issue(tokens, 1, "\xff", NOW, text, sizeof text));
	tokens_free(other);
}

/* Far more tokens than the cache holds: each is still told apart. */
static void
test_cache(struct tokens *tokens)
{
	char		text[TOKEN_MAX + 1];
	int			wrong = 0;

	for (int round = 0; round < 2; round++)
		for (int64_t user = 1; user <= 5000; user++)
		{
			int64_t		user_id = 0;

			if (!token_issue(tokens, user, "user", NOW, text, sizeof text) ||
				verify(tokens, text, &user_id) != TOKEN_OK || user_id != user ||
				verify(tokens, text, &user_id) != TOKEN_OK || user_id != user)
				wrong++;
		}
	CHECK(wrong == 0);
}

int
main(void)
{
	struct tokens *tokens = create(SECRET, 3600);

	if (!CHECK(tokens != NULL))
		return check_summary("token");
	CHECK(create("only-31-bytes-long-xxxxxxxxxxxx", 3600) == NULL);
	CHECK(create("", 3600) == NULL);
	CHECK(create(NULL, 3600) == NULL);
	CHECK(create(SECRET, 0) == NULL);
	test_claims(tokens);
	test_signature(tokens);
	test_broken(tokens);
	test_noise(tokens);
	test_issue(tokens);
	test_cache(tokens);
	tokens_free(tokens);
	tokens_free(NULL);
	return check_summary("token");
}
