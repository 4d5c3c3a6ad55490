/*
 * config.c - the table of settings, and how each kind of value is checked.
 *
 * A setting is added by one row of the table; a row that nothing reads does not
 * belong here.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db.h"
#include "env.h"

/* A secret that signs tokens must not be guessable: HS256 wants a full hash length (RFC 7518 3.2). */
#define SECRET_MIN 32
#define SECRET_MAX 4096
#define WORKERS_MAX 256
#define WORD_MAX 500

struct setting;

/* Check `value` and put it into the config; false with the reason (without the name) in `why`. */
typedef bool setting_fn(struct config *config, const struct setting *setting, const char *value,
						char *why, size_t why_size);

struct setting
{
	const char *name;
	setting_fn *apply;
	size_t		offset;			/* of the member that it fills */
	long		least;
	long		most;
	const char *fallback;		/* NULL: the setting is required; "": unset */
	const char *meaning;
};

static setting_fn apply_database_url;
static setting_fn apply_folder;
static setting_fn apply_host;
static setting_fn apply_log_level;
static setting_fn apply_number;
static setting_fn apply_origins;
static setting_fn apply_port;
static setting_fn apply_public_keys;
static setting_fn apply_redis_url;
static setting_fn apply_secret;
static setting_fn apply_size;
static setting_fn apply_switch;
static setting_fn apply_word;
static setting_fn apply_workers;

#define MEMBER(name) offsetof(struct config, name)

/* Sorted by name. */
static const struct setting settings[] = {
	{"ACCESS_TOKEN_TTL", apply_number, MEMBER(access_token_ttl), 1, 31536000, "3600",
	"seconds an access token is valid"},
	{"API_DOCS_ROOT", apply_folder, MEMBER(api_docs_root), 0, 0, "",
	"folder of the page at /api-docs; unset: next to the program"},
	{"AUTH_RATE_LIMIT_PER_MINUTE", apply_number, MEMBER(auth_rate_limit_per_minute), 0, 1000000, "20",
	"sign-ups, log-ins and refreshes a minute and address; 0: no limit"},
	{"CACHE_BYTES", apply_size, MEMBER(cache_bytes), 0, 1024 * 1024 * 1024, "16777216",
	"answers to visitors that each event loop keeps; 0: none"},
	{"DATABASE_READ_URL", apply_database_url, MEMBER(database_read_url), 0, 0, "",
	"PostgreSQL for reads, such as a replica; unset: DATABASE_URL"},
	{"DATABASE_URL", apply_database_url, MEMBER(database_url), 0, 0, NULL,
	"PostgreSQL, as a libpq URL or connection string"},
	{"EVENT_TTL", apply_number, MEMBER(event_ttl), 1, 31536000, "3600",
	"seconds clients may ask for past events"},
	{"FRONTEND_URL", apply_origins, MEMBER(origins), 0, 0, "",
	"comma-separated origins that browsers may call from (CORS)"},
	{"HOST", apply_host, MEMBER(host), 0, 0, "0.0.0.0",
	"IPv4 or IPv6 address to listen on"},
	{"JWT_AUDIENCE", apply_word, MEMBER(jwt_audience), 0, 0, "",
	"aud that the identity provider's tokens must name; unset: any"},
	{"JWT_ISSUER", apply_word, MEMBER(jwt_issuer), 0, 0, "",
	"iss of the identity provider's tokens"},
	{"JWT_PUBLIC_KEY_FILE", apply_public_keys, MEMBER(jwt_public_keys), 0, 0, "",
	"PEM file of an identity provider's public keys; unset: no provider"},
	{"JWT_SECRET", apply_secret, MEMBER(jwt_secret), 0, 0, NULL,
	"key of access tokens, at least 32 bytes"},
	{"JWT_SECRET_PREVIOUS", apply_secret, MEMBER(jwt_secret_previous), 0, 0, "",
	"key whose tokens are still accepted, after a change; unset: none"},
	{"LIVE_CONNECTIONS", apply_size, MEMBER(live_connections), 0, 1000000, "10000",
	"most WebSocket connections at a time"},
	{"LIVE_CONNECTIONS_PER_USER", apply_size, MEMBER(live_connections_per_user), 1, 1000000, "20",
	"most of one user"},
	{"LIVE_PING_SECONDS", apply_number, MEMBER(live_ping), 1, 3600, "30",
	"seconds between two pings of a WebSocket; two unanswered ones end it"},
	{"LOG_LEVEL", apply_log_level, MEMBER(log_level), 0, 0, "info",
	"error, warn, info or debug"},
	{"MAX_BODY_BYTES", apply_size, MEMBER(max_body_bytes), 1024, 64 * 1024 * 1024, "102400",
	"longest request body that is read"},
	{"MAX_IMPORT_BYTES", apply_size, MEMBER(max_import_bytes), 1024, 64 * 1024 * 1024, "33554432",
	"longest file that is imported"},
	{"PORT", apply_port, MEMBER(port), 0, 65535, "3000",
	"TCP port to listen on; 0: any free one"},
	{"RATE_LIMIT_PER_MINUTE", apply_number, MEMBER(rate_limit_per_minute), 0, 10000000, "600",
	"requests a minute and user, or address; 0: no limit"},
	{"REDIS_CHECK_RATE", apply_number, MEMBER(redis_check_rate), 0, 1000000, "500",
	"rows of leaderboards in Redis compared with PostgreSQL a second; 0: none"},
	{"REDIS_URL", apply_redis_url, MEMBER(redis), 0, 0, "",
	"redis://, unix:// or redis+sentinel:// URL; unset: no Redis"},
	{"REFRESH_TOKEN_TTL", apply_number, MEMBER(refresh_token_ttl), 1, 315360000, "2592000",
	"seconds a refresh token is valid"},
	{"TRUST_PROXY", apply_switch, MEMBER(trust_proxy), 0, 0, "false",
	"true: the last address of X-Forwarded-For is the client's"},
	{"WORKERS", apply_workers, MEMBER(workers), 0, WORKERS_MAX, "0",
	"event loops; 0: one a processor"},
};

