/*
 * config_values.c - how each kind of setting is checked and kept.
 */
#include "config_values.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "db.h"
#include "net.h"

/* A secret that signs tokens must not be guessable: HS256 wants a full hash length (RFC 7518 3.2). */
#define SECRET_MIN 32
#define SECRET_MAX 4096
#define WORD_MAX 500
#define ENVIRONMENT_MAX 64
#define CLOUD_NAME_MAX 100
#define EVENT_URLS_MAX 64

bool
config_refuse(char *why, size_t why_size, const char *reason)
{
	snprintf(why, why_size, "%s", reason);
	return false;
}

bool
config_keep(char **place, const char *value, size_t length, char *why, size_t why_size)
{
	free(*place);
	*place = strndup(value, length);
	return *place != NULL || config_refuse(why, why_size, "out of memory");
}

static void *
member(struct config *config, const struct setting *setting)
{
	return (char *) config + setting->offset;
}

/* Parse a whole decimal number from least to most. */
static bool
parse_number(const struct setting *setting, const char *value, long *number,
			 char *why, size_t why_size)
{
	char	   *end;

	errno = 0;
	*number = strtol(value, &end, 10);
	if (value[0] == '\0' || strspn(value, "0123456789") != strlen(value) ||
		*end != '\0' || errno != 0 || *number < setting->least || *number > setting->most)
	{
		snprintf(why, why_size, "must be a whole number from %ld to %ld",
				 setting->least, setting->most);
		return false;
	}
	return true;
}

bool
apply_number(struct config *config, const struct setting *setting, const char *value,
			 char *why, size_t why_size)
{
	return parse_number(setting, value, member(config, setting), why, why_size);
}

bool
apply_size(struct config *config, const struct setting *setting, const char *value,
		   char *why, size_t why_size)
{
	long		number;

	if (!parse_number(setting, value, &number, why, why_size))
		return false;
	*(size_t *) member(config, setting) = (size_t) number;
	return true;
}

bool
apply_port(struct config *config, const struct setting *setting, const char *value,
		   char *why, size_t why_size)
{
	long		number;

	if (!parse_number(setting, value, &number, why, why_size))
		return false;
	*(int *) member(config, setting) = (int) number;
	return true;
}

bool
apply_workers(struct config *config, const struct setting *setting, const char *value,
			  char *why, size_t why_size)
{
	long		number;

	if (!parse_number(setting, value, &number, why, why_size))
		return false;
	if (number == 0)
		number = sysconf(_SC_NPROCESSORS_ONLN);
	if (number < 1)
		number = 1;
	config->workers = number > WORKERS_MAX ? WORKERS_MAX : (int) number;
	return true;
}

bool
apply_proxies(struct config *config, const struct setting *setting, const char *value,
			  char *why, size_t why_size)
{
	(void) setting;
	return trusted_proxies_parse(&config->trusted_proxies, value, why, why_size);
}

bool
apply_secret(struct config *config, const struct setting *setting, const char *value,
			 char *why, size_t why_size)
{
	size_t		length = strlen(value);

	if (length == 0 && setting->fallback != NULL)
		return true;
	/* whoever has the public key could sign with it */
	if (strstr(value, "-----BEGIN") != NULL)
		return config_refuse(why, why_size, "must be random text, no key in PEM (JWT_PUBLIC_KEY_FILE names such a file)");
	if (length < SECRET_MIN || length > SECRET_MAX)
	{
		snprintf(why, why_size, "must have %d to %d bytes, not %zu (openssl rand -base64 48 makes one)",
				 SECRET_MIN, SECRET_MAX, length);
		return false;
	}
	return config_keep(member(config, setting), value, length, why, why_size);
}

bool
apply_public_keys(struct config *config, const struct setting *setting, const char *value,
				  char *why, size_t why_size)
{
	if (*value == '\0')
		return true;
	config->jwt_public_keys = digest_keys_read(value, why, why_size);
	return config->jwt_public_keys != NULL &&
		config_keep(member(config, setting), value, strlen(value), why, why_size);
}

