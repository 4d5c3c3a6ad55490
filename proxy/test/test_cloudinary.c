/*
 * test_cloudinary.c - signatures: a known one, and what is not taken for one.
 */
#include <string.h>

#include "../cloudinary.h"
#include "check.h"

#define NOW 1700000000

static char name[] = "demo";
static char key[] = "1234";
static char secret[] = "abcd";
static char url[] = "https://api.example.com/media/callback";

/* The example of Cloudinary's documentation. */
static void
test_a_known_signature(void)
{
	static const char signed_text[] =
		"eager=w_400,h_300,c_pad|w_260,h_200,c_crop&public_id=sample_image&timestamp=1315060510";
	const struct digest_piece pieces[] = {{signed_text, sizeof signed_text - 1}, {secret, 4}};
	char		hex[DIGEST_HEX];

	CHECK(digest_hex(DIGEST_SHA1, pieces, 2, hex));
	CHECK(strcmp(hex, "bfd09f95f331f558cbd1320e67aa8d488770583e") == 0);
}

static void
test_an_upload(void)
{
	struct cloudinary cloudinary = {name, key, secret, NULL, DIGEST_SHA1};
	struct text json = {0};
	size_t		length;

	CHECK(cloudinary_add_upload(&json, &cloudinary, "timetrackr/avatars/7", NOW));
	CHECK(strstr(json.data, "\"timestamp\":1700000000,") != NULL && strstr(json.data, "notification_url") == NULL);
	CHECK(strstr(json.data, "abcd") == NULL && !json.failed);
	length = json.length;
	text_reset(&json);
	cloudinary.notification_url = url;
	cloudinary.hash = DIGEST_SHA256;
	CHECK(cloudinary_add_upload(&json, &cloudinary, "timetrackr/avatars/7", NOW));
	CHECK(strstr(json.data, url) != NULL && json.length > length + 24);
	text_free(&json);
}

/* The signature of a notification. */
static void
sign(const struct cloudinary *cloudinary, const char *body, const char *timestamp, enum digest_hash hash, char out[DIGEST_HEX])
{
	const struct digest_piece pieces[] = {
		{body, strlen(body)}, {timestamp, strlen(timestamp)}, {cloudinary->api_secret, strlen(cloudinary->api_secret)},
	};

	CHECK(digest_hex(hash, pieces, 3, out));
}

static void
test_notifications(void)
{
	static const struct
	{
		const char *timestamp;
		bool		is_believed;
	}			cases[] = {
		{"1700000000", true}, {"1699992800", true}, {"1699992799", false}, {"1700000300", true}, {"1700000301", false},
		{"", false}, {"-1", false}, {" 1700000000", false}, {"1700000000 ", false}, {"0x6553f100", false},
		{"9999999999999999999", false}, {"18446744075409551616", false},
	};
	const struct cloudinary cloudinary = {name, key, secret, NULL, DIGEST_SHA1};
	static const char body[] = "{\"a\": 1}";
	size_t		length = sizeof body - 1;
	char		hex[DIGEST_HEX];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
	{
		sign(&cloudinary, body, cases[i].timestamp, DIGEST_SHA1, hex);
		CHECK_CASE(cloudinary_notified(&cloudinary, body, length, cases[i].timestamp, hex, NOW) == cases[i].is_believed,
				   cases[i].timestamp);
	}
	sign(&cloudinary, body, "1700000000", DIGEST_SHA256, hex);
	CHECK(cloudinary_notified(&cloudinary, body, length, "1700000000", hex, NOW));
	CHECK(!cloudinary_notified(&cloudinary, body, length - 1, "1700000000", hex, NOW));
	CHECK(!cloudinary_notified(&cloudinary, body, length, "1700000001", hex, NOW));
	CHECK(!cloudinary_notified(&cloudinary, body, length, "1700000000", NULL, NOW));
	CHECK(!cloudinary_notified(&cloudinary, body, length, NULL, hex, NOW));
	hex[40] = '\0';
	CHECK(!cloudinary_notified(&cloudinary, body, length, "1700000000", hex, NOW));
	CHECK(!cloudinary_notified(&cloudinary, body, length, "1700000000", "", NOW));
}

static void
test_answers(void)
{
	const struct cloudinary cloudinary = {name, key, secret, NULL, DIGEST_SHA1};
	char		hex[DIGEST_HEX];

	sign(&cloudinary, "public_id=sample&version=1312461204", "", DIGEST_SHA1, hex);
	CHECK(cloudinary_answered(&cloudinary, "sample", "1312461204", hex));
	CHECK(!cloudinary_answered(&cloudinary, "sample", "1312461205", hex));
	CHECK(!cloudinary_answered(&cloudinary, "sampl", "1312461204", hex));
	hex[0] ^= 1;
	CHECK(!cloudinary_answered(&cloudinary, "sample", "1312461204", hex));
}

int
main(void)
{
	test_a_known_signature();
	test_an_upload();
	test_notifications();
	test_answers();
	return check_summary("cloudinary");
}
