/*
 * live_quota.h - how many live connections this process has, in all and of
 * each user. Shared by the workers, which come here when a connection begins and when it ends.
 */
#ifndef TIMETRACKR_LIVE_QUOTA_H
#define TIMETRACKR_LIVE_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct live_quota;

/* Bounds of all connections and of one user's. NULL when memory is out. */
struct live_quota *live_quota_create(size_t most, size_t most_per_user);
void		live_quota_free(struct live_quota *quota);

/* Take a place / give it back, of a connection whose user is still to be named. False: none is free. */
bool		live_quota_take(struct live_quota *quota);
void		live_quota_give(struct live_quota *quota);

/* The same for a user's places, besides. Any thread may call any of them. */
bool		live_quota_take_user(struct live_quota *quota, int64_t user_id);
void		live_quota_give_user(struct live_quota *quota, int64_t user_id);

#endif
