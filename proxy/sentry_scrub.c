/*
 * sentry_scrub.c - a text read word by word.
 *
 * A word ends at a blank, a quote, a comma and the like. One that looks like a secret is replaced; one that
 * announces a secret (password=, Bearer) makes what follows it be replaced. Rather too much goes than too little.
 */
#include "sentry_scrub.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* A word of letters, digits and what base64 has, so long or longer, is a token. */
#define TOKEN_LENGTH 32

#define WORD_ENDS " \t\r\n\"'`,;&?(){}<>|"

struct output
{
	char	   *data;
	size_t		length;
	size_t		room;			/* without the NUL */
};

static void
add(struct output *out, const char *text, size_t length)
{
	size_t		left = out->room - out->length;

	if (length > left)
		length = left;
	memcpy(out->data + out->length, text, length);
	out->length += length;
	out->data[out->length] = '\0';
}

static bool
contains(const char *text, size_t length, const char *what)
{
	size_t		size = strlen(what);

	for (size_t i = 0; i + size <= length; i++)
		if (strncasecmp(text + i, what, size) == 0)
			return true;
	return false;
}

/* Is a value of this name a secret? */
static bool
names_secret(const char *name, size_t length)
{
	static const char *const names[] = {
		"passw", "pwd", "secret", "token", "authorization", "cookie", "api_key", "apikey", "api-key", "dsn",
		"credential", "private_key", "signature", "session",
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (contains(name, length, names[i]))
			return true;
	return false;
}

/* A scheme of Authorization, in front of its credentials? */
static bool
is_scheme(const char *word, size_t length)
{
	return (length == 6 && strncasecmp(word, "Bearer", 6) == 0) || (length == 5 && strncasecmp(word, "Basic", 5) == 0);
}

static bool
is_email(const char *word, size_t length)
{
	const char *at = memchr(word, '@', length);

	return at != NULL && at > word && at + 1 < word + length;
}

/* Letters and digits in one long piece, or a JSON Web Token. */
static bool
is_token(const char *word, size_t length)
{
	size_t		run = 0;
	bool		has_digit = false;
	bool		has_letter = false;

	if (length > 20 && memcmp(word, "eyJ", 3) == 0)
		return true;
	for (size_t i = 0; i < length; i++)
	{
		unsigned char byte = (unsigned char) word[i];

		if (!isalnum(byte) && strchr("-_+=", byte) == NULL)
		{
			run = 0;
			has_digit = has_letter = false;
			continue;
		}
		has_digit = has_digit || isdigit(byte);
		has_letter = has_letter || isalpha(byte);
		if (++run >= TOKEN_LENGTH && has_digit && has_letter)
			return true;
	}
	return false;
}

/* name=value and name:value; the length of the name with its sign, 0: it is none. */
static size_t
name_length(const char *word, size_t length)
{
	size_t		name = strcspn(word, "=:");

	return name > 0 && name < length ? name + 1 : 0;
}

/* Add one word. True: what follows is a secret. */
static bool
add_word(struct output *out, const char *word, size_t length)
{
	const char *scheme_end = contains(word, length, "://") ? strstr(word, "://") + 3 : NULL;
	size_t		name = scheme_end == NULL ? name_length(word, length) : 0;

	if (name > 0 && names_secret(word, name))
	{
		add(out, word, name);
		if (name == length)
			return true;
		add(out, SENTRY_FILTERED, strlen(SENTRY_FILTERED));
		return false;
	}
	if (scheme_end != NULL && memchr(scheme_end, '@', (size_t) (word + length - scheme_end)) != NULL)
	{
		const char *at = memrchr(scheme_end, '@', (size_t) (word + length - scheme_end));

		add(out, word, (size_t) (scheme_end - word));
		add(out, SENTRY_FILTERED, strlen(SENTRY_FILTERED));
		add(out, at, (size_t) (word + length - at));
		return false;
	}
	if (is_email(word, length) || is_token(word, length))
		add(out, SENTRY_FILTERED, strlen(SENTRY_FILTERED));
	else
		add(out, word, length);
	return is_scheme(word, length);
}

/* As many bytes as are between a name and its value, as in "token": "x" and token = x; 0: no value follows. */
static size_t
sign_length(const char *text)
{
	size_t		gap = strspn(text, "\"' \t");

	return text[gap] == ':' || text[gap] == '=' ? gap + 1 : 0;
}

void
sentry_scrub(char *out, size_t out_size, const char *text)
{
	struct output output = {.data = out, .room = out_size - 1};
	bool		secret = false;

	out[0] = '\0';
	while (text != NULL && *text != '\0')
	{
		size_t		gap = strspn(text, WORD_ENDS);
		size_t		length;
		size_t		sign;

		add(&output, text, gap);
		text += gap;
		length = strcspn(text, WORD_ENDS);
		if (length == 0)
			continue;
		sign = names_secret(text, length) ? sign_length(text + length) : 0;
		if (!secret)
			secret = add_word(&output, text, length);
		else
		{
			add(&output, SENTRY_FILTERED, strlen(SENTRY_FILTERED));
			/* "Authorization: Bearer xyz" has two words behind the name */
			secret = is_scheme(text, length);
		}
		text += length;
		add(&output, text, sign);
		text += sign;
		secret = secret || sign > 0;
	}
}

bool
sentry_scrub_error(char *out, size_t out_size, const char *sqlstate, const char *message)
{
	static const char *const classes[] = {
		"08", "0A", "25", "26", "34", "3D", "3F", "40", "42", "53", "54", "55", "57", "58",
	};

	out[0] = '\0';
	for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
		if (strncmp(sqlstate, classes[i], 2) == 0)
		{
			sentry_scrub(out, out_size, message);
			return true;
		}
	return false;
}
