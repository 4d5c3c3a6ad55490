/*
 * websocket.c - frames through libwslay (see websocket.h).
 *
 * libwslay checks masks, reserved bits, opcodes, lengths, fragmentation and
 * UTF-8, answers pings, and queues a close frame on a fault. It does not tell
 * whether it is between two messages, so that is found out by counting bytes.
 */
#include "websocket.h"

#include <string.h>
#include <wslay/wslay.h>

#include "text.h"

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define KEY_LENGTH 24

/* Readers that are kept for later use. */
#define SPARE_MAX 8

/* The head of a frame that a server sends: no mask. */
#define HEAD_MAX 10

struct websocket_reader
{
	wslay_event_context_ptr context;
	const struct websocket_input *input;	/* during websocket_read() */
	const uint8_t *bytes;		/* not read yet */
	size_t		length;
	struct text answers;		/* frames that libwslay sends by itself */
	uint64_t	fed;			/* bytes it has got, and of those the ones in whole frames */
	uint64_t	framed;
	uint64_t	frame_length;	/* of the present frame, its head included */
	bool		is_control;
	bool		is_final;
	bool		in_message;		/* after a fragment, before the last one */
	int			fault;			/* what libwslay lets pass: the code to close with; 0: nothing */
	bool		is_over;		/* the receiver wants no more */
	struct websocket_reader *next;	/* among the spare ones */
};

struct websocket
{
	wslay_frame_context_ptr frames;
	struct frame *made;			/* by websocket_text() and the like, while it is filled */
	size_t		filled;
	struct websocket_reader *spare;
	unsigned	spare_count;
};

/* ---- the handshake ---- */

bool
websocket_key_is_valid(const char *key)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	/* 16 bytes are 22 digits, the last one with four bits of padding, and "==" */
	return strlen(key) == KEY_LENGTH && strspn(key, alphabet) == KEY_LENGTH - 2 &&
		strcmp(key + KEY_LENGTH - 2, "==") == 0 && strchr("AQgw", key[KEY_LENGTH - 3]) != NULL;
}

bool
websocket_accept(const char *key, char accept[DIGEST_SHA1_BASE64])
{
	char		both[KEY_LENGTH + sizeof GUID];

	memcpy(both, key, KEY_LENGTH);
	memcpy(both + KEY_LENGTH, GUID, sizeof GUID);
	return digest_sha1_base64(both, strlen(both), accept);
}

/* ---- frames going out ---- */

/* libwslay sends a piece of a frame: put it into the one that is made. */
static ssize_t
fill_frame(const uint8_t *data, size_t length, int flags, void *arg)
{
	struct websocket *websocket = arg;

	(void) flags;
	memcpy(websocket->made->bytes + websocket->filled, data, length);
	websocket->filled += length;
	return (ssize_t) length;
}

static struct frame *
make_frame(struct websocket *websocket, uint8_t opcode, const void *payload, size_t length)
{
	struct wslay_frame_iocb part = {
		.fin = 1, .opcode = opcode, .payload_length = length, .data = payload, .data_length = length
	};
	struct frame *frame = frame_new(HEAD_MAX + length);

	if (frame == NULL)
		return NULL;
	websocket->made = frame;
	websocket->filled = 0;
	/* fill_frame() takes everything, so all is sent in one go */
	if (wslay_frame_send(websocket->frames, &part) != (ssize_t) length)
	{
		frame_release(frame);
		return NULL;
	}
	frame->length = websocket->filled;
	return frame;
}

struct frame *
websocket_text(struct websocket *websocket, const char *text, size_t length)
{
	return make_frame(websocket, WSLAY_TEXT_FRAME, text, length);
}

struct frame *
websocket_ping(struct websocket *websocket)
{
	return make_frame(websocket, WSLAY_PING, "", 0);
}

struct frame *
websocket_close(struct websocket *websocket, int code, const char *reason)
{
	uint8_t		payload[125] = {(uint8_t) (code >> 8), (uint8_t) code};
	size_t		length = strnlen(reason, sizeof payload - 2);

	memcpy(payload + 2, reason, length);
	return make_frame(websocket, WSLAY_CONNECTION_CLOSE, payload,
					  code == WEBSOCKET_NO_STATUS ? 0 : 2 + length);
}

