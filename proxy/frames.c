/*
 * frames.c - shared frames and queues of them (see frames.h).
 */
#include "frames.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "tls.h"

/* Most frames handed to the kernel at once. */
#define PIECES_MAX 64

struct frame_node
{
	struct frame *frame;
	struct frame_node *next;
};

struct frame *
frame_new(size_t length)
{
	struct frame *frame = malloc(sizeof *frame + length);

	if (frame == NULL)
		return NULL;
	frame->holders = 1;
	frame->length = length;
	return frame;
}

struct frame *
frame_hold(struct frame *frame)
{
	frame->holders++;
	return frame;
}

void
frame_release(struct frame *frame)
{
	if (frame != NULL && --frame->holders == 0)
		free(frame);
}

bool
frame_queue_add(struct frame_queue *queue, struct frame *frame)
{
	struct frame_node *node = malloc(sizeof *node);

	if (node == NULL)
		return false;
	*node = (struct frame_node) {.frame = frame_hold(frame)};
	if (queue->last != NULL)
		queue->last->next = node;
	else
		queue->first = node;
	queue->last = node;
	queue->bytes += frame->length;
	return true;
}

/* Take the first node out; its bytes no longer wait. */
static void
drop_first(struct frame_queue *queue)
{
	struct frame_node *node = queue->first;

	queue->bytes -= node->frame->length - queue->sent;
	queue->sent = 0;
	queue->first = node->next;
	if (queue->first == NULL)
		queue->last = NULL;
	frame_release(node->frame);
	free(node);
}

/* So many bytes have gone: take out the frames that are whole. */
static void
note_sent(struct frame_queue *queue, size_t count)
{
	while (count > 0 && queue->first != NULL)
	{
		size_t		left = queue->first->frame->length - queue->sent;

		if (count < left)
		{
			queue->sent += count;
			queue->bytes -= count;
			return;
		}
		count -= left;
		drop_first(queue);
	}
}

/* The same over TLS, a frame at a time: a record has room for most. */
static enum frame_progress
send_over_tls(struct frame_queue *queue, struct tls_channel *tls)
{
	while (queue->first != NULL)
	{
		const struct frame *frame = queue->first->frame;
		ssize_t		count = tls_send(tls, frame->bytes + queue->sent, frame->length - queue->sent);

		if (count < 0)
			return errno == EAGAIN ? FRAMES_WAIT : FRAMES_FAILED;
		note_sent(queue, (size_t) count);
	}
	if (tls_flush(tls))
		return FRAMES_SENT;
	return errno == EAGAIN ? FRAMES_WAIT : FRAMES_FAILED;
}

enum frame_progress
frame_queue_send(struct frame_queue *queue, int fd, struct tls_channel *tls)
{
	if (tls != NULL)
		return send_over_tls(queue, tls);
	while (queue->first != NULL)
	{
		struct iovec pieces[PIECES_MAX];
		struct msghdr message = {.msg_iov = pieces};
		size_t		skip = queue->sent;
		ssize_t		count;

		for (struct frame_node *at = queue->first; at != NULL && message.msg_iovlen < PIECES_MAX; at = at->next)
		{
			pieces[message.msg_iovlen++] = (struct iovec) {
				at->frame->bytes + skip, at->frame->length - skip
			};
			skip = 0;
		}
		count = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK ? FRAMES_WAIT : FRAMES_FAILED;
		note_sent(queue, (size_t) count);
	}
	return FRAMES_SENT;
}

void
frame_queue_cut(struct frame_queue *queue)
{
	struct frame_node *begun = queue->sent > 0 ? queue->first : NULL;
	struct frame_node *at = begun != NULL ? begun->next : queue->first;

	while (at != NULL)
	{
		struct frame_node *next = at->next;

		queue->bytes -= at->frame->length;
		frame_release(at->frame);
		free(at);
		at = next;
	}
	queue->first = queue->last = begun;
	if (begun != NULL)
		begun->next = NULL;
}

void
frame_queue_clear(struct frame_queue *queue)
{
	while (queue->first != NULL)
		drop_first(queue);
}
