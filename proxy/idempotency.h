/*
 * idempotency.h - the Idempotency-Key of a request (draft-ietf-httpapi-idempotency-key-header):
 * reading it, and telling requests apart. What comes of it is SQL's business (once()).
 */
#ifndef TIMETRACKR_IDEMPOTENCY_H
#define TIMETRACKR_IDEMPOTENCY_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"

/* Most bytes of a key. */
#define IDEMPOTENCY_KEY_MAX 255

/*
 * Read a field's value: a string in quotes, as structured fields have it (RFC 9651
 * 3.3.3), or the same key without. NULL when it is neither, or too long; `out_of_memory`
 * tells whether it was that.
 */
const char *idempotency_read_key(const char *value, struct arena *arena, bool *out_of_memory);

/* What a request with this target and body is known by; NULL when memory is out. */
const char *idempotency_fingerprint(const char *target, const char *body, size_t body_length,
									struct arena *arena);

#endif
