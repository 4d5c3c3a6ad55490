/*
 * stream.h - a list of any length as CSV, or a document of any size, fetched page by page as the client
 * reads: one page is in memory at a time, and each is a short read on a lane
 * like any other. It ends where a page is not full.
 */
#ifndef TIMETRACKR_STREAM_H
#define TIMETRACKR_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "catalog.h"
#include "document.h"
#include "reads.h"
#include "text.h"

/* Longest value of a cursor column, as text. */
#define STREAM_KEY_MAX 64

enum stream_state
{
	STREAM_IDLE,				/* not begun, or more pages are to be fetched */
	STREAM_FETCHING,			/* a page is on its way */
	STREAM_LAST,				/* nothing comes after what is in `text` */
	STREAM_BROKEN				/* it failed, or was given up */
};

struct stream
{
	struct reads *reads;
	const struct catalog_route *route;
	struct param_values *values;	/* of the call; the cursor's are changed from page to page */
	void		(*came) (void *arg);
	void	   *arg;
	enum stream_state state;	/* private from here */
	struct text text;			/* what has come */
	struct document document;	/* of SHAPE_DOCUMENT */
	size_t		read;			/* of it */
	struct lane_job job;
	char		keys[CATALOG_KEYS_MAX][STREAM_KEY_MAX];
};

/*
 * Begin with the result of the route's first page. The five public fields are
 * filled in; came(arg) will be called after each STREAM_WAIT, once.
 */
void		stream_begin(struct stream *stream, const struct db_result *first);

/* Has it begun, with pages still to come? */
bool		stream_is_open(const struct stream *stream);

/* Move all that has come to the end of another text, of a stream that is not open. */
void		stream_take_all(struct stream *stream, struct text *text);

/* Besides a number of bytes read. */
#define STREAM_WAIT 0			/* came() will tell when there is more */
#define STREAM_END (-1)
#define STREAM_FAILED (-2)

/* Read up to `size` bytes, at least one. */
ssize_t		stream_read(struct stream *stream, char *buffer, size_t size);

/* Give it up. True: came() will not be called, though a page was on its way. */
bool		stream_stop(struct stream *stream);

/* Free its memory; no page is on its way. */
void		stream_free(struct stream *stream);

#endif
