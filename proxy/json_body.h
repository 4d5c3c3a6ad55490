/*
 * json_body.h - JSON that comes in: the body of a request, cursors, and
 * members of errors. The only user of jansson.
 */
#ifndef TIMETRACKR_JSON_BODY_H
#define TIMETRACKR_JSON_BODY_H

#include "filling.h"

/* Fill in the fields of a body, and tell the function which ones were there. */
void		json_fill_body(struct filling *filling, const char *body, size_t length);

/* Read an array of exactly `count` strings into the arena. False: it is none. */
bool		json_read_strings(const char *json, size_t length, const char **strings, size_t count,
							  struct arena *arena);

/* Is this the text of one JSON object, without duplicate keys? */
bool		json_is_object_text(const char *text);

#endif
