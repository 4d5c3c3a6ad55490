/*
 * board.c - the boards in Redis as the relay writes them.
 *
 * Turns calls into scripts and their answers into words. Knows no SQL.
 */
#include "board.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "board_scripts.h"
#include "log.h"
#include "redis.h"

/* A script that takes longer than this, in ms, hangs with its Redis; meanwhile events wait. */
#define SILENCE_LIMIT 1500

#define WORDS(words) (sizeof (words) / sizeof (words)[0]), (words)

struct board
{
	struct redis *redis;
	char		leader[BOARD_POSITION_MAX]; /* the token of the last attach */
	bool		distrusted;		/* Redis answered with an error: begin afresh */
	unsigned	in_flight;		/* calls to be answered, forgotten ones included */
	board_done_fn *done;		/* of the last call; NULL when it is forgotten or done */
	void	   *arg;
};

static const struct redis_script attach_script = {BOARD_SCRIPT_ATTACH, LUA_ATTACH};
static const struct redis_script apply_script = {BOARD_SCRIPT_APPLY, LUA_APPLY};
static const struct redis_script beat_script = {BOARD_SCRIPT_BEAT, LUA_BEAT};
static const struct redis_script build_script = {BOARD_SCRIPT_BUILD, LUA_BUILD};
static const struct redis_script compare_script = {BOARD_SCRIPT_COMPARE, LUA_COMPARE};

bool
board_random_name(char out[BOARD_POSITION_MAX])
{
	unsigned char bytes[16];

	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t) sizeof bytes)
		return false;
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
	return true;
}

struct board *
board_open(struct loop *loop, const struct board_options *options)
{
	struct board *board = calloc(1, sizeof *board);
	struct redis_options redis_options = {
		.server = options->server, .name = "relay", .metrics = options->metrics, .silence_limit = SILENCE_LIMIT,
		.up = options->up, .arg = options->arg
	};

	if (board == NULL)
		return NULL;
	board->redis = redis_open(loop, &redis_options);
	if (board->redis == NULL)
	{
		free(board);
		return NULL;
	}
	return board;
}

void
board_close(struct board *board)
{
	if (board == NULL)
		return;
	board->done = NULL;
	redis_close(board->redis);
	free(board);
}

bool
board_is_up(const struct board *board)
{
	return redis_is_up(board->redis);
}

void
board_forget_call(struct board *board)
{
	board->done = NULL;
}

/* What a script's answer means. */
static enum board_answer
read_answer(struct board *board, const struct redis_reply *reply)
{
	if (reply == NULL)
		return BOARD_FAILED;
	if (redis_reply_kind(reply) != REPLY_TEXT)
	{
		/* A script that stops half-way leaves its effects behind; on a replica it has none. */
		board->distrusted = board->distrusted || (strncmp(redis_reply_text(reply), "NOSCRIPT", 8) != 0 &&
												  !redis_reply_is_readonly(reply));
		log_event(LEVEL_ERROR, "relay_redis_refused", "error", redis_reply_text(reply), NULL);
		return BOARD_FAILED;
	}
	if (redis_reply_is(reply, "OK") || redis_reply_is(reply, "KEPT"))
		return BOARD_OK;
	if (redis_reply_is(reply, "RESET"))
		return BOARD_RESET;
	if (redis_reply_is(reply, "STALE"))
		return BOARD_STALE;
	if (redis_reply_is(reply, "FOREIGN"))
		return BOARD_FOREIGN;
	return redis_reply_text(reply)[0] == '{' ? BOARD_DIFFERS : BOARD_MISSING;
}

/* An answer came. Answers come in the order of calls, so all but the last belong to forgotten ones. */
static void
answered(void *arg, const struct redis_reply *reply)
{
	struct board *board = arg;
	board_done_fn *done = board->done;
	enum board_answer answer;

	board->in_flight--;
	if (board->in_flight > 0 || done == NULL)
		return;
	board->done = NULL;
	answer = read_answer(board, reply);
	if (answer == BOARD_RESET)
		board->distrusted = false;
	done(board->arg, answer,
		 answer == BOARD_MISSING || answer == BOARD_DIFFERS ? redis_reply_text(reply) : NULL);
}

/* Run a script with BOARD_KEYS and further words, `count` in all. */
static bool
call(struct board *board, const struct redis_script *script, size_t count,
	 const char *const *words, board_done_fn *done, void *arg)
{
	if (!redis_run(board->redis, script, BOARD_KEY_COUNT, count, words, answered, board))
		return false;
	board->in_flight++;
	board->done = done;
	board->arg = arg;
	return true;
}

bool
board_attach(struct board *board, int64_t identity, const char *position,
			 board_done_fn *done, void *arg)
{
	char		identity_text[24];
	const char *words[] = {
		BOARD_KEYS,
		identity_text, board->leader, position, board->distrusted ? "1" : "0"
	};

	if (!board_random_name(board->leader))
		return false;
	snprintf(identity_text, sizeof identity_text, "%" PRId64, identity);
	return call(board, &attach_script, WORDS(words), done, arg);
}

bool
board_apply(struct board *board, const char *position, const char *next, const char *changes,
			board_done_fn *done, void *arg)
{
	const char *words[] = {
		BOARD_KEYS, board->leader, position, next, changes
	};

	return call(board, &apply_script, WORDS(words), done, arg);
}

bool
board_beat(struct board *board, int64_t identity, const char *position, const char *index,
		   board_done_fn *done, void *arg)
{
	char		identity_text[24];
	char		limit[16];
	const char *words[] = {
		BOARD_KEYS, board->leader, position, identity_text, limit, index
	};

	snprintf(identity_text, sizeof identity_text, "%" PRId64, identity);
	snprintf(limit, sizeof limit, "%d", BOARD_CURRENT_MS);
	return call(board, &beat_script, WORDS(words), done, arg);
}

bool
board_build(struct board *board, const char *position, bool first, bool last, const char *page,
			board_done_fn *done, void *arg)
{
	const char *words[] = {
		BOARD_KEYS, board->leader, position, first ? "1" : "0", last ? "1" : "0", page
	};

	return call(board, &build_script, WORDS(words), done, arg);
}

bool
board_compare(struct board *board, const char *position, const char *page, const struct board_place *after,
			  const struct board_place *last, board_done_fn *done, void *arg)
{
	const char *words[] = {
		BOARD_KEYS, board->leader, position, page, after->score, after->user_id, last->score, last->user_id
	};

	return call(board, &compare_script, WORDS(words), done, arg);
}
