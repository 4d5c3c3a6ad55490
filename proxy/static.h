/*
 * static.h - files that are sent as they are: read once at the start, kept in
 * memory, compressed beforehand. What is not there then is never looked for: a
 * path is only ever compared with names that were found.
 */
#ifndef TIMETRACKR_STATIC_H
#define TIMETRACKR_STATIC_H

#include <stdbool.h>
#include <stddef.h>

#include "answer.h"

struct static_file;
struct statics;

/* An empty set. NULL when memory is out. */
struct statics *statics_create(void);

/*
 * Add the regular files below a folder, at prefix/name; its index.html at the
 * prefix itself, which for the prefix "" is /. Links, and names with a dot in front or with characters that a URL would have
 * to encode, are passed over. False with the reason in `why`: unreadable, or too much.
 */
bool		statics_add_folder(struct statics *statics, const char *prefix, const char *folder,
							   char *why, size_t why_size);

/* Add a page of plain text. False when memory is out. */
bool		statics_add_text(struct statics *statics, const char *path, const char *body);

/* The file at a path as it was received, without its query; NULL: there is none. */
const struct static_file *statics_find(const struct statics *statics, const char *path, size_t length);

/*
 * Let the page at a path take pictures from, and connect to, one more place each: sources of
 * its policy. Nothing happens where no page is. False when memory is out.
 */
bool		statics_allow(struct statics *statics, const char *path, const char *pictures, const char *connections);

/* The page at /, which stands for paths that it alone understands; NULL: there is none. */
const struct static_file *statics_page(const struct statics *statics);

/* Make it the answer, compressed where the request takes that. The file outlives the answer. */
void		static_answer(struct answer *answer, const struct static_file *file, const char *accept_encoding);

void		statics_free(struct statics *statics);

#endif
