/*
 * mail_message.c - headers as RFC 5322 and 2047 have them, and bodies in quoted-printable (RFC 2045).
 *
 * Both bodies are made of the same paragraphs. Everything that is not plain is encoded, so that
 * nothing a user has written can end a line, a header or a part.
 */
#include "mail_message.h"

#include <stdio.h>
#include <string.h>

/* Parts are encoded, so no line of theirs begins with "--" and this. */
#define BOUNDARY "=_timetrackr"

/* RFC 2045 6.7: 76 characters, a "=" at the end of those that go on included. */
#define LINE_MOST 75
/* RFC 2047 2: an encoded word has 75 at most: so many bytes in base64, with =?UTF-8?B? and ?= around. */
#define WORD_BYTES 42

static const char hex[] = "0123456789ABCDEF";

/* ---- headers ---- */

/* How many bytes the UTF-8 character at `at` has; 1 for what is none. */
static size_t
character(const char *at)
{
	unsigned char first = (unsigned char) *at;
	size_t		length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;

	for (size_t i = 1; i < length; i++)
		if (((unsigned char) at[i] & 0xc0) != 0x80)
			return 1;
	return length;
}

static void
add_base64(struct text *out, const unsigned char *bytes, size_t length)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < length; i += 3)
	{
		unsigned	bits = (unsigned) bytes[i] << 16;

		if (i + 1 < length)
			bits |= (unsigned) bytes[i + 1] << 8;
		if (i + 2 < length)
			bits |= bytes[i + 2];
		text_add_char(out, alphabet[bits >> 18]);
		text_add_char(out, alphabet[bits >> 12 & 63]);
		text_add_char(out, i + 1 < length ? alphabet[bits >> 6 & 63] : '=');
		text_add_char(out, i + 2 < length ? alphabet[bits & 63] : '=');
	}
}

/* Words of RFC 2047, none of which cuts a character, each on a line of its own. */
static void
add_encoded(struct text *out, const char *value)
{
	const char *separator = "";

	while (*value != '\0')
	{
		unsigned char word[WORD_BYTES];
		size_t		length = 0;

		for (size_t next; *value != '\0' && length + (next = character(value)) <= sizeof word; value += next)
		{
			/* a control character, such as an end of line, is a blank */
			memcpy(word + length, (unsigned char) *value < ' ' || *value == 0x7f ? " " : value, next);
			length += next;
		}
		text_printf(out, "%s=?UTF-8?B?", separator);
		add_base64(out, word, length);
		text_add(out, "?=");
		separator = "\r\n ";
	}
}

/* Is it short, and does it look the same as an atom or within quotes? */
static bool
is_plain(const char *value, const char *special)
{
	size_t		length = strlen(value);

	if (length == 0 || length > 60 || value[0] == ' ' || value[length - 1] == ' ' || strstr(value, "=?") != NULL)
		return false;
	for (const char *c = value; *c != '\0'; c++)
		if (*c < ' ' || *c > '~' || strchr(special, *c) != NULL)
			return false;
	return true;
}

static void
add_subject(struct text *out, const char *subject)
{
	text_add(out, "Subject: ");
	if (is_plain(subject, ""))
		text_add(out, subject);
	else
		add_encoded(out, subject);
	text_add(out, "\r\n");
}

/* An address: whoever stored it has checked it; still, nothing in it ends the header. */
static void
add_address(struct text *out, const char *address)
{
	text_add_char(out, '<');
	for (const char *c = address; *c != '\0'; c++)
		if ((unsigned char) *c > ' ' && *c != 0x7f && *c != '<' && *c != '>')
			text_add_char(out, *c);
	text_add_char(out, '>');
}

static void
add_mailbox(struct text *out, const char *header, const char *name, const char *address)
{
	text_printf(out, "%s: ", header);
	if (name != NULL && is_plain(name, "\"\\"))
		text_printf(out, "\"%s\"\r\n ", name);
	else if (name != NULL && *name != '\0')
	{
		add_encoded(out, name);
		text_add(out, "\r\n ");
	}
	add_address(out, address);
	text_add(out, "\r\n");
}

