/*
 * api_docs.h - the page at /api-docs.
 */
#ifndef TIMETRACKR_API_DOCS_H
#define TIMETRACKR_API_DOCS_H

#include "static.h"

/*
 * Load the page from a folder; NULL: from where it is installed or built, next to the
 * program. Where it was never built, a text says how it is. NULL with the reason in `why`
 * when the folder cannot be taken.
 */
struct statics *api_docs_load(const char *folder, char *why, size_t why_size);

#endif
