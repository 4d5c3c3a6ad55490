/*
 * test_mail_message.c - what is written holds to RFC 5322 and 2045, whatever is put in. Clients' reading
 * of it is test/http/test_mail.py's.
 */
#include <string.h>

#include "check.h"
#include "../mail_message.h"

static struct text text;
static const char *choices;		/* of the next mail */

static const char *
write_mail(const char *name, const char *subject, const char *body)
{
	const struct mail_message message = {
		.from_name = "TimeTrackr", .from_address = "no-reply@example.com",
		.to_name = name, .to_address = "ada@example.com", .subject = subject, .body = body,
		.link = "https://app.example.com/reset#token=a&b", .choices = choices, .message_id = "kind.1.2", .date = 0
	};

	return mail_message_write(&text, &message) ? text.data : "";
}

static bool
has(const char *mail, const char *part)
{
	return strstr(mail, part) != NULL;
}

/* Every line ends with CR LF, has at most 78 bytes, and is ASCII. */
static bool
has_good_lines(const char *mail)
{
	const char *line = mail;

	for (const char *c = mail; *c != '\0'; c++)
	{
		if ((unsigned char) *c > 126 || (*c < ' ' && *c != '\r' && *c != '\n'))
			return false;
		if ((*c == '\r') != (c[1] == '\n'))
			return false;
		if (*c != '\n')
			continue;
		if (c - line > 79)
			return false;
		line = c + 1;
	}
	return true;
}

static size_t
count(const char *mail, const char *part)
{
	size_t		found = 0;

	while ((mail = strstr(mail, part)) != NULL)
		mail += strlen(part), found++;
	return found;
}

static void
test_plain(void)
{
	const char *mail = write_mail("Ada", "Hello", "Hello Ada,\n\n{link}\n\n.\nFrom here\n\na = b");

	CHECK(has_good_lines(mail));
	CHECK(strncmp(mail, "Date: Thu, 1 Jan 1970 00:00:00 +0000\r\nFrom: \"TimeTrackr\"\r\n <no-reply@example.com>\r\n", 80) == 0);
	CHECK(has(mail, "\r\nTo: \"Ada\"\r\n <ada@example.com>\r\nSubject: Hello\r\nMessage-ID: <kind.1.2@example.com>\r\n"));
	CHECK(!has(mail, "List-Unsubscribe"));
	CHECK(has(mail, "\r\nhttps://app.example.com/reset#token=3Da&b\r\n"));
	CHECK(has(mail, "<a href=3D\"https://app.example.com/reset#token=3Da&amp;b\">"));
	CHECK(has(mail, "\r\n=2E\r\n=46rom here\r\n"));
	CHECK(has(mail, "a =3D b"));
	CHECK(count(mail, "--=_timetrackr\r\n") == 2 && count(mail, "--=_timetrackr--\r\n") == 1);
}

static void
test_placeholders(void)
{
	const char *mail = write_mail("Ada", "Hello", "a\n\n{choices}\n\nb {choices}");

	CHECK(!has(mail, "\r\n{choices}") && count(mail, "b {choices}") == 2);
	choices = "https://api.example.com/mail/unsubscribe/7-x-\"1";
	mail = write_mail("Ada", "Hello", "a\n\n{choices}\n\nb");
	CHECK(has(mail, "\r\nhttps://api.example.com/mail/unsubscribe/7-x-\"1\r\n"));
	CHECK(has(mail, "<a href=3D\"https://api.example.com/mail/unsubscribe/7-x-&quot;1\">"));
	choices = NULL;
}

static void
test_nasty(void)
{
	static const char *const nasty[] = {
		"", " ", "a\r\nBcc: eve@example.com", "\n\n--=_timetrackr--\n", "\"\\\"", "\xc3\xbc", "\xff\xfe\xc3", "=?UTF-8?Q?x?=",
		"\xf0\x9f\x92\xa1\xf0\x9f\x92\xa1\xf0\x9f\x92\xa1\xf0\x9f\x92\xa1\xf0\x9f\x92\xa1\xf0\x9f\x92\xa1\xf0\x9f\x92\xa1"
		"\xf0\x9f\x92\xa1\xf0\x9f\x92\xa1\xf0\x9f\x92\xa1\xf0\x9f\x92\xa1\xf0\x9f\x92\xa1", "<b>&\"", "x \n y \n\n z ",
		"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789",
	};

	for (size_t i = 0; i < sizeof nasty / sizeof nasty[0]; i++)
	{
		const char *mail = write_mail(nasty[i], nasty[i], nasty[i]);

		CHECK_CASE(*mail != '\0' && has_good_lines(mail), nasty[i]);
		CHECK_CASE(!has(mail, "\nBcc:") || strstr(mail, "\nBcc:") > strstr(mail, "\r\n\r\n"), nasty[i]);
		CHECK_CASE(count(mail, "--=_timetrackr--") == 1, nasty[i]);
		CHECK_CASE(!has(strstr(mail, "text/html"), "<b>&"), nasty[i]);
	}
}

int
main(void)
{
	test_plain();
	test_placeholders();
	test_nasty();
	text_free(&text);
	return check_summary("mail_message");
}