#define SETTING_COUNT (sizeof settings / sizeof settings[0])

static bool
refuse(char *why, size_t why_size, const char *reason)
{
	snprintf(why, why_size, "%s", reason);
	return false;
}

/* Copy `length` bytes into the char * that `place` points to. */
static bool
keep(char **place, const char *value, size_t length, char *why, size_t why_size)
{
	free(*place);
	*place = strndup(value, length);
	return *place != NULL || refuse(why, why_size, "out of memory");
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

static bool
apply_number(struct config *config, const struct setting *setting, const char *value,
			 char *why, size_t why_size)
{
	return parse_number(setting, value, member(config, setting), why, why_size);
}

static bool
apply_size(struct config *config, const struct setting *setting, const char *value,
		   char *why, size_t why_size)
{
	long		number;

	if (!parse_number(setting, value, &number, why, why_size))
		return false;
	*(size_t *) member(config, setting) = (size_t) number;
	return true;
}

static bool
apply_port(struct config *config, const struct setting *setting, const char *value,
		   char *why, size_t why_size)
{
	long		number;

	if (!parse_number(setting, value, &number, why, why_size))
		return false;
	*(int *) member(config, setting) = (int) number;
	return true;
}

static bool
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

static bool
apply_switch(struct config *config, const struct setting *setting, const char *value,
			 char *why, size_t why_size)
{
	bool		on = strcmp(value, "true") == 0 || strcmp(value, "1") == 0;

	if (!on && strcmp(value, "false") != 0 && strcmp(value, "0") != 0)
		return refuse(why, why_size, "must be true or false");
	*(bool *) member(config, setting) = on;
	return true;
}

static bool
apply_secret(struct config *config, const struct setting *setting, const char *value,
			 char *why, size_t why_size)
{
	size_t		length = strlen(value);

	if (length == 0 && setting->fallback != NULL)
		return true;
	/* whoever has the public key could sign with it */
	if (strstr(value, "-----BEGIN") != NULL)
		return refuse(why, why_size, "must be random text, no key in PEM (JWT_PUBLIC_KEY_FILE names such a file)");
	if (length < SECRET_MIN || length > SECRET_MAX)
	{
		snprintf(why, why_size, "must have %d to %d bytes, not %zu (openssl rand -base64 48 makes one)",
				 SECRET_MIN, SECRET_MAX, length);
		return false;
	}
	return keep(member(config, setting), value, length, why, why_size);
}

static bool
apply_public_keys(struct config *config, const struct setting *setting, const char *value,
				  char *why, size_t why_size)
{
	(void) setting;
	if (*value == '\0')
		return true;
	config->jwt_public_keys = digest_keys_read(value, why, why_size);
	return config->jwt_public_keys != NULL;
}

/* Visible characters only, such as an URL or a name. */
static bool
apply_word(struct config *config, const struct setting *setting, const char *value,
		   char *why, size_t why_size)
{
	if (*value == '\0')
		return true;
	for (const char *c = value; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~')
			return refuse(why, why_size, "must be visible ASCII characters without blanks");
	if (strlen(value) > WORD_MAX)
		return refuse(why, why_size, "is too long");
	return keep(member(config, setting), value, strlen(value), why, why_size);
}

/* The settings of an identity provider make sense only together. */
static bool
check_provider(const struct config *config, char *why, size_t why_size)
{
	if (config->jwt_public_keys != NULL && config->jwt_issuer == NULL)
		return refuse(why, why_size, "JWT_ISSUER: is required with JWT_PUBLIC_KEY_FILE");
	if (config->jwt_public_keys == NULL && config->jwt_issuer != NULL)
		return refuse(why, why_size, "JWT_ISSUER: is of no use without JWT_PUBLIC_KEY_FILE");
	if (config->jwt_public_keys == NULL && config->jwt_audience != NULL)
		return refuse(why, why_size, "JWT_AUDIENCE: is of no use without JWT_PUBLIC_KEY_FILE");
	return true;
}

static bool
apply_database_url(struct config *config, const struct setting *setting, const char *value,
				   char *why, size_t why_size)
{
	if (value[0] == '\0' && setting->fallback == NULL)
		return refuse(why, why_size, "must not be empty");
	if (value[0] == '\0')
		return true;
	return db_url_is_valid(value, why, why_size) &&
		keep(member(config, setting), value, strlen(value), why, why_size);
}

static bool
apply_host(struct config *config, const struct setting *setting, const char *value,
		   char *why, size_t why_size)
{
	size_t		length = strlen(value);

	/* main.c turns it into an address, and says which setting is wrong when that fails */
	if (length == 0 || strspn(value, "0123456789abcdefABCDEF.:%") != length)
		return refuse(why, why_size, "must be an IPv4 or IPv6 address such as 127.0.0.1 or ::");
	return keep(member(config, setting), value, length, why, why_size);
}

static bool
apply_folder(struct config *config, const struct setting *setting, const char *value,
			 char *why, size_t why_size)
{
	if (*value == '\0')
		return true;
	if (access(value, R_OK | X_OK) != 0)
		return refuse(why, why_size, "must be a folder that can be read");
	return keep(member(config, setting), value, strlen(value), why, why_size);
}

static bool
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
	return refuse(why, why_size, "must be error, warn, info or debug");
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

static bool
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
			return refuse(why, why_size, "must be origins such as https://app.example.com, "
						  "in lower case, separated by commas");
		origins = realloc(config->origins, (config->origin_count + 1) * sizeof *origins);
		if (origins == NULL)
			return refuse(why, why_size, "out of memory");
		config->origins = origins;
		origins[config->origin_count] = NULL;
		if (!keep(&origins[config->origin_count], value, length, why, why_size))
			return false;
		config->origin_count++;
		value = next;
	}
	return true;
}

