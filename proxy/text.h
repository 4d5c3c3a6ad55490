/*
 * text.h - a growing piece of text, and JSON written into it.
 *
 * Running out of memory (or past TEXT_MAX) sets `failed` and makes every later
 * call a no-op, so a caller checks once, at the end. The data is always ended
 * by a NUL that `length` does not count.
 */
#ifndef TIMETRACKR_TEXT_H
#define TIMETRACKR_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* No text of this program may grow past this many bytes. */
#define TEXT_MAX (64u * 1024 * 1024)

struct text
{
	char	   *data;			/* NULL until something was added */
	size_t		length;
	size_t		capacity;
	bool		failed;
};

/* Make room for so many more bytes and the NUL; false once it has failed. */
bool		text_reserve(struct text *text, size_t more);

/* Add bytes, a C string, one byte, or printf-like output. The first is called for each piece of a log line. */
static inline void
text_add_bytes(struct text *text, const char *bytes, size_t length)
{
	if (text->failed || (text->capacity - text->length <= length && !text_reserve(text, length)))
		return;
	if (length > 0)
		memcpy(text->data + text->length, bytes, length);
	text->length += length;
	text->data[text->length] = '\0';
}

void		text_add(struct text *text, const char *string);
#define text_add_literal(text, literal) text_add_bytes(text, literal, sizeof(literal) - 1)
void		text_add_char(struct text *text, char byte);
void		text_printf(struct text *text, const char *format, ...)
			__attribute__((format(printf, 2, 3)));

/* Add a number in decimal, with zeros in front up to so many digits. */
void		text_add_number(struct text *text, unsigned long long number, int digits);

/*
 * Add a JSON string with its quotes. Control bytes are escaped, and so is
 * whatever is not valid UTF-8 (as U+FFFD). NULL is added as null.
 */
void		text_add_json(struct text *text, const char *string);
void		text_add_json_bytes(struct text *text, const char *bytes, size_t length);

/* Add bytes percent-encoded for a query string (unreserved characters stay). */
void		text_add_percent(struct text *text, const char *string);

/* Make room for so many more bytes at once, when they are known in advance. */
void		text_want(struct text *text, size_t more);

/* Make it empty but keep its memory. */
void		text_reset(struct text *text);

/* Take the data away from it (the caller frees it); NULL when it failed. */
char	   *text_take(struct text *text);

/* Free its memory; it is empty and usable again. */
void		text_free(struct text *text);

/* Is this well-formed UTF-8 (no surrogates, no overlong forms)? */
bool		text_is_utf8(const char *bytes, size_t length);

#endif
