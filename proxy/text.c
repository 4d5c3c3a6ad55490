/*
 * text.c - a growing piece of text, JSON strings and percent-encoding.
 */
#include "text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
text_reserve(struct text *text, size_t more)
{
	size_t		needed;
	size_t		capacity;
	char	   *data;

	if (text->failed)
		return false;
	if (more >= TEXT_MAX - text->length)
	{
		text->failed = true;
		return false;
	}
	needed = text->length + more + 1;
	if (needed <= text->capacity)
		return true;

	capacity = text->capacity ? text->capacity : 256;
	while (capacity < needed)
		capacity *= 2;
	data = realloc(text->data, capacity);
	if (data == NULL)
	{
		text->failed = true;
		return false;
	}
	text->data = data;
	text->capacity = capacity;
	return true;
}

void
text_want(struct text *text, size_t more)
{
	(void) text_reserve(text, more);	/* a failure is noted in the text */
}

void
text_add(struct text *text, const char *string)
{
	text_add_bytes(text, string, strlen(string));
}

void
text_add_char(struct text *text, char byte)
{
	text_add_bytes(text, &byte, 1);
}

void
text_add_number(struct text *text, unsigned long long number, int digits)
{
	char		decimal[24];
	char	   *at = decimal + sizeof decimal;

	do
	{
		*--at = (char) ('0' + number % 10);
		number /= 10;
		digits--;
	} while ((number > 0 || digits > 0) && at > decimal);
	text_add_bytes(text, at, (size_t) (decimal + sizeof decimal - at));
}

void
text_printf(struct text *text, const char *format, ...)
{
	char		small[256];
	va_list		args;
	va_list		again;
	int			length;

	va_start(args, format);
	va_copy(again, args);
	length = vsnprintf(small, sizeof small, format, args);
	va_end(args);
	if (length < 0)
		text->failed = true;
	else if ((size_t) length < sizeof small)
		text_add_bytes(text, small, (size_t) length);
	else if (text_reserve(text, (size_t) length))
	{
		vsnprintf(text->data + text->length, (size_t) length + 1, format, again);
		text->length += (size_t) length;
	}
	va_end(again);
}

/*
 * Length of the well-formed UTF-8 sequence at `bytes` (RFC 3629, table in
 * section 4), or 0 when there is none within `left` bytes.
 */
static size_t
utf8_sequence(const unsigned char *bytes, size_t left)
{
	unsigned char first = bytes[0];
	unsigned char low = 0x80;
	unsigned char high = 0xBF;
	size_t		length;

	if (first < 0x80)
		return 1;
	if (first >= 0xC2 && first <= 0xDF)
		length = 2;
	else if (first >= 0xE0 && first <= 0xEF)
		length = 3;
	else if (first >= 0xF0 && first <= 0xF4)
		length = 4;
	else
		return 0;
	if (length > left)
		return 0;

	if (first == 0xE0)
		low = 0xA0;
	else if (first == 0xED)
		high = 0x9F;
	else if (first == 0xF0)
		low = 0x90;
	else if (first == 0xF4)
		high = 0x8F;
	if (bytes[1] < low || bytes[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((bytes[i] & 0xC0) != 0x80)
			return 0;
	return length;
}

bool
text_is_utf8(const char *bytes, size_t length)
{
	const unsigned char *at = (const unsigned char *) bytes;

	while (length > 0)
	{
		size_t		step = *at < 0x80 ? 1 : utf8_sequence(at, length);

		if (step == 0)
			return false;
		at += step;
		length -= step;
	}
	return true;
}

/* Add one byte below 0x20, a quote, a backslash or DEL in its JSON form. */
static void
add_escaped(struct text *text, unsigned char byte)
{
	switch (byte)
	{
		case '"':
			text_add_bytes(text, "\\\"", 2);
			break;
		case '\\':
			text_add_bytes(text, "\\\\", 2);
			break;
		case '\n':
			text_add_bytes(text, "\\n", 2);
			break;
		case '\r':
			text_add_bytes(text, "\\r", 2);
			break;
		case '\t':
			text_add_bytes(text, "\\t", 2);
			break;
		default:
			text_printf(text, "\\u%04x", byte);
			break;
	}
}

/* Does this byte stand in a JSON string as it is, whatever is around it? */
static bool
is_plain(unsigned char byte)
{
	return byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\';
}

void
text_add_json_bytes(struct text *text, const char *bytes, size_t length)
{
	const unsigned char *at = (const unsigned char *) bytes;
	const unsigned char *end;
	const unsigned char *plain = at;	/* from here to `at` all goes out as it is */

	if (bytes == NULL)
	{
		text_add_bytes(text, "null", 4);
		return;
	}
	end = at + length;
	text_add_char(text, '"');
	for (;;)
	{
		size_t		step;

		while (at < end && is_plain(*at))
			at++;
		if (at == end)
			break;
		step = utf8_sequence(at, (size_t) (end - at));
		if (step > 1)
		{
			at += step;
			continue;
		}
		text_add_bytes(text, (const char *) plain, (size_t) (at - plain));
		if (step == 0)
			text_add_bytes(text, "\xEF\xBF\xBD", 3);
		else
			add_escaped(text, *at);
		plain = ++at;
	}
	text_add_bytes(text, (const char *) plain, (size_t) (at - plain));
	text_add_char(text, '"');
}

void
text_add_json(struct text *text, const char *string)
{
	text_add_json_bytes(text, string, string ? strlen(string) : 0);
}

void
text_add_percent(struct text *text, const char *string)
{
	for (const char *at = string; *at != '\0'; at++)
	{
		unsigned char byte = (unsigned char) *at;

		if ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
			(byte >= '0' && byte <= '9') || strchr("-._~", byte) != NULL)
			text_add_char(text, *at);
		else
			text_printf(text, "%%%02X", byte);
	}
}

void
text_reset(struct text *text)
{
	text->length = 0;
	text->failed = false;
	if (text->data != NULL)
		text->data[0] = '\0';
}

char *
text_take(struct text *text)
{
	char	   *data;

	if (!text->failed)
		text_add_bytes(text, "", 0);	/* an empty text has data too */
	if (text->failed)
	{
		text_free(text);
		return NULL;
	}
	data = text->data;
	*text = (struct text) {0};
	return data;
}

void
text_free(struct text *text)
{
	free(text->data);
	*text = (struct text) {0};
}
