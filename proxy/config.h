/*
 * config.h - settings from the environment and from a file `.env`.
 *
 * The environment wins over `.env`. All settings stand in one sorted table in
 * config.c; the struct is read-only once threads run.
 */
#ifndef TIMETRACKR_CONFIG_H
#define TIMETRACKR_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "client_address.h"
#include "cloudinary.h"
#include "config_mail.h"
#include "digest.h"
#include "log.h"
#include "redis_url.h"
#include "sentry_dsn.h"

struct config
{
	char	   *database_url;
	char	   *database_read_url;	/* of standbys; NULL: there are none */
	long		read_wait;		/* ms that a read waits for one at most */
	struct config_redis redis;
	long		redis_check_rate;	/* rows a second; 0: off */
	size_t		cache_bytes;	/* of answers kept by each worker; 0: none */
	char	   *jwt_secret;		/* at least 32 bytes */
	char	   *jwt_secret_previous;	/* NULL: none */
	char	   *jwt_public_key_file;	/* of an identity provider; NULL: there is none */
	struct digest_keys *jwt_public_keys;	/* what was in the file */
	char	   *jwt_issuer;		/* of its tokens; set when the keys are */
	char	   *jwt_audience;	/* NULL: any */
	long		access_token_ttl;	/* seconds */
	long		event_ttl;		/* seconds that the stream keeps events */
	char	  **event_urls;		/* of the other nodes of a distributed database */
	size_t		event_url_count;
	long		refresh_token_ttl;	/* seconds */
	char	   *host;			/* address to listen on */
	int			port;			/* 0: any free one */
	char	   *tls_cert;		/* file names in PEM; NULL: no TLS */
	char	   *tls_key;
	char	  **origins;		/* FRONTEND_URL; each exactly as a browser sends it */
	size_t		origin_count;
	int			workers;		/* never 0 after loading */
	size_t		write_batch;	/* most writes that share a commit; 0, 1: none do */
	long		rate_limit_per_minute;	/* 0: off */
	long		auth_rate_limit_per_minute; /* 0: off */
	struct trusted_proxies trusted_proxies; /* whose X-Forwarded-For is believed */
	size_t		connections_per_address;	/* 0: no limit */
	size_t		max_body_bytes;
	size_t		max_import_bytes;	/* the same for files that are imported */
	size_t		live_connections;	/* of this process */
	size_t		live_connections_per_user;
	long		live_ping;		/* seconds */
	char	   *api_docs_root;	/* folder of the page at /api-docs; NULL: where it usually is */
	char	   *badges_root;	/* folder of the standard badges' pictures; NULL: where it usually is */
	struct cloudinary cloudinary;	/* keeps pictures, if it is set */
	char	   *web_root;		/* folder of the web app at /; NULL: where it usually is */
	enum log_level log_level;
	long		slow_query;		/* ms; 0: off */
	struct sentry_dsn sentry;	/* key NULL: errors are not reported */
	char	   *sentry_environment;
	char	   *metrics_host;	/* where /metrics is; NULL: nowhere */
	int			metrics_port;
	struct config_mail mail;
	bool		webhooks_allow_private; /* webhooks may lead into private networks, and be http:// */
};

/*
 * Read and check all settings. Returns false with one line "NAME: why" in
 * `why` for the first wrong one; it never contains the value of a secret.
 */
bool		config_load(struct config *config, const char *env_file, char *why, size_t why_size);

/* Free what config_load() allocated. Secrets are wiped. */
void		config_free(struct config *config);

/* Print every setting with its default and meaning, for --help. */
void		config_describe(void);

#endif
