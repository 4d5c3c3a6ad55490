/*
 * websocket.h - the WebSocket protocol (RFC 6455) of a server, without
 * sockets: the key of the handshake, frames going out, messages coming in.
 * The only user of libwslay.
 *
 * Reading a frame takes 9 KB, so a reader exists only while a frame or a
 * message is in the middle, and readers are used again.
 */
#ifndef TIMETRACKR_WEBSOCKET_H
#define TIMETRACKR_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digest.h"
#include "frames.h"

/* Longest message that is read; a longer one is answered by closing with 1009. */
#define WEBSOCKET_MESSAGE_MAX 4096

/* Close codes of RFC 6455 §7.4.1 that are used here. */
enum
{
	WEBSOCKET_NORMAL = 1000,
	WEBSOCKET_GOING_AWAY = 1001,
	WEBSOCKET_PROTOCOL_ERROR = 1002,
	WEBSOCKET_UNSUPPORTED = 1003,
	WEBSOCKET_NO_STATUS = 1005, /* never sent: the other side gave none */
	WEBSOCKET_ABNORMAL = 1006,	/* never sent: the connection ended without closing */
	WEBSOCKET_BAD_TEXT = 1007,
	WEBSOCKET_POLICY = 1008,
	WEBSOCKET_INTERNAL = 1011,
	WEBSOCKET_TRY_LATER = 1013
};

/* Is this a Sec-WebSocket-Key: 16 bytes in base64? */
bool		websocket_key_is_valid(const char *key);

/* Write the Sec-WebSocket-Accept for a key. False when libcrypto refuses. */
bool		websocket_accept(const char *key, char accept[DIGEST_SHA1_BASE64]);

struct websocket;				/* what the connections of one thread share */
struct websocket_reader;

/* NULL when memory is out. */
struct websocket *websocket_new(void);
void		websocket_free(struct websocket *websocket);

/* Make a frame, held once: a message, a ping, a close. NULL when memory is out. */
struct frame *websocket_text(struct websocket *websocket, const char *text, size_t length);
struct frame *websocket_ping(struct websocket *websocket);

/* `reason` is UTF-8 of at most 123 bytes. WEBSOCKET_NO_STATUS closes without a code. */
struct frame *websocket_close(struct websocket *websocket, int code, const char *reason);

enum websocket_status
{
	WEBSOCKET_OPEN,
	WEBSOCKET_PEER_CLOSES,		/* its close frame was read: answer with the same code */
	WEBSOCKET_FAULT				/* it breaks the protocol: close with the code */
};

/* Who reads. Nothing may be freed within the callbacks. */
struct websocket_input
{
	/* A whole text message in valid UTF-8. False: read on, but hand on no more. */
	bool		(*text) (void *arg, const char *text, size_t length);
	/* A frame to be sent at once (a pong); released by the caller. */
	void		(*answer) (void *arg, struct frame *frame);
	void	   *arg;
};

/*
 * Read bytes as they come. `*reader` is the connection's, NULL at first and whenever it is
 * between two messages. Unless the status is WEBSOCKET_OPEN, `*code` is the
 * close code, and nothing may be read any more.
 */
enum websocket_status websocket_read(struct websocket *websocket, struct websocket_reader **reader,
									 const struct websocket_input *input,
									 const uint8_t *bytes, size_t length, int *code);

/* Drop a reader, of a connection that ends; NULL is harmless. */
void		websocket_reader_drop(struct websocket_reader *reader);

#endif
