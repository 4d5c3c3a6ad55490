/*
 * stream.c - fetches pages and hands out their bytes (see stream.h). The
 * columns of a page are those that statement.c put into the statement.
 */
#include "stream.h"

#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "log.h"

#define VIEWER_COLUMN 0
#define FIRST_KEY_COLUMN 3

static void
add_rows(struct stream *stream, const struct db_result *page)
{
	if (stream->route->shape == SHAPE_CSV)
		csv_add_rows(&stream->text, page);
	else
		document_add_rows(&stream->document, &stream->text, page);
	if (stream->state == STREAM_LAST && stream->route->shape == SHAPE_DOCUMENT)
		document_end(&stream->document, &stream->text);
}

/* Take over a page, and the cursor behind its last row. */
static void
take_page(struct stream *stream, const struct db_result *page)
{
	const struct catalog_route *route = stream->route;
	long		size = strtol(stream->values->value[route->limit], NULL, 10);
	int			rows = db_result_rows(page);

	stream->state = rows < size ? STREAM_LAST : STREAM_IDLE;
	/* the viewer has been deleted meanwhile: this is not the end */
	if (rows == 0 || *db_result_value(page, 0, VIEWER_COLUMN) != 't')
		stream->state = STREAM_BROKEN;
	else
		add_rows(stream, page);
	for (size_t i = 0; i < route->key_count && stream->state == STREAM_IDLE; i++)
	{
		const char *key = db_result_value(page, rows - 1, FIRST_KEY_COLUMN + (int) i);

		if (key == NULL || strlen(key) >= STREAM_KEY_MAX)
			stream->state = STREAM_BROKEN;
		else
		{
			memcpy(stream->keys[i], key, strlen(key) + 1);
			stream->values->value[route->keys[i]] = stream->keys[i];
		}
	}
	if (stream->text.failed)
		stream->state = STREAM_BROKEN;
}

static void
page_came(struct lane_job *job, struct db_result *page)
{
	struct stream *stream = job->arg;

	if (page != NULL && db_result_outcome(page) == DB_OK)
	{
		if (stream->state == STREAM_FETCHING)
			take_page(stream, page);
	}
	else if (stream->state == STREAM_FETCHING)
	{
		stream->state = STREAM_BROKEN;
		log_event(LEVEL_ERROR, "stream_failed", "route", stream->route->path, "error",
				  page != NULL && db_result_outcome(page) == DB_ERROR
				  ? db_error_message(page) : "no connection to the database", NULL);
	}
	stream->came(stream->arg);
}

/* After a long wait in the lane: has it not been given up? */
static bool
is_wanted(const struct lane_job *job)
{
	const struct stream *stream = job->arg;

	return stream->state == STREAM_FETCHING;
}

/* Ask for the next page. False: there is no room for it. */
static bool
fetch(struct stream *stream)
{
	const struct catalog_route *route = stream->route;

	text_reset(&stream->text);
	stream->read = 0;
	stream->job = (struct lane_job) {
		.statement = &route->statement,
		.value_count = (int) route->param_count + (route->viewer < 0),
		.values = stream->values->value,
		.done = page_came,
		.is_wanted = is_wanted,
		.arg = stream,
		.route = route,
	};
	stream->state = STREAM_FETCHING;
	return reads_submit(stream->reads, &stream->job);
}

void
stream_begin(struct stream *stream, const struct db_result *first)
{
	if (stream->route->shape == SHAPE_CSV)
		csv_add_header(&stream->text, stream->route);
	take_page(stream, first);
}

bool
stream_is_open(const struct stream *stream)
{
	return stream->route != NULL && stream->state != STREAM_LAST;
}

void
stream_take_all(struct stream *stream, struct text *text)
{
	text_add_bytes(text, stream->text.data, stream->text.length);
	text->failed = text->failed || stream->text.failed;
	stream_free(stream);
}

ssize_t
stream_read(struct stream *stream, char *buffer, size_t size)
{
	size_t		left = stream->text.length - stream->read;

	if (stream->state == STREAM_BROKEN)
		return STREAM_FAILED;
	if (left > 0)
	{
		size_t		count = left < size ? left : size;

		memcpy(buffer, stream->text.data + stream->read, count);
		stream->read += count;
		return (ssize_t) count;
	}
	if (stream->state == STREAM_LAST)
		return STREAM_END;
	if (fetch(stream))
		return STREAM_WAIT;
	stream->state = STREAM_BROKEN;
	return STREAM_FAILED;
}

bool
stream_stop(struct stream *stream)
{
	bool		fetching = stream->state == STREAM_FETCHING;

	stream->state = STREAM_BROKEN;
	return fetching && lane_withdraw(&stream->job);
}

void
stream_free(struct stream *stream)
{
	text_free(&stream->text);
}