/* ---- messages coming in: libwslay's callbacks ---- */

static ssize_t
give_bytes(wslay_event_context_ptr context, uint8_t *buffer, size_t size, int flags, void *arg)
{
	struct websocket_reader *reader = arg;
	size_t		count = reader->length < size ? reader->length : size;

	(void) flags;
	if (count == 0)
	{
		wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	memcpy(buffer, reader->bytes, count);
	reader->bytes += count;
	reader->length -= count;
	reader->fed += count;
	return (ssize_t) count;
}

static ssize_t
take_answer(wslay_event_context_ptr context, const uint8_t *data, size_t length, int flags, void *arg)
{
	struct websocket_reader *reader = arg;

	(void) flags;
	text_add_bytes(&reader->answers, (const char *) data, length);
	if (!reader->answers.failed)
		return (ssize_t) length;
	wslay_event_set_error(context, WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

/* A client's frame has 2 bytes, up to 8 for a long length, 4 of mask, and the payload. */
static void
frame_starts(wslay_event_context_ptr context, const struct wslay_event_on_frame_recv_start_arg *frame,
			 void *arg)
{
	struct websocket_reader *reader = arg;
	unsigned	extended = frame->payload_length < 126 ? 0 : frame->payload_length < 65536 ? 2 : 8;

	(void) context;
	reader->frame_length = 2 + extended + 4 + frame->payload_length;
	reader->is_control = wslay_is_ctrl_frame(frame->opcode);
	reader->is_final = frame->fin;
}

static void
frame_ends(wslay_event_context_ptr context, void *arg)
{
	struct websocket_reader *reader = arg;

	(void) context;
	reader->framed += reader->frame_length;
	if (!reader->is_control)
		reader->in_message = !reader->is_final;
}

/* libwslay takes half a code, and looks at a reason only when it comes in one piece. */
static int
close_fault(const uint8_t *payload, size_t length)
{
	if (length == 1)
		return WEBSOCKET_PROTOCOL_ERROR;
	return length > 2 && !text_is_utf8((const char *) payload + 2, length - 2) ? WEBSOCKET_BAD_TEXT : 0;
}

static void
message_comes(wslay_event_context_ptr context, const struct wslay_event_on_msg_recv_arg *message, void *arg)
{
	struct websocket_reader *reader = arg;

	(void) context;
	if (message->opcode == WSLAY_BINARY_FRAME)
		reader->fault = WEBSOCKET_UNSUPPORTED;
	else if (message->opcode == WSLAY_CONNECTION_CLOSE)
		reader->fault = close_fault(message->msg, message->msg_length);
	else if (message->opcode == WSLAY_TEXT_FRAME && !reader->is_over && reader->fault == 0)
		reader->is_over = !reader->input->text(reader->input->arg,
											   message->msg_length > 0 ? (const char *) message->msg : "",
											   message->msg_length);
}

/* ---- readers ---- */

static struct websocket_reader *
take_reader(struct websocket *websocket)
{
	static const struct wslay_event_callbacks callbacks = {
		.recv_callback = give_bytes,
		.send_callback = take_answer,
		.on_frame_recv_start_callback = frame_starts,
		.on_frame_recv_end_callback = frame_ends,
		.on_msg_recv_callback = message_comes,
	};
	struct websocket_reader *reader = websocket->spare;

	if (reader != NULL)
	{
		websocket->spare = reader->next;
		websocket->spare_count--;
		return reader;
	}
	reader = calloc(1, sizeof *reader);
	if (reader == NULL)
		return NULL;
	if (wslay_event_context_server_init(&reader->context, &callbacks, reader) != 0)
	{
		free(reader);
		return NULL;
	}
	wslay_event_config_set_max_recv_msg_length(reader->context, WEBSOCKET_MESSAGE_MAX);
	return reader;
}

void
websocket_reader_drop(struct websocket_reader *reader)
{
	if (reader == NULL)
		return;
	wslay_event_context_free(reader->context);
	text_free(&reader->answers);
	free(reader);
}

/* Between two messages a reader knows nothing of its connection: any other may have it. */
static void
give_back(struct websocket *websocket, struct websocket_reader *reader)
{
	if (websocket->spare_count == SPARE_MAX)
	{
		websocket_reader_drop(reader);
		return;
	}
	reader->fed = 0;
	reader->framed = 0;
	reader->next = websocket->spare;
	websocket->spare = reader;
	websocket->spare_count++;
}

/* Hand on the frames that libwslay answers with. */
static bool
send_answers(struct websocket_reader *reader)
{
	struct frame *frame;

	if (wslay_event_send(reader->context) != 0)
		return false;
	if (reader->answers.length == 0)
		return true;
	frame = frame_new(reader->answers.length);
	if (frame == NULL)
		return false;
	memcpy(frame->bytes, reader->answers.data, frame->length);
	text_free(&reader->answers);
	reader->input->answer(reader->input->arg, frame);
	frame_release(frame);
	return true;
}

/* libwslay reads no more: the peer has closed, or libwslay wants to, with this code. */
static enum websocket_status
find_end(struct websocket_reader *reader, int *code)
{
	if (wslay_event_get_close_received(reader->context))
	{
		*code = wslay_event_get_status_code_received(reader->context);
		return WEBSOCKET_PEER_CLOSES;
	}
	/* its own close frame is only looked at */
	*code = wslay_event_send(reader->context) == 0
		? wslay_event_get_status_code_sent(reader->context) : WEBSOCKET_INTERNAL;
	return WEBSOCKET_FAULT;
}

/* What has the reader come to? */
static enum websocket_status
judge(struct websocket_reader *reader, int result, int *code)
{
	*code = WEBSOCKET_INTERNAL;
	if (result == WSLAY_ERR_NOMEM)
		return WEBSOCKET_FAULT;
	if (reader->fault != 0)
	{
		*code = reader->fault;
		return WEBSOCKET_FAULT;
	}
	if (result != 0)			/* our callback does not fail, so it is the frame's head */
	{
		*code = WEBSOCKET_PROTOCOL_ERROR;
		return WEBSOCKET_FAULT;
	}
	if (!wslay_event_get_read_enabled(reader->context))
		return find_end(reader, code);
	return send_answers(reader) ? WEBSOCKET_OPEN : WEBSOCKET_FAULT;
}

enum websocket_status
websocket_read(struct websocket *websocket, struct websocket_reader **place,
			   const struct websocket_input *input, const uint8_t *bytes, size_t length, int *code)
{
	struct websocket_reader *reader = *place != NULL ? *place : take_reader(websocket);
	enum websocket_status status;

	*place = reader;
	*code = WEBSOCKET_INTERNAL;
	if (reader == NULL)
		return WEBSOCKET_FAULT;
	reader->input = input;
	reader->bytes = bytes;
	reader->length = length;
	reader->is_over = false;
	status = judge(reader, wslay_event_recv(reader->context), code);
	reader->input = NULL;
	if (status != WEBSOCKET_OPEN)
		websocket_reader_drop(reader);
	else if (reader->fed == reader->framed && !reader->in_message)
		give_back(websocket, reader);
	else
		return status;
	*place = NULL;
	return status;
}

/* ---- what a thread shares ---- */

struct websocket *
websocket_new(void)
{
	static const struct wslay_frame_callbacks callbacks = {.send_callback = fill_frame};
	struct websocket *websocket = calloc(1, sizeof *websocket);

	if (websocket == NULL)
		return NULL;
	if (wslay_frame_context_init(&websocket->frames, &callbacks, websocket) == 0)
		return websocket;
	free(websocket);
	return NULL;
}

void
websocket_free(struct websocket *websocket)
{
	if (websocket == NULL)
		return;
	while (websocket->spare != NULL)
	{
		struct websocket_reader *next = websocket->spare->next;

		websocket_reader_drop(websocket->spare);
		websocket->spare = next;
	}
	wslay_frame_context_free(websocket->frames);
	free(websocket);
}
