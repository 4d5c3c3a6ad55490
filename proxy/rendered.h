/*
 * rendered.h - the body of an answer, made once and sent many times: as it is,
 * and compressed, each with what the HTTP side has made of it. Never changed; freed when the last
 * holder lets go. Belongs to one thread.
 */
#ifndef TIMETRACKR_RENDERED_H
#define TIMETRACKR_RENDERED_H

#include <stdbool.h>
#include <stddef.h>

#include "etag.h"

/* In how many ways it is sent: as it is or compressed, with its body or, as 304, without. */
#define RENDERED_FORMS 4

struct rendered
{
	size_t		length;
	const char *body;			/* ended by a NUL that is not counted */
	const char *link;			/* value of the Link header; NULL: none */
	char		etag[ETAG_SIZE];
	size_t		gzip_length;	/* private from here: see rendered_gzip() */
	char	   *gzip;
	bool		compressed;		/* it was tried */
	void	   *ready[RENDERED_FORMS];	/* see rendered_ready() */
	void		(*free_ready) (void *ready);
	unsigned	holders;
};

/* Make one for one holder; both are copied. NULL when memory is out. */
struct rendered *rendered_create(const char *body, size_t length, const char *link);

/* One holder more; returns it. */
struct rendered *rendered_hold(struct rendered *rendered);

/* One holder less. Takes any pointer so that it can be a library's callback; NULL does no harm. */
void		rendered_release(void *rendered);

/* The body as gzip, made at the first call; NULL when it would not be smaller, or memory is out. */
const char *rendered_gzip(struct rendered *rendered, size_t *length);

/*
 * Where the HTTP side keeps what it has made to send this form, `body` being one of the two above; NULL there: nothing
 * yet. free_ready() is given it when the body ends; it is the same in all calls.
 */
void	  **rendered_ready(struct rendered *rendered, const char *body, bool is_304, void (*free_ready) (void *ready));

/* Bytes that it takes now. */
size_t		rendered_size(const struct rendered *rendered);

#endif
