/*
 * leaderboard.h - pages of leaderboards from Redis, in one round trip.
 *
 * An accelerator (accelerator.h) for leaderboard() and leaderboard_around().
 * It answers only from boards that the relay says are current, and with the
 * rows that the SQL function would give; anything else it declines.
 */
#ifndef TIMETRACKR_LEADERBOARD_H
#define TIMETRACKR_LEADERBOARD_H

#include "accelerator.h"
#include "board.h"
#include "config.h"
#include "loop.h"

struct leaderboard;
struct redis_metrics;

/* Open on a worker's loop, with a connection of its own. All must outlive it. NULL when memory is out. */
struct leaderboard *leaderboard_open(struct loop *loop, const struct config_redis *server,
									 const struct board_identity *identity, struct redis_metrics *metrics);

/* Close it; requests on their way are declined. */
void		leaderboard_close(struct leaderboard *leaderboard);

/* The accelerator's attempt; `state` is a struct leaderboard. */
bool		leaderboard_attempt(void *state, const struct catalog_route *route,
								const struct param_values *values,
								accelerator_done_fn *done, void *arg);

/* Does Redis answer? `state` is a struct leaderboard. */
bool		leaderboard_redis_is_up(void *state);

#endif
