/*
 * arena.h - memory that is given out in pieces and freed at once.
 *
 * Holds the small strings of one request. Pieces never move.
 */
#ifndef TIMETRACKR_ARENA_H
#define TIMETRACKR_ARENA_H

#include <stddef.h>

struct arena_block;

/* A zeroed struct is an empty arena. */
struct arena
{
	struct arena_block *blocks;
};

/* Give out `size` bytes, aligned for any type; NULL when memory is out. */
void	   *arena_take(struct arena *arena, size_t size);

/* Copy `length` bytes and add a NUL; NULL when memory is out. */
char	   *arena_copy(struct arena *arena, const char *bytes, size_t length);

/* printf() into the arena; NULL when memory is out. */
char	   *arena_printf(struct arena *arena, const char *format, ...)
			__attribute__((format(printf, 2, 3)));

/* Take everything back, but keep a block for what comes next. */
void		arena_reset(struct arena *arena);

void		arena_free(struct arena *arena);

#endif
