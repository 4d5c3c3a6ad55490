/*
 * reload.h - files that are read anew while the proxy serves: the certificate, and the keys of the
 * identity provider.
 */
#ifndef TIMETRACKR_RELOAD_H
#define TIMETRACKR_RELOAD_H

#include "config.h"
#include "worker.h"

/* Read them anew and hand them to the workers; what is no good changes nothing. The log tells. */
void		reload(struct worker **workers, int count, const struct config *config);

#endif
