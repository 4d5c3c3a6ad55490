/*
 * text_cache.h - what is known about a text: a table of fixed size, found by a keyed hash.
 *
 * A text has eight places; what was used longest ago makes room. Not for several threads.
 */
#ifndef TIMETRACKR_TEXT_CACHE_H
#define TIMETRACKR_TEXT_CACHE_H

#include <stdbool.h>
#include <stddef.h>

struct text_cache;

/* One that holds at most 8 × `sets` texts, a power of two. NULL when memory or randomness is out. */
struct text_cache *text_cache_create(size_t sets);

/* Free it, with all values. */
void		text_cache_free(struct text_cache *cache);

/* The value of a text, or NULL. Stays until the next text_cache_keep() or text_cache_drop(). */
void	   *text_cache_find(struct text_cache *cache, const char *text, size_t length);

/*
 * Keep a value for a text that has none, which is copied. The value was malloc'd
 * and is the cache's from now on; it is freed at once, and NULL returned, when memory is out.
 */
void	   *text_cache_keep(struct text_cache *cache, const char *text, size_t length, void *value);

/* Drop the values of which `is_doomed` says so; NULL: all. */
void		text_cache_drop(struct text_cache *cache,
							bool (*is_doomed) (const void *value, const void *arg), const void *arg);

#endif
