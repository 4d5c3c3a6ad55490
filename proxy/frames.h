/*
 * frames.h - WebSocket frames as they go over the wire, shared between the
 * connections they are for, and the queue of those that wait for one socket.
 */
#ifndef TIMETRACKR_FRAMES_H
#define TIMETRACKR_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Made once, then sent as it is to any number of sockets. Belongs to one thread. */
struct tls_channel;

struct frame
{
	unsigned	holders;
	size_t		length;
	uint8_t		bytes[];
};

/* A new frame of this length, held once; its bytes are to be filled in. NULL when memory is out. */
struct frame *frame_new(size_t length);

/* Hold it once more / once less; the last to let go frees it. frame_release() takes NULL. */
struct frame *frame_hold(struct frame *frame);
void		frame_release(struct frame *frame);

struct frame_node;

/* A zeroed struct is an empty queue. */
struct frame_queue
{
	struct frame_node *first;
	struct frame_node *last;
	size_t		bytes;			/* still to be sent */
	size_t		sent;			/* of the first frame */
};

/* Add a frame at the end, and hold it. False when memory is out. */
bool		frame_queue_add(struct frame_queue *queue, struct frame *frame);

enum frame_progress
{
	FRAMES_SENT,				/* the queue is empty */
	FRAMES_WAIT,				/* the socket is full */
	FRAMES_FAILED				/* the connection is gone */
};

/* Send as much as the nonblocking socket takes. */
enum frame_progress frame_queue_send(struct frame_queue *queue, int fd, struct tls_channel *tls);

/* Drop what waits, but for a frame that was begun: the next one must stand behind a whole one. */
void		frame_queue_cut(struct frame_queue *queue);

/* Drop everything. */
void		frame_queue_clear(struct frame_queue *queue);

#endif
