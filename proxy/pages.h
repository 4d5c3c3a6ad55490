/*
 * pages.h - what the proxy serves for people: the web app at /, the page at
 * /api-docs, and the standard badges' pictures.
 */
#ifndef TIMETRACKR_PAGES_H
#define TIMETRACKR_PAGES_H

#include "config.h"
#include "static.h"

/*
 * Load them from the folders that the settings name, or from where they are installed or
 * built, next to the program. Where a page was never built, a text says how it is. NULL with the
 * setting and the reason in `why` when a folder cannot be taken.
 */
struct statics *pages_load(const struct config *config, char *why, size_t why_size);

#endif