/* Visible characters only, such as an URL or a name. */
bool
apply_word(struct config *config, const struct setting *setting, const char *value,
		   char *why, size_t why_size)
{
	if (*value == '\0')
		return true;
	for (const char *c = value; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~')
			return config_refuse(why, why_size, "must be visible ASCII characters without blanks");
	if (strlen(value) > WORD_MAX)
		return config_refuse(why, why_size, "is too long");
	return config_keep(member(config, setting), value, strlen(value), why, why_size);
}

bool
apply_folder(struct config *config, const struct setting *setting, const char *value,
			 char *why, size_t why_size)
{
	if (*value == '\0')
		return true;
	if (access(value, R_OK | X_OK) != 0)
		return config_refuse(why, why_size, "must be a folder that can be read");
	return config_keep(member(config, setting), value, strlen(value), why, why_size);
}

bool
apply_database_url(struct config *config, const struct setting *setting, const char *value,
				   char *why, size_t why_size)
{
	if (value[0] == '\0' && setting->fallback == NULL)
		return config_refuse(why, why_size, "must not be empty");
	if (value[0] == '\0')
		return true;
	return db_url_is_valid(value, why, why_size) &&
		config_keep(member(config, setting), value, strlen(value), why, why_size);
}

bool
apply_file(struct config *config, const struct setting *setting, const char *value,
		   char *why, size_t why_size)
{
	return *value == '\0' ||
		config_keep(member(config, setting), value, strlen(value), why, why_size);
}

bool
apply_flag(struct config *config, const struct setting *setting, const char *value,
		   char *why, size_t why_size)
{
	bool		is_true = strcmp(value, "true") == 0;

	if (!is_true && strcmp(value, "false") != 0)
		return config_refuse(why, why_size, "must be true or false");
	*(bool *) member(config, setting) = is_true;
	return true;
}

bool
apply_host(struct config *config, const struct setting *setting, const char *value,
		   char *why, size_t why_size)
{
	size_t		length = strlen(value);

	if (net_is_unix(value) && strlen(value + strlen(NET_UNIX)) <= NET_PATH_MAX)
		return config_keep(member(config, setting), value, length, why, why_size);
	/* main.c turns it into an address, and says which setting is wrong when that fails */
	if (length == 0 || strspn(value, "0123456789abcdefABCDEF.:%") != length)
		return config_refuse(why, why_size, "must be an IPv4 or IPv6 address such as 127.0.0.1 or ::, or a "
					  "socket such as unix:/run/timetrackr/proxy.sock of 107 bytes at most");
	return config_keep(member(config, setting), value, length, why, why_size);
}

bool
apply_metrics_listen(struct config *config, const struct setting *setting, const char *value,
					 char *why, size_t why_size)
{
	const char *colon = strrchr(value, ':');
	size_t		length = colon != NULL ? (size_t) (colon - value) : 0;
	bool		in_brackets = length > 2 && value[0] == '[' && value[length - 1] == ']';
	long		port;

	if (*value == '\0')
		return true;
	if (in_brackets)
	{
		value++;
		length -= 2;
	}
	if (length == 0 || strspn(value, in_brackets ? "0123456789abcdefABCDEF.:" : "0123456789.") != length)
		return config_refuse(why, why_size, "must be an address and a port such as 127.0.0.1:9464 or [::1]:9464");
	if (!parse_number(setting, colon + 1, &port, why, why_size))
		return false;
	config->metrics_port = (int) port;
	return config_keep(member(config, setting), value, length, why, why_size);
}

bool
apply_log_level(struct config *config, const struct setting *setting, const char *value,
				char *why, size_t why_size)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};

	(void) setting;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
	{
		if (strcmp(value, names[i]) != 0)
			continue;
		config->log_level = (enum log_level) i;
		return true;
	}
	return config_refuse(why, why_size, "must be error, warn, info or debug");
}

/* Is it scheme://host[:port] and nothing more, as the Origin header has it? */
static bool
is_origin(const char *origin, size_t length)
{
	size_t		scheme = strncmp(origin, "https://", 8) == 0 ? 8 :
		strncmp(origin, "http://", 7) == 0 ? 7 : 0;

	if (scheme == 0 || length <= scheme)
		return false;
	for (size_t i = scheme; i < length; i++)
		if (strchr("abcdefghijklmnopqrstuvwxyz0123456789.-:[]", origin[i]) == NULL)
			return false;
	return true;
}

