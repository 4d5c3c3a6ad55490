/*
 * base64url.c - encodes and decodes base64url (see base64url.h).
 */
#include "base64url.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

char *
base64url_encode(const char *bytes, size_t length, struct arena *arena)
{
	char	   *text = arena_take(arena, length * 4 / 3 + 4);
	char	   *to = text;

	if (text == NULL)
		return NULL;
	for (size_t i = 0; i < length; i += 3)
	{
		size_t		left = length - i;
		unsigned	bits = (unsigned) (unsigned char) bytes[i] << 16;

		bits |= left > 1 ? (unsigned) (unsigned char) bytes[i + 1] << 8 : 0;
		bits |= left > 2 ? (unsigned) (unsigned char) bytes[i + 2] : 0;
		*to++ = digits[bits >> 18 & 63];
		*to++ = digits[bits >> 12 & 63];
		if (left > 1)
			*to++ = digits[bits >> 6 & 63];
		if (left > 2)
			*to++ = digits[bits & 63];
	}
	*to = '\0';
	return text;
}

int
base64url_decode(const char *text, char *out, size_t out_size)
{
	unsigned	bits = 0;
	int			bit_count = 0;
	size_t		length = 0;

	for (; *text != '\0'; text++)
	{
		const char *digit = strchr(digits, *text);

		if (digit == NULL || length == out_size)
			return -1;
		bits = (bits << 6 | (unsigned) (digit - digits)) & 0xFFFF;
		bit_count += 6;
		if (bit_count < 8)
			continue;
		bit_count -= 8;
		out[length++] = (char) (bits >> bit_count & 0xFF);
	}
	/* what is left over is less than a digit, and zero: each byte string has one spelling */
	return bit_count < 6 && (bits & ((1u << bit_count) - 1)) == 0 ? (int) length : -1;
}
