/*
 * head.h - the header fields of a request: which ones matter, and whether the
 * head is strictly well-formed where libmicrohttpd's parser is lenient.
 *
 * Fields are told one by one, in the order received, as pointers into the
 * buffer that was parsed in place; the bytes between them show what the parser hides.
 */
#ifndef TIMETRACKR_HEAD_H
#define TIMETRACKR_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "admit.h"

struct head
{
	struct request_head request;	/* what has been found so far */
	bool		expects_continue;	/* the body follows only when it is asked for */
	const char *fault;			/* why the head is malformed; NULL: it is not */
	bool		is_1_1;			/* HTTP/1.1, not 1.0 */
	unsigned	hosts;			/* private from here */
	unsigned	lengths;
	unsigned	encodings;
	unsigned	authorizations;
	const char *previous_end;
};

/*
 * Start with the request line; `version` ("HTTP/1.1") as a pointer into the
 * parsed buffer too, all others valid as long as the request.
 */
void		head_begin(struct head *head, const char *method, const char *target, const char *peer,
					   const char *version);

/* Note one field. */
void		head_add(struct head *head, const char *name, size_t name_length,
					 const char *value, size_t value_length);

/* All fields were told: check what concerns several. */
void		head_end(struct head *head);

#endif
