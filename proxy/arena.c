/*
 * arena.c - a list of blocks, the newest of which is handed out from.
 */
#include "arena.h"

#include <stdarg.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE 2048

struct arena_block
{
	struct arena_block *next;
	size_t		used;
	size_t		size;
	alignas(max_align_t) char data[];
};

void *
arena_take(struct arena *arena, size_t size)
{
	struct arena_block *block = arena->blocks;
	size_t		aligned = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	void	   *piece;

	if (aligned < size)
		return NULL;
	if (block == NULL || block->size - block->used < aligned)
	{
		size_t		room = aligned > BLOCK_SIZE ? aligned : BLOCK_SIZE;

		block = room < SIZE_MAX - sizeof *block ? malloc(sizeof *block + room) : NULL;
		if (block == NULL)
			return NULL;
		block->next = arena->blocks;
		block->used = 0;
		block->size = room;
		arena->blocks = block;
	}
	piece = block->data + block->used;
	block->used += aligned;
	return piece;
}

char *
arena_copy(struct arena *arena, const char *bytes, size_t length)
{
	char	   *copy = arena_take(arena, length + 1);

	if (copy == NULL)
		return NULL;
	memcpy(copy, bytes, length);
	copy[length] = '\0';
	return copy;
}

char *
arena_printf(struct arena *arena, const char *format, ...)
{
	char		small[128];
	va_list		args;
	va_list		again;
	int			length;
	char	   *text = NULL;

	va_start(args, format);
	va_copy(again, args);
	length = vsnprintf(small, sizeof small, format, args);
	va_end(args);
	if (length >= 0)
		text = arena_take(arena, (size_t) length + 1);
	if (text != NULL && (size_t) length < sizeof small)
		memcpy(text, small, (size_t) length + 1);
	else if (text != NULL)
		vsnprintf(text, (size_t) length + 1, format, again);
	va_end(again);
	return text;
}

void
arena_reset(struct arena *arena)
{
	struct arena_block *kept = arena->blocks;

	if (kept == NULL)
		return;
	arena->blocks = kept->next;
	arena_free(arena);
	if (kept->size == BLOCK_SIZE)
	{
		kept->next = NULL;
		kept->used = 0;
		arena->blocks = kept;
	}
	else
		free(kept);
}

void
arena_free(struct arena *arena)
{
	while (arena->blocks != NULL)
	{
		struct arena_block *next = arena->blocks->next;

		free(arena->blocks);
		arena->blocks = next;
	}
}
