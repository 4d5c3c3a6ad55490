/*
 * head.h - the header fields of a request: which ones matter, and whether the
 * head is strictly well-formed where libmicrohttpd's parser is lenient.
 *
 * Fields are told one by one, in the order received, as pointers into the
 * buffer that was parsed in place: their distances show what the parser hides.
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
	const char *fault;			/* why the request is refused; NULL: it is not */
	int			status;			/* of the fault: 400, 417 or 505 */
	bool		is_chunked;		/* its body comes in chunks */
	bool		is_1_1;			/* HTTP/1.1, not 1.0 */
	unsigned	hosts;			/* private from here */
	unsigned	lengths;
	unsigned	authorizations;
	unsigned	traces;
	const char *previous_end;
};

/* The request line. */
struct head_line
{
	const char *method;			/* these three where the parser found them in its buffer */
	const char *place;			/* of the target */
	const char *version;		/* "HTTP/1.1" */
	const char *target;			/* as received; as method, valid as long as the request */
};

/* Start with the request line. */
void		head_begin(struct head *head, const struct head_line *line);

/* Malformed HTTP has this code. */
const char *head_fault_code(const struct head *head);

/* Note one field. */
void		head_add(struct head *head, const char *name, size_t name_length,
					 const char *value, size_t value_length);

/* All fields were told, and the head ends in front of `end`: check what concerns several. */
void		head_end(struct head *head, const char *end);

#endif
