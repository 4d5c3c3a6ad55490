/*
 * leaderboard.c - which board a request means, and rows out of a script's answer.
 *
 * The script (LUA_READ of board_scripts.h) decides whether the board may be
 * believed, and does the reading.
 */
#include "leaderboard.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board_scripts.h"
#include "redis.h"

/* Redis answers in less than a millisecond, or SQL does it. In ms. */
#define SILENCE_LIMIT 500

/* What the script gives for each row: JSON, score, user id. */
#define PARTS 3
#define ROWS_MAX (CATALOG_LIMIT_MAX + 1)

struct leaderboard
{
	struct loop *loop;
	struct redis *redis;
	const struct board_identity *identity;
	uint64_t	believed_from;	/* ms, on the loop's clock */
};

/* A request on its way. */
struct call
{
	const struct catalog_route *route;
	accelerator_done_fn *done;
	void	   *arg;
};

static const struct redis_script read_script = {BOARD_SCRIPT_READ, LUA_READ};

/*
 * Redis may just have started from an old copy of itself, its sign that the
 * boards are current included. Wait until that has expired.
 */
static void
redis_up(void *arg)
{
	struct leaderboard *leaderboard = arg;

	leaderboard->believed_from = loop_now(leaderboard->loop) + BOARD_CURRENT_MS;
}

struct leaderboard *
leaderboard_open(struct loop *loop, const struct config_redis *server,
				 const struct board_identity *identity, struct redis_metrics *metrics)
{
	struct leaderboard *leaderboard = calloc(1, sizeof *leaderboard);
	struct redis_options options = {
		.server = server, .name = "leaderboard", .metrics = metrics, .silence_limit = SILENCE_LIMIT,
		.up = redis_up, .arg = leaderboard
	};

	if (leaderboard == NULL)
		return NULL;
	leaderboard->loop = loop;
	leaderboard->identity = identity;
	leaderboard->redis = redis_open(loop, &options);
	if (leaderboard->redis == NULL)
	{
		free(leaderboard);
		return NULL;
	}
	return leaderboard;
}

void
leaderboard_close(struct leaderboard *leaderboard)
{
	if (leaderboard == NULL)
		return;
	redis_close(leaderboard->redis);
	free(leaderboard);
}

bool
leaderboard_redis_is_up(void *state)
{
	const struct leaderboard *leaderboard = state;

	return redis_is_up(leaderboard->redis);
}

/* A date as the keys have it: 2026-11-22. */
static bool
is_plain_date(const char *text)
{
	static const char pattern[] = "0000-00-00";

	for (size_t i = 0; i < sizeof pattern - 1; i++)
		if (pattern[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != '-')
			return false;
	return text[sizeof pattern - 1] == '\0';
}

/*
 * The key of a board, or what the script takes for the present one of a period.
 * False when Redis has no such board, or it takes SQL to know what is meant.
 */
static bool
name_board(const struct catalog_route *route, const struct param_values *values,
		   char *out, size_t out_size)
{
	const char *period = catalog_value(route, values, "period");
	const char *metric = catalog_value(route, values, "metric");
	const char *start = catalog_value(route, values, "period_start");
	bool		of_all_time;
	bool		of_month;
	int			length;

	if (period == NULL || metric == NULL)
		return false;
	of_all_time = strcmp(period, "all") == 0;
	of_month = strcmp(period, "month") == 0;
	if (strcmp(metric, "badges") == 0)
	{
		snprintf(out, out_size, "current:badges");
		return of_all_time && start == NULL;
	}
	if (start == NULL)
		length = snprintf(out, out_size, "current:%s", period);
	else if (of_all_time || !is_plain_date(start) || (of_month && strcmp(start + 7, "-01") != 0))
		return false;
	else
		length = snprintf(out, out_size, "leaderboard:%s:%.*s", period, of_month ? 7 : 10, start);
	return length > 0 && (size_t) length < out_size;
}

/* The cursor column that an after_ parameter stands for. */
static const char *
cursor_key(const struct catalog_route *route, size_t key, const char *score, const char *user_id)
{
	return strcmp(route->params[route->keys[key]].name, "after_score") == 0 ? score : user_id;
}

/* Hand the rows on; what is no list of rows is declined. */
static void
answered(void *arg, const struct redis_reply *reply)
{
	struct call call = *(struct call *) arg;
	struct accelerated_row rows[ROWS_MAX];
	size_t		parts;
	size_t		count;

	free(arg);
	parts = reply != NULL && redis_reply_kind(reply) == REPLY_LIST ? redis_reply_count(reply) : 1;
	count = parts / PARTS;
	if (parts % PARTS != 0 || count > ROWS_MAX)
	{
		call.done(call.arg, false, NULL, 0);
		return;
	}
	for (size_t row = 0; row < count; row++)
	{
		const char *json = redis_reply_text(redis_reply_element(reply, row * PARTS));
		const char *score = redis_reply_text(redis_reply_element(reply, row * PARTS + 1));
		const char *user_id = redis_reply_text(redis_reply_element(reply, row * PARTS + 2));

		rows[row].json = json;
		rows[row].length = strlen(json);
		for (size_t key = 0; key < call.route->key_count; key++)
			rows[row].keys[key] = cursor_key(call.route, key, score, user_id);
	}
	call.done(call.arg, true, rows, count);
}

/* Fill in the words for a page after a cursor, around a user, or from the top; 0: declined. */
static size_t
add_position(const struct catalog_route *route, const struct param_values *values,
			 const char **words, size_t count)
{
	const char *user_id = catalog_value(route, values, "user_id");
	const char *score = catalog_value(route, values, "after_score");
	const char *after = catalog_value(route, values, "after_user_id");

	if (user_id != NULL)
	{
		words[count++] = "around";
		words[count++] = user_id;
	}
	else if (score != NULL && after != NULL)
	{
		words[count++] = "after";
		words[count++] = score;
		words[count++] = after;
	}
	else if (score != NULL || after != NULL)
		return 0;
	else
		words[count++] = "top";
	return count;
}

bool
leaderboard_attempt(void *state, const struct catalog_route *route, const struct param_values *values,
					accelerator_done_fn *done, void *arg)
{
	struct leaderboard *leaderboard = state;
	char		identity[24];
	char		board[BOARD_NAME_MAX];
	const char *most = catalog_value(route, values, "limit");
	const char *words[BOARD_KEY_COUNT + 6] = {BOARD_KEYS, identity, board, most};
	int64_t		known = leaderboard->identity->value;
	size_t		count = add_position(route, values, words, BOARD_KEY_COUNT + 3);
	struct call *call;

	if (known == 0 || count == 0 || most == NULL || strtol(most, NULL, 10) > ROWS_MAX ||
		!redis_is_up(leaderboard->redis) || loop_now(leaderboard->loop) < leaderboard->believed_from ||
		!name_board(route, values, board, sizeof board))
		return false;
	call = malloc(sizeof *call);
	if (call == NULL)
		return false;
	*call = (struct call) {route, done, arg};
	snprintf(identity, sizeof identity, "%" PRId64, known);
	if (redis_run(leaderboard->redis, &read_script, BOARD_KEY_COUNT, count, words, answered, call))
		return true;
	free(call);
	return false;
}
