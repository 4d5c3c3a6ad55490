/*
 * check.h - `timetrackr-proxy --check`: does what the settings point to answer?
 */
#ifndef TIMETRACKR_CHECK_H
#define TIMETRACKR_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"

/*
 * Try the address to listen on, the database for reads, and Redis. False with
 * one line "NAME: why" for the first that fails. DATABASE_URL is the catalog's business.
 */
bool		check_settings(const struct config *config, char *why, size_t why_size);

#endif
