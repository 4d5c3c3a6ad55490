/*
 * board.h - the boards in Redis as the relay writes them: one call, one script.
 *
 * What the scripts do stands in board_scripts.h; when to call them is the
 * relay's business. One call at a time.
 */
#ifndef TIMETRACKR_BOARD_H
#define TIMETRACKR_BOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "loop.h"

/* For how many ms a board counts as current after the leader said so. */
#define BOARD_CURRENT_MS 2500

/* Longest key of a board, and a position's or token's text, with their NUL. */
#define BOARD_NAME_MAX 64
#define BOARD_POSITION_MAX 40

/*
 * The database the boards must come from (relay_state(): identity), 0 while not
 * known. Written by the relay, read by every thread's leaderboard.
 */
struct board_identity
{
	_Atomic int64_t value;
};

struct board;

enum board_answer
{
	BOARD_OK,
	BOARD_RESET,				/* attach: what was there was not right, and is forgotten */
	BOARD_MISSING,				/* beat: the board named by `name` has to be built */
	BOARD_DIFFERS,				/* compare: `name` is an array of users, as PostgreSQL writes it */
	BOARD_STALE,				/* Redis knows another leader or position: attach again */
	BOARD_FOREIGN,				/* attach: another database's relay uses this Redis */
	BOARD_FAILED				/* Redis is away, or refuses; the effect is unknown: attach again */
};

/* `name` belongs to BOARD_MISSING and BOARD_DIFFERS, else NULL; it is gone after the call. */
typedef void board_done_fn(void *arg, enum board_answer answer, const char *name);

struct board_options
{
	const struct config_redis *server;	/* must outlive it */
	struct redis_metrics *metrics;	/* likewise; or NULL */
	void		(*up) (void *arg);	/* Redis can be used */
	void	   *arg;
};

/* Start connecting. NULL when memory is out. */
struct board *board_open(struct loop *loop, const struct board_options *options);

/* Close it; an answer still to come is not delivered. */
void		board_close(struct board *board);

bool		board_is_up(const struct board *board);

/* Do not deliver the answer of the call in flight, if there is one. */
void		board_forget_call(struct board *board);

/*
 * The calls below return false, and done() is not called, when Redis is away;
 * else done() is called once. `position` is the last finished one of the database.
 */

/* Begin as the leader. After a BOARD_FAILED that Redis itself answered, everything is forgotten first. */
bool		board_attach(struct board *board, int64_t identity, const char *position,
						 board_done_fn *done, void *arg);

/* Put changes (board_changes()) on the boards; that leads to position `next`. */
bool		board_apply(struct board *board, const char *position, const char *next,
						const char *changes, board_done_fn *done, void *arg);

/* Say that the boards are current; `index` is board_index(). */
bool		board_beat(struct board *board, int64_t identity, const char *position, const char *index,
					   board_done_fn *done, void *arg);

/* Add a page (board_page()) to the board that is being built. */
bool		board_build(struct board *board, const char *position, bool first, bool last,
						const char *page, board_done_fn *done, void *arg);

/*
 * Compare a page (board_page()) with the board of Redis: what it begins after, and its last row; user id
 * "0" stands for the top, and for the end, of the board. BOARD_OK, or BOARD_DIFFERS with at most 500 users.
 */
struct board_place
{
	char		score[24];
	char		user_id[24];
};
bool		board_compare(struct board *board, const char *position, const char *page,
						  const struct board_place *after, const struct board_place *last,
						  board_done_fn *done, void *arg);

/* Write 32 random hexadecimal digits and a NUL; false when the system has none. */
bool		board_random_name(char out[BOARD_POSITION_MAX]);

#endif
