/*
 * etag.h - entity tags (RFC 9110 8.8.3): naming a body by its hash, and
 * looking for the name in If-None-Match. They are weak, since a body and its
 * compressed form have the same.
 */
#ifndef TIMETRACKR_ETAG_H
#define TIMETRACKR_ETAG_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a tag, with the NUL: W/"0123456789abcdef" */
#define ETAG_SIZE 21

/* The tag of a body. */
void		etag_make(char etag[ETAG_SIZE], const char *body, size_t length);

/* Does a value of If-None-Match name this tag, or any? What is malformed in it, and all behind that, names none. */
bool		etag_is_named(const char *if_none_match, const char *etag);

#endif
