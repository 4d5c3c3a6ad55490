/*
 * accept.h - the Accept header: how welcome a media type is (RFC 9110 §12.5.1),
 * and Accept-Encoding: whether a body may be compressed (§12.5.3).
 */
#ifndef TIMETRACKR_ACCEPT_H
#define TIMETRACKR_ACCEPT_H

#include <stdbool.h>

/*
 * The weight of a type such as "text/csv" in thousandths: of the most specific
 * range that covers it; 0 is not acceptable. Without a header (NULL) all are welcome. What is
 * malformed is passed over.
 */
int			accept_weight(const char *accept, const char *type);

/* Does it take gzip, and not like identity more? Without a header (NULL) it does not. */
bool		accept_gzip(const char *accept_encoding);

#endif