static void
add_date(struct text *out, time_t date)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
	};
	struct tm	utc = {0};

	if (gmtime_r(&date, &utc) == NULL)
		return;
	text_printf(out, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n", days[utc.tm_wday], utc.tm_mday,
				months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

static void
add_headers(struct text *out, const struct mail_message *message)
{
	const char *at = strrchr(message->from_address, '@');

	add_date(out, message->date);
	add_mailbox(out, "From", message->from_name, message->from_address);
	add_mailbox(out, "To", message->to_name, message->to_address);
	add_subject(out, message->subject);
	text_printf(out, "Message-ID: <%s%s>\r\n", message->message_id, at != NULL ? at : "@localhost");
	text_add(out, "Auto-Submitted: auto-generated\r\n");
	if (message->unsubscribe != NULL)
		text_printf(out, "List-Unsubscribe:\r\n <%s>\r\n"
					"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", message->unsubscribe);
	text_add(out, "MIME-Version: 1.0\r\n"
			 "Content-Type: multipart/alternative; boundary=\"" BOUNDARY "\"\r\n\r\n");
}

/* ---- bodies ---- */

/* Quoted-printable as it grows: how long its last line is. */
struct printable
{
	struct text *out;
	size_t		column;
};

static void
end_line(struct printable *part)
{
	text_add(part->out, "\r\n");
	part->column = 0;
}

/* A byte, encoded or as it is; a line that would be too long goes on with the next one. */
static void
add_byte_as(struct printable *part, unsigned char byte, bool encoded)
{
	size_t		width = encoded ? 3 : 1;

	if (part->column + width > LINE_MOST)
	{
		text_add(part->out, "=\r\n");
		part->column = 0;
	}
	if (encoded)
		text_printf(part->out, "=%c%c", hex[byte >> 4], hex[byte & 15]);
	else
		text_add_char(part->out, (char) byte);
	part->column += width;
}

static void
add_byte(struct printable *part, unsigned char byte)
{
	bool		plain = byte >= ' ' && byte <= '~' && byte != '=';
	/* at the beginning of a line these mean something to SMTP, to mailboxes, or end a part */
	bool		begins_line = part->column == 0 || part->column == LINE_MOST;

	add_byte_as(part, byte, !plain || (begins_line && (byte == '.' || byte == 'F' || byte == '-')));
}

/* Text; an end of line in it stays one. A blank in front of it would get lost on the way. */
static void
add_bytes(struct printable *part, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
	{
		bool		ends_line = i + 1 == length || text[i + 1] == '\n';

		if (text[i] == '\n')
			end_line(part);
		else if (text[i] == ' ' && ends_line)
			add_byte_as(part, ' ', true);
		else
			add_byte(part, (unsigned char) text[i]);
	}
}

static void
add_string(struct printable *part, const char *text)
{
	add_bytes(part, text, strlen(text));
}

static void
add_html(struct printable *part, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
	{
		if (text[i] == '&')
			add_string(part, "&amp;");
		else if (text[i] == '<')
			add_string(part, "&lt;");
		else if (text[i] == '>')
			add_string(part, "&gt;");
		else if (text[i] == '"')
			add_string(part, "&quot;");
		else if (text[i] == '\n')
			end_line(part);
		else
			add_byte(part, (unsigned char) text[i]);
	}
}

/* Is a paragraph this placeholder? */
static bool
is_placeholder(const char *paragraph, size_t length, const char *name)
{
	return length == strlen(name) && memcmp(paragraph, name, length) == 0;
}

/* A paragraph, or the address that it stands for; false: it is one that there is none of. */
static bool
find_address(const struct mail_message *message, const char *text, size_t length, const char **address)
{
	bool		is_link = is_placeholder(text, length, "{link}");
	bool		is_choices = is_placeholder(text, length, "{choices}");

	*address = is_link ? message->link : is_choices ? message->choices : NULL;
	return *address != NULL || (!is_link && !is_choices);
}

static void
add_plain_paragraph(struct printable *part, const char *address, const char *text, size_t length)
{
	if (address != NULL)
		add_string(part, address);
	else
		add_bytes(part, text, length);
	end_line(part);
	end_line(part);
}

static void
add_html_paragraph(struct printable *part, const char *address, const char *text, size_t length)
{
	add_string(part, "<p>");
	if (address != NULL)
	{
		add_string(part, "<a href=\"");
		add_html(part, address, strlen(address));
		add_string(part, "\">");
		add_html(part, address, strlen(address));
		add_string(part, "</a>");
	}
	else
		add_html(part, text, length);
	add_string(part, "</p>");
	end_line(part);
}

static void
add_paragraphs(struct printable *part, const struct mail_message *message,
			   void (*add) (struct printable *part, const char *address, const char *text, size_t length))
{
	const char *at = message->body;

	while (*at != '\0')
	{
		const char *end = strstr(at, "\n\n");
		size_t		length = end != NULL ? (size_t) (end - at) : strlen(at);
		const char *address;

		if (find_address(message, at, length, &address))
			add(part, address, at, length);
		at += length + (end != NULL ? strlen("\n\n") : 0);
	}
}

static void
begin_part(struct text *out, const char *type)
{
	text_printf(out, "--" BOUNDARY "\r\nContent-Type: %s; charset=utf-8\r\n"
				"Content-Transfer-Encoding: quoted-printable\r\n\r\n", type);
}

bool
mail_message_write(struct text *out, const struct mail_message *message)
{
	struct printable plain = {.out = out};
	struct printable html = {.out = out};

	text_reset(out);
	add_headers(out, message);
	begin_part(out, "text/plain");
	add_paragraphs(&plain, message, add_plain_paragraph);
	begin_part(out, "text/html");
	add_string(&html, "<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\"><body>\n");
	add_paragraphs(&html, message, add_html_paragraph);
	add_string(&html, "</body></html>\n");
	text_add(out, "--" BOUNDARY "--\r\n");
	return !out->failed;
}
