/*
 * sentry_scrub.h - takes out of a text what must not leave this machine. Pure.
 */
#ifndef TIMETRACKR_SENTRY_SCRUB_H
#define TIMETRACKR_SENTRY_SCRUB_H

#include <stdbool.h>
#include <stddef.h>

/* What stands in the place of what was taken out. */
#define SENTRY_FILTERED "[Filtered]"

/*
 * Copy a text without email addresses, tokens, logins in URLs and what follows words such as password= or
 * Bearer; as much of it as there is room for. NULL is copied as "".
 */
void		sentry_scrub(char *out, size_t out_size, const char *text);

/*
 * The same for the primary message of an error of PostgreSQL's: it is copied only where it names objects and
 * settings of the server and never a value of a row (by the class of its SQLSTATE). DETAIL, HINT and CONTEXT
 * are for nobody else. False, and an empty text, when it is not to be copied.
 */
bool		sentry_scrub_error(char *out, size_t out_size, const char *sqlstate, const char *message);

#endif
