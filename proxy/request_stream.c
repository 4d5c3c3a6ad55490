/*
 * request_stream.c - answers whose body comes page by page, from the database
 * as the client reads it. The request is ANSWERED from the first page on.
 */
#include "request_state.h"

#include <string.h>

static void
page_came(void *arg)
{
	struct request *request = arg;

	request->working = false;
	if (request->released)
		request_let_go(request);
	else
		request->client.answered(request->client.arg);
}

void
request_begin_stream(struct request *request, const struct db_result *first)
{
	const struct catalog_route *route = request->admission.route;

	request->stream = (struct stream) {
		.reads = request->service->reads,
		.route = route,
		.values = &request->values,
		.came = page_came,
		.arg = request,
	};
	stream_begin(&request->stream, first);
	if (!stream_is_open(&request->stream))
		stream_take_all(&request->stream, &request->answer.body);
}

bool
request_streams(const struct request *request)
{
	return stream_is_open(&request->stream);
}

bool
request_is_head(const struct request *request)
{
	return strcmp(request->head.method, "HEAD") == 0;
}

ssize_t
request_read(struct request *request, char *buffer, size_t size)
{
	ssize_t		count;

	request->working = true;
	count = stream_read(&request->stream, buffer, size);
	request->working = count == STREAM_WAIT;
	return count;
}

void
request_stop_stream(struct request *request)
{
	if (stream_stop(&request->stream))
		request->working = false;
}
