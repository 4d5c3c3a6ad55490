/*
 * live_quota.c - counts of live connections (see live_quota.h).
 *
 * The lock is held for the look at one counter, twice in the life of a connection.
 */
#include "live_quota.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "idmap.h"

struct live_quota
{
	size_t		most;
	size_t		most_per_user;
	atomic_size_t taken;
	pthread_mutex_t lock;		/* guards the map: users → counts, as pointers that point nowhere */
	struct idmap users;
};

struct live_quota *
live_quota_create(size_t most, size_t most_per_user)
{
	struct live_quota *quota = calloc(1, sizeof *quota);

	if (quota == NULL)
		return NULL;
	quota->most = most;
	quota->most_per_user = most_per_user;
	pthread_mutex_init(&quota->lock, NULL); /* cannot fail with default attributes on Linux */
	return quota;
}

void
live_quota_free(struct live_quota *quota)
{
	if (quota == NULL)
		return;
	pthread_mutex_destroy(&quota->lock);
	idmap_free(&quota->users);
	free(quota);
}

bool
live_quota_take(struct live_quota *quota)
{
	if (atomic_fetch_add(&quota->taken, 1) < quota->most)
		return true;
	atomic_fetch_sub(&quota->taken, 1);
	return false;
}

void
live_quota_give(struct live_quota *quota)
{
	atomic_fetch_sub(&quota->taken, 1);
}

bool
live_quota_take_user(struct live_quota *quota, int64_t user_id)
{
	uintptr_t	count;
	bool		good;

	pthread_mutex_lock(&quota->lock);
	count = (uintptr_t) idmap_get(&quota->users, user_id);
	good = count < quota->most_per_user && idmap_put(&quota->users, user_id, (void *) (count + 1));
	pthread_mutex_unlock(&quota->lock);
	return good;
}

void
live_quota_give_user(struct live_quota *quota, int64_t user_id)
{
	uintptr_t	count;

	pthread_mutex_lock(&quota->lock);
	count = (uintptr_t) idmap_get(&quota->users, user_id);
	/* a smaller count always finds its place */
	(void) idmap_put(&quota->users, user_id, (void *) (count - 1));
	pthread_mutex_unlock(&quota->lock);
}