static bool
apply_redis_url(struct config *config, const struct setting *setting, const char *value,
				char *why, size_t why_size)
{
	(void) setting;
	return *value == '\0' || redis_url_parse(value, &config->redis, why, why_size);
}

bool
config_load(struct config *config, const char *env_file, char *why, size_t why_size)
{
	struct env *env = env_read(env_file, why, why_size);

	*config = (struct config) {0};
	if (env == NULL)
		return false;
	for (size_t i = 0; i < SETTING_COUNT; i++)
	{
		const struct setting *setting = &settings[i];
		const char *value = env_get(env, setting->name);
		char		reason[256] = "is required";

		/* An empty value counts as unset, as in a compose file with NAME=${NAME-} */
		if (value == NULL || *value == '\0')
			value = setting->fallback;
		if (value != NULL && setting->apply(config, setting, value, reason, sizeof reason))
			continue;
		snprintf(why, why_size, "%s: %s", setting->name, reason);
		env_free(env);
		config_free(config);
		return false;
	}
	env_free(env);
	if (!check_provider(config, why, why_size) ||
		(config->database_read_url == NULL &&
		 !keep(&config->database_read_url, config->database_url,
			   strlen(config->database_url), why, why_size)))
	{
		config_free(config);
		return false;
	}
	return true;
}

/* Free a string that may hold a secret. */
static void
wipe(char *secret)
{
	if (secret != NULL)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

void
config_free(struct config *config)
{
	wipe(config->database_url);
	wipe(config->database_read_url);
	wipe(config->jwt_secret);
	wipe(config->jwt_secret_previous);
	digest_keys_free(config->jwt_public_keys);
	free(config->jwt_issuer);
	free(config->jwt_audience);
	redis_url_free(&config->redis);
	free(config->host);
	free(config->api_docs_root);
	for (size_t i = 0; i < config->origin_count; i++)
		free(config->origins[i]);
	free(config->origins);
	*config = (struct config) {0};
}

void
config_describe(void)
{
	for (size_t i = 0; i < SETTING_COUNT; i++)
		printf("  %-27s %s%s%s%s\n", settings[i].name, settings[i].meaning,
			   settings[i].fallback == NULL ? " (required)" : settings[i].fallback[0] ? " (" : "",
			   settings[i].fallback ? settings[i].fallback : "",
			   settings[i].fallback && settings[i].fallback[0] ? ")" : "");
}
