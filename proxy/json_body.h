/*
 * json_body.h - JSON that comes in: the body of a request, cursors, tokens, and
 * members of errors. The only user of jansson.
 */
#ifndef TIMETRACKR_JSON_BODY_H
#define TIMETRACKR_JSON_BODY_H

#include <stdint.h>

#include "filling.h"

/* Fill in the fields of a body, and tell the function which ones were there. */
void		json_fill_body(struct filling *filling, const char *body, size_t length);

/* Read an array of exactly `count` strings into the arena. False: it is none. */
bool		json_read_strings(const char *json, size_t length, const char **strings, size_t count,
							  struct arena *arena);

/* What a live client says: members that are absent are NULL, -1 for `after`, and 0. */
struct json_live
{
	const char *token;
	int64_t		after;
	int64_t		follow;			/* the project of "subscribe" */
	int64_t		unfollow;		/* … of "unsubscribe" */
};

/*
 * Read a live client's message. NULL when it is one; else the code of what
 * is wrong, and a sentence in `*detail`.
 */
const char *json_read_live(const char *json, size_t length, struct json_live *message,
						   struct arena *arena, const char **detail);

/* Is this the text of one JSON object, without duplicate keys? */
bool		json_is_object_text(const char *text);

/* An object to be looked into member by member: header and claims of a token. */
struct json_object;

/* Parse it; NULL when it is none, has a key twice or a string with a NUL, or memory is out. */
struct json_object *json_object_read(const char *json, size_t length);
void		json_object_free(struct json_object *object);

/* Is the member there, be it null? */
bool		json_object_has(const struct json_object *object, const char *name);

/* A string; NULL when it is absent or of another type. Lives as long as the object. */
const char *json_object_string(const struct json_object *object, const char *name);

/* A number without fraction and exponent, within int64; false when it is absent or anything else. */
bool		json_object_integer(const struct json_object *object, const char *name, int64_t *value);

/* Is it true, and not just "true"? */
bool		json_object_is_true(const struct json_object *object, const char *name);

/* Is it this string, or an array of strings with this one among them? */
bool		json_object_names(const struct json_object *object, const char *name, const char *wanted);

#endif
