/*
 * check.h - does what the settings point to answer (`--check`), and does it keep secrets?
 */
#ifndef TIMETRACKR_CHECK_H
#define TIMETRACKR_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"

/*
 * Will the server keep passwords and tokens, which statements carry as
 * parameters, out of its log? True also when that cannot be found out.
 */
bool		check_parameters_unlogged(const struct config *config);

/*
 * Does EVENT_DATABASE_URLS name as many nodes as a distributed database has besides the first? True also when that
 * cannot be found out.
 */
bool		check_nodes_heard(const struct config *config);

/*
 * Do the databases' URLs lead past poolers that share sessions among connections? False with one line "NAME: why".
 * True also when that cannot be found out.
 */
bool		check_poolers(const struct config *config, char *why, size_t why_size);

/*
 * Try the address to listen on, standbys, other nodes, and Redis. False with
 * one line "NAME: why" for the first that fails. DATABASE_URL is the catalog's business.
 */
bool		check_settings(const struct config *config, char *why, size_t why_size);

#endif