bool
apply_origins(struct config *config, const struct setting *setting, const char *value,
			  char *why, size_t why_size)
{
	(void) setting;
	while (*value != '\0')
	{
		size_t		length = strcspn(value, ",");
		const char *next = value + length + (value[length] == ',');
		char	  **origins;

		while (length > 0 && *value == ' ')
			value++, length--;
		while (length > 0 && (value[length - 1] == ' ' || value[length - 1] == '/'))
			length--;
		if (!is_origin(value, length))
			return config_refuse(why, why_size, "must be origins such as https://app.example.com, "
						  "in lower case, separated by commas");
		origins = realloc(config->origins, (config->origin_count + 1) * sizeof *origins);
		if (origins == NULL)
			return config_refuse(why, why_size, "out of memory");
		config->origins = origins;
		origins[config->origin_count] = NULL;
		if (!config_keep(&origins[config->origin_count], value, length, why, why_size))
			return false;
		config->origin_count++;
		value = next;
	}
	return true;
}

bool
apply_event_urls(struct config *config, const struct setting *setting, const char *value,
				 char *why, size_t why_size)
{
	(void) setting;
	for (value += strspn(value, " "); *value != '\0'; value += strspn(value, " "))
	{
		size_t		length = strcspn(value, " ");
		char	  **urls = config->event_url_count == EVENT_URLS_MAX ? NULL
			: realloc(config->event_urls, (config->event_url_count + 1) * sizeof *urls);

		if (urls == NULL)
			return config_refuse(why, why_size, "too many nodes, or out of memory");
		config->event_urls = urls;
		urls[config->event_url_count] = NULL;
		if (!config_keep(&urls[config->event_url_count], value, length, why, why_size) ||
			!db_url_is_valid(urls[config->event_url_count++], why, why_size))
			return false;
		value += length;
	}
	return true;
}

bool
apply_redis_url(struct config *config, const struct setting *setting, const char *value,
				char *why, size_t why_size)
{
	(void) setting;
	return *value == '\0' || redis_url_parse(value, &config->redis, why, why_size);
}

bool
apply_sentry_dsn(struct config *config, const struct setting *setting, const char *value,
				 char *why, size_t why_size)
{
	(void) setting;
	return *value == '\0' || sentry_dsn_parse(value, &config->sentry, why, why_size);
}

/* As Sentry takes it. */
bool
apply_environment(struct config *config, const struct setting *setting, const char *value,
				  char *why, size_t why_size)
{
	size_t		length = strlen(value);

	if (length > ENVIRONMENT_MAX || strcasecmp(value, "none") == 0 ||
		strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != length)
		return config_refuse(why, why_size, "must be a name such as production or staging-2");
	return config_keep(member(config, setting), value, length, why, why_size);
}
/* It becomes a part of addresses. */
bool
apply_cloud_name(struct config *config, const struct setting *setting, const char *value,
				 char *why, size_t why_size)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
	size_t		length = strlen(value);

	if (length == 0)
		return true;
	if (length > CLOUD_NAME_MAX || strspn(value, allowed) != length)
		return config_refuse(why, why_size, "must be letters, digits, - and _, at most 100");
	return config_keep(member(config, setting), value, length, why, why_size);
}

/* A part of what is signed, where an & would end it. */
bool
apply_notification_url(struct config *config, const struct setting *setting, const char *value,
					   char *why, size_t why_size)
{
	if (*value == '\0')
		return true;
	if ((strncmp(value, "https://", 8) != 0 && strncmp(value, "http://", 7) != 0) || strpbrk(value, "&?#\"\\") != NULL)
		return config_refuse(why, why_size, "must be a URL without a query such as https://api.example.com/media/callback");
	return apply_word(config, setting, value, why, why_size);
}

bool
apply_hash(struct config *config, const struct setting *setting, const char *value,
		   char *why, size_t why_size)
{
	enum digest_hash *hash = member(config, setting);

	*hash = strcmp(value, "sha256") == 0 ? DIGEST_SHA256 : DIGEST_SHA1;
	return *hash == DIGEST_SHA256 || strcmp(value, "sha1") == 0 ||
		config_refuse(why, why_size, "must be sha1 or sha256");
}
