/*
 * fuzz_websocket.c - bytes of a WebSocket's client, in pieces as long as the
 * first byte says, and what its messages say.
 */
#include "fuzz.h"

#include "json_body.h"
#include "text.h"
#include "websocket.h"

struct heard
{
	bool		over;			/* no message of the same piece may come any more */
	size_t		answered;
};

static bool
hear_text(void *arg, const char *text, size_t length)
{
	struct heard *heard = arg;
	struct arena arena = {0};
	struct json_live message;
	const char *detail = NULL;
	const char *code;

	CLAIM(!heard->over && length <= WEBSOCKET_MESSAGE_MAX && text_is_utf8(text, length));
	code = json_read_live(text, length, &message, &arena, &detail);
	CLAIM(code == NULL || detail != NULL);
	CLAIM(code != NULL || message.token != NULL || message.follow != 0 || message.unfollow != 0 || message.after >= 0);
	arena_free(&arena);
	heard->over = code != NULL && length % 2 == 1;
	return !heard->over;
}

static void
answer(void *arg, struct frame *frame)
{
	struct heard *heard = arg;

	CLAIM(frame != NULL && frame->length >= 2);
	heard->answered++;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heard heard = {0};
	const struct websocket_input input = {hear_text, answer, &heard};
	struct websocket *websocket = websocket_new();
	struct websocket_reader *reader = NULL;
	enum websocket_status status = WEBSOCKET_OPEN;
	size_t		piece = size > 0 ? (size_t) data[0] + 1 : 1;
	int			code = 0;

	CLAIM(websocket != NULL);
	for (size_t at = 1; at < size && status == WEBSOCKET_OPEN; at += piece)
	{
		size_t		length = size - at < piece ? size - at : piece;
		char	   *bytes = fuzz_bytes(data + at, length);

		heard.over = false;
		status = websocket_read(websocket, &reader, &input, (uint8_t *) bytes, length, &code);
		free(bytes);
	}
	CLAIM(status == WEBSOCKET_OPEN || (code >= 1000 && code < 5000));
	websocket_reader_drop(reader);
	websocket_free(websocket);
	return 0;
}
