/*
 * cloudinary.c - signatures (see cloudinary.h): a hash of what is signed, with
 * the secret behind it.
 */
#include "cloudinary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Seconds that a notification is believed, and that its clock may be ahead. */
#define NOTIFICATION_AGE 7200
#define CLOCK_SKEW 300

/* Digits of a time that does not overflow. */
#define TIMESTAMP_DIGITS 18

/* What is uploaded is made to fit this at its arrival. */
#define INCOMING "c_limit,h_1024,w_1024"

#define UPLOAD_PARAMS 7

struct param
{
	const char *name;
	const char *value;			/* NULL: it is not sent */
};

/* Hash pieces of text with the secret behind them. */
static bool
sign(const struct cloudinary *cloudinary, enum digest_hash hash, const char *text, size_t length,
	 const char *more, char out[DIGEST_HEX])
{
	const struct digest_piece pieces[] = {
		{text, length},
		{more, strlen(more)},
		{cloudinary->api_secret, strlen(cloudinary->api_secret)},
	};

	return digest_hex(hash, pieces, sizeof pieces / sizeof pieces[0], out);
}

/* Is this the signature, by either hash? It is compared in a time that tells nothing of it. */
static bool
is_signature(const struct cloudinary *cloudinary, const char *text, size_t length, const char *more,
			 const char *signature)
{
	enum digest_hash hash = strlen(signature) == DIGEST_SHA256_HEX ? DIGEST_SHA256 : DIGEST_SHA1;
	char		expected[DIGEST_HEX];

	return sign(cloudinary, hash, text, length, more, expected) &&
		strlen(signature) == strlen(expected) && digest_equal(signature, expected, strlen(expected));
}

/* name=value&name=value, in the order of names that they are given in. */
static void
add_signed_text(struct text *text, const struct param *params)
{
	for (size_t i = 0; i < UPLOAD_PARAMS; i++)
		if (params[i].value != NULL)
			text_printf(text, "%s%s=%s", text->length > 0 ? "&" : "", params[i].name, params[i].value);
}

bool
cloudinary_add_upload(struct text *json, const struct cloudinary *cloudinary, const char *public_id, time_t now)
{
	char		timestamp[24];
	char		signature[DIGEST_HEX];
	struct text text = {0};
	bool		good;
	const struct param params[UPLOAD_PARAMS] = {
		{"allowed_formats", "gif,jpg,png,webp"},
		{"invalidate", "true"},
		{"notification_url", cloudinary->notification_url},
		{"overwrite", "true"},
		{"public_id", public_id},
		{"timestamp", timestamp},
		{"transformation", INCOMING},
	};

	snprintf(timestamp, sizeof timestamp, "%lld", (long long) now);
	add_signed_text(&text, params);
	good = !text.failed && sign(cloudinary, cloudinary->hash, text.data, text.length, "", signature);
	text_free(&text);
	if (!good)
		return false;
	text_printf(json, "{\"upload_url\":\"https://api.cloudinary.com/v1_1/%s/image/upload\",\"api_key\":",
				cloudinary->cloud_name);
	text_add_json(json, cloudinary->api_key);
	for (size_t i = 0; i < UPLOAD_PARAMS; i++)
	{
		if (params[i].value == NULL)
			continue;
		text_printf(json, ",\"%s\":", params[i].name);
		if (params[i].value == timestamp)
			text_add(json, timestamp);
		else
			text_add_json(json, params[i].value);
	}
	text_printf(json, ",\"signature\":\"%s\"}", signature);
	return true;
}

bool
cloudinary_answered(const struct cloudinary *cloudinary, const char *public_id, const char *version,
					const char *signature)
{
	struct text text = {0};
	bool		good;

	text_printf(&text, "public_id=%s&version=%s", public_id, version);
	good = !text.failed && is_signature(cloudinary, text.data, text.length, "", signature);
	text_free(&text);
	return good;
}

bool
cloudinary_notified(const struct cloudinary *cloudinary, const char *body, size_t length,
					const char *timestamp, const char *signature, time_t now)
{
	size_t		digits = timestamp != NULL ? strlen(timestamp) : 0;
	long long	sent;

	if (signature == NULL || digits == 0 || digits > TIMESTAMP_DIGITS || strspn(timestamp, "0123456789") != digits)
		return false;
	sent = strtoll(timestamp, NULL, 10);
	return sent >= (long long) now - NOTIFICATION_AGE && sent <= (long long) now + CLOCK_SKEW &&
		is_signature(cloudinary, body, length, timestamp, signature);
}
