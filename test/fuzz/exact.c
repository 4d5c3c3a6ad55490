/*
 * exact.c: the context (see exact.h). As PostgreSQL 15 asks for, the pointer
 * in front of a chunk is its context.
 */
#include "exact.h"

#if PG_VERSION_NUM < 160000

#include "lib/ilist.h"
#include "nodes/memnodes.h"

typedef struct ExactContext
{
	MemoryContextData header;
	dlist_head	chunks;
} ExactContext;

typedef struct Chunk
{
	dlist_node	node;
	Size		size;
	MemoryContext context;		/* the last member */
} Chunk;

#define CHUNK_OF(pointer) ((Chunk *) (pointer) - 1)
#define POINTER_OF(chunk) ((void *) ((chunk) + 1))

static void *
exact_alloc(MemoryContext context, Size size)
{
	Chunk	   *chunk = malloc(sizeof(Chunk) + size);

	if (chunk == NULL)
		return NULL;
	chunk->size = size;
	chunk->context = context;
	dlist_push_tail(&((ExactContext *) context)->chunks, &chunk->node);
	return POINTER_OF(chunk);
}

static void
exact_free(MemoryContext context, void *pointer)
{
	dlist_delete(&CHUNK_OF(pointer)->node);
	free(CHUNK_OF(pointer));
}

/* Always somewhere else, so that pointers to the old place are found out. */
static void *
exact_realloc(MemoryContext context, void *pointer, Size size)
{
	void	   *moved = exact_alloc(context, size);

	if (moved == NULL)
		return NULL;
	memcpy(moved, pointer, Min(size, CHUNK_OF(pointer)->size));
	exact_free(context, pointer);
	return moved;
}

static void
exact_reset(MemoryContext context)
{
	dlist_mutable_iter each;

	dlist_foreach_modify(each, &((ExactContext *) context)->chunks)
	{
		dlist_delete(each.cur);
		free(dlist_container(Chunk, node, each.cur));
	}
}

static void
exact_delete(MemoryContext context)
{
	exact_reset(context);
	free(context);
}

static Size
exact_space(MemoryContext context, void *pointer)
{
	return sizeof(Chunk) + CHUNK_OF(pointer)->size;
}

static bool
exact_is_empty(MemoryContext context)
{
	return dlist_is_empty(&((ExactContext *) context)->chunks);
}

static void
exact_stats(MemoryContext context, MemoryStatsPrintFunc print, void *passthru,
			MemoryContextCounters *totals, bool to_stderr)
{
}

static const MemoryContextMethods methods = {
	.alloc = exact_alloc,
	.free_p = exact_free,
	.realloc = exact_realloc,
	.reset = exact_reset,
	.delete_context = exact_delete,
	.get_chunk_space = exact_space,
	.is_empty = exact_is_empty,
	.stats = exact_stats,
};

MemoryContext
exact_context_create(MemoryContext parent)
{
	ExactContext *context = malloc(sizeof(ExactContext));

	if (context == NULL)
		abort();
	dlist_init(&context->chunks);
	/* the tag only says that it is a context */
	MemoryContextCreate(&context->header, T_AllocSetContext, &methods, parent, "fuzz");
	return &context->header;
}

#else

MemoryContext
exact_context_create(MemoryContext parent)
{
	return AllocSetContextCreate(parent, "fuzz", ALLOCSET_SMALL_SIZES);
}

#endif
