/*
 * request.h - the life of one request, from its head to its answer.
 *
 * The HTTP side creates it, tells it head and body, and lets it run; the answer
 * is there at once or announced later by a callback. It knows lanes and accelerators, but no
 * HTTP library, no SQL library and no Redis.
 */
#ifndef TIMETRACKR_REQUEST_H
#define TIMETRACKR_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "admit.h"
#include "answer.h"
#include "service.h"

struct request;
struct tls_channel;

/* The HTTP side of a request. */
struct request_client
{
	void		(*answered) (void *arg);	/* the answer has come after request_run() returned false */
	bool		(*is_there) (void *arg);	/* has the client not gone away? */
	void	   *arg;
};

/* Create one; NULL when memory is out. `client` may be NULL for one that will only be refused. */
struct request *request_create(struct service *service, const struct request_client *client);

/* Free the memory that is kept for the next request. */
void		request_free_spare(struct service *service);

/* For the log, in case that its head is never noted: what it asks for (NULL: unknown), and who. Not copied. */
void		request_note_client(struct request *request, const char *target, const char *peer);
/* Note of its head, of a request that is to be refused, what the answer needs. */
void		request_note(struct request *request, const struct request_head *head);

/* Note its head. False: the answer is there already, and no body is to be read. */
bool		request_begin(struct request *request, const struct request_head *head);

/* Has it been refused for what its head says? request_run() then answers, whatever its body is. */
bool		request_is_refused(const struct request *request);

/* Add a piece of its body. False: it is too long, and the answer says so. */
bool		request_add_body(struct request *request, const char *data, size_t length);

/* Run it, once its body is complete. True: the answer is there; false: client.answered() will be called. */
bool		request_run(struct request *request);

/* Answer it with a problem found by the HTTP side, such as malformed HTTP. */
void		request_refuse(struct request *request, int status, const char *code, const char *detail);

/* The answer; its status is 0 while there is none. Valid until request_release(). */
const struct answer *request_answer(const struct request *request);

/* Take over the answer's body to free it with free(); NULL when it has none that is its own. */
char	   *request_take_body(struct request *request);

/*
 * Does the answer have a body of unknown length, to be read piece by piece?
 * request_read() gives bytes, or STREAM_WAIT, STREAM_END or STREAM_FAILED of stream.h; after a
 * wait answered() will be called, unless the stream was stopped.
 */
bool		request_streams(const struct request *request);

/* Is the client to be given the head of the answer alone? */
bool		request_is_head(const struct request *request);
ssize_t		request_read(struct request *request, char *buffer, size_t size);
void		request_stop_stream(struct request *request);

/*
 * The answer was 101 and is sent: hand over a duplicate of the socket, and
 * the bytes behind the head that were read from it already. `tls` (NULL: none) is taken over.
 */
void		request_hand_over(struct request *request, int fd, struct tls_channel *tls,
							  const char *bytes, size_t length);

/* The HTTP side needs it no more. What is still under way in the database ends by itself. */
void		request_release(struct request *request);

#endif
