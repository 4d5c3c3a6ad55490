/*
 * accept.h - the Accept header: how welcome a media type is (RFC 9110 §12.5.1).
 */
#ifndef TIMETRACKR_ACCEPT_H
#define TIMETRACKR_ACCEPT_H

/*
 * The weight of a type such as "text/csv" in thousandths: of the most specific
 * range that covers it; 0 is not acceptable. Without a header (NULL) all are welcome. What is
 * malformed is passed over.
 */
int			accept_weight(const char *accept, const char *type);

#endif
