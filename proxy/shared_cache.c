/*
 * shared_cache.c - three commands. What fails leaves a key that is missing, or one
 * that expires; nobody waits for that.
 */
#include "shared_cache.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board_scripts.h"
#include "redis.h"
#include "text.h"

/* Redis answers in less than a millisecond, or SQL does it. In ms. */
#define SILENCE_LIMIT 500

/* What stands behind an answer in place of its closing brace. */
#define AS_OF_BEGIN ",\"as_of\":\""
#define AS_OF_END "\"}"
#define AS_OF_SIZE (sizeof AS_OF_BEGIN - 1 + 33 + sizeof AS_OF_END - 1)

struct shared_cache
{
	struct redis *redis;
};

/* A read on its way. */
struct call
{
	shared_cache_done_fn *done;
	void	   *arg;
};

/* The value, and for how many ms more it is kept. */
static const struct redis_script read_script = {
	SHARED_CACHE_SCRIPT_READ,
	"local value = redis.pcall('GET', KEYS[1])\n"
	"if type(value) ~= 'string' then return false end\n"
	"return {value, tostring(redis.call('PTTL', KEYS[1]))}\n"
};

struct shared_cache *
shared_cache_open(struct loop *loop, const struct config_redis *server, struct redis_metrics *metrics)
{
	struct shared_cache *shared = calloc(1, sizeof *shared);
	struct redis_options options = {
		.server = server, .name = "cache", .metrics = metrics, .silence_limit = SILENCE_LIMIT
	};

	if (shared == NULL)
		return NULL;
	shared->redis = redis_open(loop, &options);
	if (shared->redis != NULL)
		return shared;
	free(shared);
	return NULL;
}

void
shared_cache_close(struct shared_cache *shared)
{
	if (shared == NULL)
		return;
	redis_close(shared->redis);
	free(shared);
}

/* Exactly 16 hexadecimal digits. */
static bool
read_hex(const char *text, int64_t *number)
{
	char		digits[17];
	char	   *end;

	memcpy(digits, text, 16);
	digits[16] = '\0';
	if (strspn(digits, "0123456789abcdef") != 16)
		return false;
	errno = 0;
	*number = (int64_t) strtoull(digits, &end, 16);
	return *end == '\0' && errno == 0;
}

/* Take a value apart; `body` becomes the answer as it was. False: it is none of ours. */
static bool
read_value(const char *value, struct text *body, struct shared_answer *answer)
{
	size_t		length = strlen(value);
	const char *as_of;

	if (length < AS_OF_SIZE + 1 || value[0] != '{')
		return false;
	length -= AS_OF_SIZE;
	as_of = value + length + sizeof AS_OF_BEGIN - 1;
	if (memcmp(value + length, AS_OF_BEGIN, sizeof AS_OF_BEGIN - 1) != 0 ||
		as_of[16] != '-' || strcmp(as_of + 33, AS_OF_END) != 0 ||
		!read_hex(as_of, &answer->identity) || !read_hex(as_of + 17, &answer->position))
		return false;
	text_add_bytes(body, value, length);
	text_add_char(body, '}');
	answer->body = body->data;
	answer->length = body->length;
	return !body->failed;
}

static void
answered(void *arg, const struct redis_reply *reply)
{
	struct call call = *(struct call *) arg;
	struct shared_answer answer = {0};
	struct text body = {0};

	free(arg);
	if (reply != NULL && redis_reply_kind(reply) == REPLY_LIST && redis_reply_count(reply) == 2 &&
		read_value(redis_reply_text(redis_reply_element(reply, 0)), &body, &answer))
	{
		long long	left = strtoll(redis_reply_text(redis_reply_element(reply, 1)), NULL, 10);

		/* negative: it does not expire, so it is none of ours, or it just did */
		answer.left = left > 0 ? (uint64_t) left : 0;
	}
	else
		answer.body = NULL;
	call.done(call.arg, &answer);
	text_free(&body);
}

bool
shared_cache_read(struct shared_cache *shared, const char *key, shared_cache_done_fn *done, void *arg)
{
	struct call *call;

	if (!redis_is_up(shared->redis))
		return false;
	call = malloc(sizeof *call);
	if (call == NULL)
		return false;
	*call = (struct call) {done, arg};
	if (redis_run(shared->redis, &read_script, 1, 1, &key, answered, call))
		return true;
	free(call);
	return false;
}

static void
ignored(void *arg, const struct redis_reply *reply)
{
	(void) arg;
	(void) reply;
}

void
shared_cache_write(struct shared_cache *shared, const char *key, const struct shared_answer *answer)
{
	char		expiry[24];
	struct text value = {0};

	if (!redis_is_up(shared->redis) || answer->left == 0)
		return;
	snprintf(expiry, sizeof expiry, "%" PRIu64, answer->left);
	text_want(&value, answer->length + AS_OF_SIZE);
	text_add_bytes(&value, answer->body, answer->length - 1);
	text_printf(&value, AS_OF_BEGIN "%016" PRIx64 "-%016" PRIx64 AS_OF_END,
				(uint64_t) answer->identity, (uint64_t) answer->position);
	if (!value.failed)
	{
		const char *words[] = {"SET", key, value.data, "PX", expiry};

		(void) redis_command(shared->redis, 5, words, NULL, ignored, NULL);
	}
	text_free(&value);
}

void
shared_cache_delete(struct shared_cache *shared, const char *key)
{
	const char *words[] = {"UNLINK", key};

	(void) redis_command(shared->redis, 2, words, NULL, ignored, NULL);
}
