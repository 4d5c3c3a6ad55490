/*
 * config_values.h - how each kind of setting is checked and kept; used by the
 * table in config.c alone.
 */
#ifndef TIMETRACKR_CONFIG_VALUES_H
#define TIMETRACKR_CONFIG_VALUES_H

#include "config.h"

#define WORKERS_MAX 256

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

setting_fn	apply_cloud_name;
setting_fn	apply_database_url;
setting_fn	apply_environment;
setting_fn	apply_event_urls;
setting_fn	apply_file;
setting_fn	apply_flag;
setting_fn	apply_folder;
setting_fn	apply_hash;
setting_fn	apply_host;
setting_fn	apply_log_level;
setting_fn	apply_mail_from;
setting_fn	apply_metrics_listen;
setting_fn	apply_notification_url;
setting_fn	apply_number;
setting_fn	apply_origins;
setting_fn	apply_port;
setting_fn	apply_proxies;
setting_fn	apply_public_keys;
setting_fn	apply_public_url;
setting_fn	apply_redis_url;
setting_fn	apply_reset_url;
setting_fn	apply_secret;
setting_fn	apply_sentry_dsn;
setting_fn	apply_size;
setting_fn	apply_smtp_ca_file;
setting_fn	apply_smtp_url;
setting_fn	apply_word;
setting_fn	apply_workers;

/* Put the reason into `why`; false. */
bool		config_refuse(char *why, size_t why_size, const char *reason);

/* Copy `length` bytes into the char * that `place` points to; false with the reason when memory is out. */
bool		config_keep(char **place, const char *value, size_t length, char *why, size_t why_size);

#endif
