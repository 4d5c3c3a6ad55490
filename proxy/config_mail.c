/*
 * config_mail.c - how the settings of outgoing mail are checked and kept.
 */
#include "config_mail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config_values.h"

#define URL_MAX 1000
#define MAILBOX_MAX 300

static bool
is_visible(const char *value)
{
	for (const char *c = value; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~')
			return false;
	return true;
}

/* Take a prefix away; false when it is not there. */
static bool
skip(const char **value, const char *prefix)
{
	size_t		length = strlen(prefix);

	if (strncasecmp(*value, prefix, length) != 0)
		return false;
	*value += length;
	return true;
}

/* Put a URL together again from a scheme and what stands behind it. */
static bool
keep_url(char **place, const char *scheme, const char *rest, char *why, size_t why_size)
{
	size_t		length = strlen(scheme);

	*place = malloc(length + strlen(rest) + 1);
	if (*place == NULL)
		return config_refuse(why, why_size, "out of memory");
	memcpy(*place, scheme, length);
	memcpy(*place + length, rest, strlen(rest) + 1);
	return true;
}

/* How a mail server is spoken to. */
struct scheme
{
	const char *name;			/* in the setting */
	const char *kept;			/* for libcurl */
	enum
	{
		TLS_FIRST,				/* before anything else is said */
		TLS_NEEDED,				/* by STARTTLS */
		TLS_ELSEWHERE,			/* likewise, but with this machine */
		TLS_NEVER
	}			tls;
};

static const struct scheme schemes[] = {
	{"smtps://", "smtps://", TLS_FIRST},
	{"smtp+starttls://", "smtp://", TLS_NEEDED},
	{"smtp+plain://", "smtp://", TLS_NEVER},
	{"smtp://", "smtp://", TLS_ELSEWHERE},
};

static const struct scheme *
take_scheme(const char **rest)
{
	for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
		if (skip(rest, schemes[i].name))
			return &schemes[i];
	return NULL;
}

/* Does a host, with a port or without, name this machine? */
static bool
is_own(const char *host)
{
	static const char *const own[] = {"localhost", "[::1]", "127.0.0.1"};

	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
	{
		const char *rest = host;

		if (skip(&rest, own[i]) && (*rest == '\0' || *rest == ':'))
			return true;
	}
	return false;
}

bool
apply_smtp_url(struct config *config, const struct setting *setting, const char *value, char *why, size_t why_size)
{
	struct config_mail *mail = &config->mail;
	const char *rest = value;
	const struct scheme *scheme = take_scheme(&rest);
	const char *at = strrchr(value, '@');
	const char *host = at != NULL ? at + 1 : rest;

	(void) setting;
	if (*value == '\0')
		return true;
	if (scheme == NULL)
		return config_refuse(why, why_size, "must be smtp://host:port, smtps:// or smtp+plain://, with user:password@ if need be");
	if (!is_visible(value) || strlen(value) > URL_MAX || *host == '\0' || strchr("/:?#", *host) != NULL ||
		strpbrk(host, "/?#") != NULL)
		return config_refuse(why, why_size, "must be a URL of a host, with a port if need be, and nothing behind it; "
							 "escape what is special in user and password as in any URL");
	if (at != NULL && scheme->tls == TLS_NEVER)
		return config_refuse(why, why_size, "must not be smtp+plain:// with a password, which anybody on the way could read");
	mail->needs_tls = scheme->tls == TLS_NEEDED || (scheme->tls == TLS_ELSEWHERE && (at != NULL || !is_own(host)));
	return keep_url(&mail->server, scheme->kept, rest, why, why_size);
}

bool
apply_smtp_ca_file(struct config *config, const struct setting *setting, const char *value, char *why, size_t why_size)
{
	char		line[100];
	bool		found = false;
	FILE	   *file;

	(void) setting;
	if (*value == '\0')
		return true;
	file = fopen(value, "re");
	if (file == NULL)
		return config_refuse(why, why_size, strerror(errno));
	while (!found && fgets(line, sizeof line, file) != NULL)
		found = strncmp(line, "-----BEGIN CERTIFICATE-----", strlen("-----BEGIN CERTIFICATE-----")) == 0;
	fclose(file);
	if (!found)
		return config_refuse(why, why_size, "must be a file with certificates in PEM");
	return config_keep(&config->mail.ca_file, value, strlen(value), why, why_size);
}

/* An address, or a name and <an address>. */
bool
apply_mail_from(struct config *config, const struct setting *setting, const char *value, char *why, size_t why_size)
{
	const char *open = strrchr(value, '<');
	const char *address = open != NULL ? open + 1 : value;
	size_t		length = strcspn(address, ">");
	const char *at = memchr(address, '@', length);
	size_t		name = open != NULL ? (size_t) (open - value) : 0;

	(void) setting;
	if (*value == '\0')
		return true;
	while (name > 0 && value[name - 1] == ' ')
		name--;
	if (strlen(value) > MAILBOX_MAX || at == NULL || at == address || at + 1 == address + length ||
		(open != NULL ? strcmp(address + length, ">") != 0 : address[length] != '\0') ||
		strpbrk(value, "\r\n\"") != NULL)
		return config_refuse(why, why_size, "must be an address such as no-reply@example.com, or TimeTrackr <no-reply@example.com>");
	for (size_t i = 0; i < length; i++)
		if (address[i] <= ' ' || address[i] > '~')
			return config_refuse(why, why_size, "must have an address of visible ASCII characters");
	return (name == 0 || config_keep(&config->mail.from_name, value, name, why, why_size)) &&
		config_keep(&config->mail.from_address, address, length, why, why_size);
}

static bool
is_web_url(const char *value)
{
	const char *rest = value;

	return (skip(&rest, "https://") || skip(&rest, "http://")) && *rest != '\0' && *rest != '/' &&
		is_visible(value) && strlen(value) <= URL_MAX && strpbrk(value, "<>\"") == NULL;
}

bool
apply_public_url(struct config *config, const struct setting *setting, const char *value, char *why, size_t why_size)
{
	size_t		length = strlen(value);

	(void) setting;
	if (*value == '\0')
		return true;
	if (!is_web_url(value) || strpbrk(value, "?#") != NULL)
		return config_refuse(why, why_size, "must be a URL such as https://api.example.com, without query and fragment");
	while (value[length - 1] == '/')
		length--;
	return config_keep(&config->mail.public_url, value, length, why, why_size);
}

bool
apply_reset_url(struct config *config, const struct setting *setting, const char *value, char *why, size_t why_size)
{
	const char *token = strstr(value, CONFIG_MAIL_TOKEN);

	(void) setting;
	if (*value == '\0')
		return true;
	if (!is_web_url(value) || token == NULL || strstr(token + 1, CONFIG_MAIL_TOKEN) != NULL)
		return config_refuse(why, why_size, "must be a URL with one " CONFIG_MAIL_TOKEN ", such as https://app.example.com/reset#token=" CONFIG_MAIL_TOKEN);
	return config_keep(&config->mail.reset_url, value, strlen(value), why, why_size);
}

bool
config_mail_complete(struct config_mail *mail, const char *origin, char *why, size_t why_size)
{
	if (mail->server == NULL && mail->ca_file != NULL)
		return config_refuse(why, why_size, "SMTP_CA_FILE: is of no use without SMTP_URL");
	if (mail->server == NULL)
		return true;
	if (mail->from_address == NULL)
		return config_refuse(why, why_size, "MAIL_FROM: is required with SMTP_URL");
	if (mail->public_url == NULL)
		return config_refuse(why, why_size, "PUBLIC_URL: is required with SMTP_URL");
	if (mail->reset_url != NULL)
		return true;
	if (origin == NULL)
		return config_refuse(why, why_size, "PASSWORD_RESET_URL: is required with SMTP_URL, unless FRONTEND_URL is set");
	return keep_url(&mail->reset_url, origin, "/reset-password#token=" CONFIG_MAIL_TOKEN, why, why_size);
}

void
config_mail_free(struct config_mail *mail)
{
	if (mail->server != NULL)
		explicit_bzero(mail->server, strlen(mail->server));
	free(mail->server);
	free(mail->ca_file);
	free(mail->from_name);
	free(mail->from_address);
	free(mail->public_url);
	free(mail->reset_url);
}
