/*
 * config.c - the table of settings, and loading them.
 *
 * A setting is added by one row of the table; a row that nothing reads does not
 * belong here.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_values.h"
#include "env.h"
#include "lane.h"

#define MEMBER(name) offsetof(struct config, name)

/* Sorted by name. */
static const struct setting settings[] = {
	{"ACCESS_TOKEN_TTL", apply_number, MEMBER(access_token_ttl), 1, 31536000, "3600",
	"seconds an access token is valid"},
	{"API_DOCS_ROOT", apply_folder, MEMBER(api_docs_root), 0, 0, "",
	"folder of the page at /api-docs; unset: next to the program"},
	{"AUTH_RATE_LIMIT_PER_MINUTE", apply_number, MEMBER(auth_rate_limit_per_minute), 0, 1000000, "20",
	"sign-ups, log-ins and refreshes a minute and address; 0: no limit"},
	{"BADGES_ROOT", apply_folder, MEMBER(badges_root), 0, 0, "",
	"folder of the standard badges' pictures; unset: next to the program"},
	{"CACHE_BYTES", apply_size, MEMBER(cache_bytes), 0, 1024 * 1024 * 1024, "16777216",
	"answers to visitors that each event loop keeps; 0: none"},
	{"CLOUDINARY_API_KEY", apply_word, MEMBER(cloudinary.api_key), 0, 0, "",
	"key of the account at Cloudinary"},
	{"CLOUDINARY_API_SECRET", apply_word, MEMBER(cloudinary.api_secret), 0, 0, "",
	"its secret"},
	{"CLOUDINARY_CLOUD_NAME", apply_cloud_name, MEMBER(cloudinary.cloud_name), 0, 0, "",
	"its name; with these three, pictures may be uploaded to Cloudinary"},
	{"CLOUDINARY_NOTIFICATION_URL", apply_notification_url, MEMBER(cloudinary.notification_url), 0, 0, "",
	"where Cloudinary tells of uploads: this proxy's /media/callback as seen from there; unset: not asked for"},
	{"CLOUDINARY_SIGNATURE_ALGORITHM", apply_hash, MEMBER(cloudinary.hash), 0, 0, "sha1",
	"sha1 or sha256, as the account takes it"},
	{"CONNECTIONS_PER_ADDRESS", apply_size, MEMBER(connections_per_address), 0, 1000000, "1000",
	"most HTTP connections of a client address at a time; 0: no limit"},
	{"DATABASE_READ_URL", apply_database_url, MEMBER(database_read_url), 0, 0, "",
	"standbys that answer reads, as DATABASE_URL, each host one; unset: none"},
	{"DATABASE_URL", apply_database_url, MEMBER(database_url), 0, 0, NULL,
	"PostgreSQL, as a libpq URL or connection string; of several hosts the primary"},
	{"EVENT_DATABASE_URLS", apply_event_urls, MEMBER(event_urls), 0, 0, "",
	"the other nodes of a distributed database, as libpq URLs with spaces between them; unset: there are none"},
	{"EVENT_TTL", apply_number, MEMBER(event_ttl), 1, 31536000, "3600",
	"seconds clients may ask for past events"},
	{"FRONTEND_URL", apply_origins, MEMBER(origins), 0, 0, "",
	"comma-separated origins that browsers may call from, by CORS"},
	{"HOST", apply_host, MEMBER(host), 0, 0, "0.0.0.0",
	"IPv4 or IPv6 address to listen on, or unix:/path of a socket"},
	{"JWT_AUDIENCE", apply_word, MEMBER(jwt_audience), 0, 0, "",
	"aud that the identity provider's tokens must name; unset: any"},
	{"JWT_ISSUER", apply_word, MEMBER(jwt_issuer), 0, 0, "",
	"iss of the identity provider's tokens"},
	{"JWT_PUBLIC_KEY_FILE", apply_public_keys, MEMBER(jwt_public_key_file), 0, 0, "",
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
	{"MAIL_FROM", apply_mail_from, MEMBER(mail), 0, 0, "",
	"address, or name and <address>, that mails come from"},
	{"MAX_BODY_BYTES", apply_size, MEMBER(max_body_bytes), 1024, 64 * 1024 * 1024, "102400",
	"longest request body that is read"},
	{"MAX_IMPORT_BYTES", apply_size, MEMBER(max_import_bytes), 1024, 64 * 1024 * 1024, "33554432",
	"longest file that is imported"},
	{"METRICS_LISTEN", apply_metrics_listen, MEMBER(metrics_host), 1, 65535, "",
	"address:port where /metrics is, such as 127.0.0.1:9464; unset: nowhere"},
	{"PASSWORD_RESET_URL", apply_reset_url, MEMBER(mail), 0, 0, "",
	"page that takes {token} and a new password; unset: /reset-password#token={token} of the first FRONTEND_URL"},
	{"PORT", apply_port, MEMBER(port), 0, 65535, "3000",
	"TCP port to listen on; 0: any free one"},
	{"PUBLIC_URL", apply_public_url, MEMBER(mail), 0, 0, "",
	"where clients find this API, for links in mails"},
	{"RATE_LIMIT_PER_MINUTE", apply_number, MEMBER(rate_limit_per_minute), 0, 10000000, "600",
	"requests a minute and user, or address; 0: no limit"},
	{"READ_WAIT_MS", apply_number, MEMBER(read_wait), 1, 5000, "50",
	"ms that a read waits at most for a standby to have all that was committed before it"},
	{"REDIS_CHECK_RATE", apply_number, MEMBER(redis_check_rate), 0, 1000000, "500",
	"rows of leaderboards in Redis compared with PostgreSQL a second; 0: none"},
	{"REDIS_URL", apply_redis_url, MEMBER(redis), 0, 0, "",
	"redis://, unix:// or redis+sentinel:// URL; unset: no Redis"},
	{"REFRESH_TOKEN_TTL", apply_number, MEMBER(refresh_token_ttl), 1, 315360000, "2592000",
	"seconds a refresh token is valid"},
	{"SENTRY_DSN", apply_sentry_dsn, MEMBER(sentry), 0, 0, "",
	"https://KEY@host/PROJECT of a Sentry that errors are reported to; unset: none"},
	{"SENTRY_ENVIRONMENT", apply_environment, MEMBER(sentry_environment), 0, 0, "production",
	"what this installation is called there"},
	{"SLOW_QUERY_MS", apply_number, MEMBER(slow_query), 0, 3600000, "1000",
	"ms from which on a statement, with its wait for a connection, is logged; 0: none"},
	{"SMTP_CA_FILE", apply_smtp_ca_file, MEMBER(mail), 0, 0, "",
	"authorities that the mail server's certificate may come from, in PEM; unset: the system's"},
	{"SMTP_URL", apply_smtp_url, MEMBER(mail), 0, 0, "",
	"mail server: smtp://, smtps:// or smtp+plain://, with user:password@ if need be; unset: no mails"},
	{"TLS_CERT", apply_file, MEMBER(tls_cert), 0, 0, "",
	"certificate, and those behind it, in PEM; with TLS_KEY: HTTPS instead of HTTP"},
	{"TLS_KEY", apply_file, MEMBER(tls_key), 0, 0, "",
	"its key in PEM; both are read anew on SIGHUP"},
	{"TRUST_PROXY", apply_proxies, MEMBER(trusted_proxies), 0, 0, "false",
	"proxies in front whose X-Forwarded-For is believed: networks, unix, or true for all that are local"},
	{"WEBHOOKS_ALLOW_PRIVATE", apply_flag, MEMBER(webhooks_allow_private), 0, 0, "false",
	"true: webhooks may lead into private networks and to this machine, and be http://"},
	{"WEB_ROOT", apply_folder, MEMBER(web_root), 0, 0, "",
	"folder of the web app at /; unset: next to the program"},
	{"WORKERS", apply_workers, MEMBER(workers), 0, WORKERS_MAX, "0",
	"event loops; 0: one a processor"},
	{"WRITE_BATCH", apply_size, MEMBER(write_batch), 0, LANE_BATCH_MAX, "8",
	"most writes that share a commit; 0 or 1: each has its own"},
};

#define SETTING_COUNT (sizeof settings / sizeof settings[0])

/* The settings of an identity provider make sense only together. */
static bool
check_provider(const struct config *config, char *why, size_t why_size)
{
	if (config->jwt_public_keys != NULL && config->jwt_issuer == NULL)
		return config_refuse(why, why_size, "JWT_ISSUER: is required with JWT_PUBLIC_KEY_FILE");
	if (config->jwt_public_keys == NULL && config->jwt_issuer != NULL)
		return config_refuse(why, why_size, "JWT_ISSUER: is of no use without JWT_PUBLIC_KEY_FILE");
	if (config->jwt_public_keys == NULL && config->jwt_audience != NULL)
		return config_refuse(why, why_size, "JWT_AUDIENCE: is of no use without JWT_PUBLIC_KEY_FILE");
	return true;
}

static bool
check_tls(const struct config *config, char *why, size_t why_size)
{
	if (config->tls_cert != NULL && config->tls_key == NULL)
		return config_refuse(why, why_size, "TLS_KEY: is required, too, for TLS");
	if (config->tls_cert == NULL && config->tls_key != NULL)
		return config_refuse(why, why_size, "TLS_CERT: is required, too, for TLS");
	return true;
}

/* What an account at Cloudinary is known by makes sense only together. */
static bool
check_cloudinary(const struct config *config, char *why, size_t why_size)
{
	const struct cloudinary *cloudinary = &config->cloudinary;
	bool		any = cloudinary->cloud_name != NULL || cloudinary->api_key != NULL || cloudinary->api_secret != NULL;

	if (any && cloudinary->cloud_name == NULL)
		return config_refuse(why, why_size, "CLOUDINARY_CLOUD_NAME: is required with CLOUDINARY_API_KEY and CLOUDINARY_API_SECRET");
	if (any && cloudinary->api_key == NULL)
		return config_refuse(why, why_size, "CLOUDINARY_API_KEY: is required with CLOUDINARY_CLOUD_NAME and CLOUDINARY_API_SECRET");
	if (any && cloudinary->api_secret == NULL)
		return config_refuse(why, why_size, "CLOUDINARY_API_SECRET: is required with CLOUDINARY_CLOUD_NAME and CLOUDINARY_API_KEY");
	if (!any && cloudinary->notification_url != NULL)
		return config_refuse(why, why_size, "CLOUDINARY_NOTIFICATION_URL: is of no use without CLOUDINARY_CLOUD_NAME");
	return true;
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
	if (!check_provider(config, why, why_size) || !check_tls(config, why, why_size) ||
		!config_mail_complete(&config->mail, config->origin_count > 0 ? config->origins[0] : NULL, why, why_size) ||
		!check_cloudinary(config, why, why_size))
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
	for (size_t i = 0; i < config->event_url_count; i++)
		wipe(config->event_urls[i]);
	free(config->event_urls);
	wipe(config->jwt_secret);
	wipe(config->jwt_secret_previous);
	free(config->jwt_public_key_file);
	digest_keys_release(config->jwt_public_keys);
	free(config->jwt_issuer);
	free(config->jwt_audience);
	redis_url_free(&config->redis);
	sentry_dsn_free(&config->sentry);
	free(config->sentry_environment);
	trusted_proxies_free(&config->trusted_proxies);
	free(config->host);
	free(config->metrics_host);
	free(config->tls_cert);
	free(config->tls_key);
	free(config->api_docs_root);
	config_mail_free(&config->mail);
	free(config->badges_root);
	free(config->cloudinary.cloud_name);
	free(config->cloudinary.api_key);
	wipe(config->cloudinary.api_secret);
	free(config->cloudinary.notification_url);
	free(config->web_root);
	for (size_t i = 0; i < config->origin_count; i++)
		free(config->origins[i]);
	free(config->origins);
	*config = (struct config) {0};
}

void
config_describe(void)
{
	for (size_t i = 0; i < SETTING_COUNT; i++)
		printf("  %-30s %s%s%s%s\n", settings[i].name, settings[i].meaning,
			   settings[i].fallback == NULL ? " (required)" : settings[i].fallback[0] ? " (" : "",
			   settings[i].fallback ? settings[i].fallback : "",
			   settings[i].fallback && settings[i].fallback[0] ? ")" : "");
}
