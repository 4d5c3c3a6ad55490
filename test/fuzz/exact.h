/*
 * exact.h: a memory context that mallocs each chunk by itself, so that the
 * address sanitizer sees where a chunk ends and what is used after it was freed.
 * From PostgreSQL 16 on nobody can add kinds of contexts: there it is an ordinary one.
 */
#ifndef FUZZ_EXACT_H
#define FUZZ_EXACT_H

#include "postgres.h"

#include "utils/memutils.h"

extern MemoryContext exact_context_create(MemoryContext parent);

#endif
