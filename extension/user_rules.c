/*
 * user_rules.c: what the fields of a user must be (see user_rules.h). Nothing
 * here reads or writes a table.
 */
#include "user_rules.h"

#include "arguments.h"
#include "day.h"
#include "error.h"

#include "mb/pg_wchar.h"

/* RFC 5321, 4.5.3.1: octets */
#define EMAIL_MAX_BYTES 254
#define LOCAL_PART_MAX_BYTES 64
#define LABEL_MAX_BYTES 63

/* The bytes of a multibyte character are taken as letters. */
static bool
is_letter_or_digit(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		(c >= 'a' && c <= 'z') || c >= 0x80;
}

/* RFC 5322 dot-atom: nobody has an address with a quoted local part. */
static bool
is_local_part(const char *s, size_t length)
{
	if (length == 0 || length > LOCAL_PART_MAX_BYTES ||
		s[0] == '.' || s[length - 1] == '.')
		return false;
	for (size_t i = 0; i < length; i++)
	{
		if (!is_letter_or_digit(s[i]) && strchr("!#$%&'*+-/=?^_`{|}~.", s[i]) == NULL)
			return false;
		if (s[i] == '.' && s[i + 1] == '.')
			return false;
	}
	return true;
}

static bool
is_label(const char *s, size_t length)
{
	if (length == 0 || length > LABEL_MAX_BYTES || s[0] == '-' || s[length - 1] == '-')
		return false;
	for (size_t i = 0; i < length; i++)
	{
		if (!is_letter_or_digit(s[i]) && s[i] != '-')
			return false;
	}
	return true;
}

static bool
is_domain(const char *s)
{
	int			labels = 0;

	for (;;)
	{
		size_t		length = strcspn(s, ".");

		if (!is_label(s, length))
			return false;
		labels++;
		if (s[length] == '\0')
			return labels >= 2;
		s += length + 1;
	}
}

bool
tt_is_email(const char *email)
{
	const char *at = strchr(email, '@');

	return at != NULL && strlen(email) <= EMAIL_MAX_BYTES &&
		is_local_part(email, at - email) && is_domain(at + 1);
}

char *
tt_clean_email(const char *given)
{
	char	   *email = tt_trim(given);

	if (!tt_is_email(email))
		tt_raise(422, "invalid_email", "email", NULL, "this is not an email address");
	return email;
}

/*
 * Controls, line separators, and what reverses the text around it: such a name
 * could forge a log line or pass for another one.
 */
static bool
is_control(const unsigned char *s)
{
	pg_wchar	c = *s;

	if (GetDatabaseEncoding() == PG_UTF8)
		c = utf8_to_unicode(s);
	else if (c >= 0x80)
		return false;
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029 ||
		(c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static bool
is_of_fitting_length(const char *username)
{
	int			length = pg_mbstrlen(username);

	return length > 0 && length <= TT_USERNAME_MAX_CHARS;
}

static bool
has_controls(const char *username)
{
	for (const char *s = username; *s != '\0'; s += pg_mblen(s))
	{
		if (is_control((const unsigned char *) s))
			return true;
	}
	return false;
}

bool
tt_is_username(const char *username)
{
	return is_of_fitting_length(username) && !has_controls(username);
}

char *
tt_clean_username(const char *given)
{
	char	   *username = tt_trim(given);

	if (!is_of_fitting_length(username))
		tt_raise(422, "invalid_username", "username", NULL,
				 "a username has 1 to %d characters", TT_USERNAME_MAX_CHARS);
	if (has_controls(username))
		tt_raise(422, "invalid_username", "username", NULL,
				 "a username has no control characters");
	return username;
}

char *
tt_clean_timezone(const char *given)
{
	char	   *timezone = tt_trim(given);

	(void) tt_timezone(timezone);
	return timezone;
}

char *
tt_clean_bio(const char *given)
{
	if (pg_mbstrlen(given) > TT_BIO_MAX_CHARS)
		tt_raise(422, "too_long", "bio", NULL,
				 "a bio has at most %d characters", TT_BIO_MAX_CHARS);
	return pstrdup(given);
}
