/*
 * reload.c - hands files that have changed to the workers (see reload.h).
 */
#include "reload.h"

#include <stdio.h>

#include "digest.h"
#include "log.h"
#include "supervisor.h"
#include "tls.h"

static void
reload_tls(struct worker **workers, int count, const struct config *config)
{
	char		why[256];
	struct tls_identity *identity = tls_load(config->tls_cert, config->tls_key, why, sizeof why);
	bool		good = identity != NULL;

	for (int i = 0; good && i < count; i++)
		good = worker_use_tls(workers[i], identity);
	if (good)
		log_event(LEVEL_INFO, "reloaded", "tls_expiry", tls_expiry(identity), NULL);
	else
		log_event(LEVEL_ERROR, "reload_failed", "error", identity != NULL ? "out of memory" : why, NULL);
	tls_release(identity);
}

static void
reload_provider_keys(struct worker **workers, int count, const struct config *config)
{
	char		why[256];
	char		error[300] = "out of memory";
	struct digest_keys *keys = digest_keys_read(config->jwt_public_key_file, why, sizeof why);
	bool		good = keys != NULL;

	if (!good)
		snprintf(error, sizeof error, "JWT_PUBLIC_KEY_FILE: %s", why);
	for (int i = 0; good && i < count; i++)
		good = worker_use_provider_keys(workers[i], keys);
	if (good)
		log_event(LEVEL_INFO, "reloaded", "public_keys", config->jwt_public_key_file, NULL);
	else
		log_event(LEVEL_ERROR, "reload_failed", "error", error, NULL);
	digest_keys_release(keys);
}

void
reload(struct worker **workers, int count, const struct config *config)
{
	supervisor_reloading();
	if (config->tls_cert != NULL)
		reload_tls(workers, count, config);
	if (config->jwt_public_key_file != NULL)
		reload_provider_keys(workers, count, config);
	if (config->tls_cert == NULL && config->jwt_public_key_file == NULL)
		log_event(LEVEL_INFO, "reload_failed", "error",
				  "there is nothing to be read anew without TLS_CERT and JWT_PUBLIC_KEY_FILE", NULL);
	log_flush();
	supervisor_reloaded();
}
