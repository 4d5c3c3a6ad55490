/*
 * address_quota.c - connections of each address, in a hash table with chains.
 *
 * The lock is held for the look at one chain, three times in the life of a
 * connection. There are as many links as addresses that are connected.
 */
#include "address_quota.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define CHAINS 4096				/* a power of two */

struct link
{
	struct client_address group;
	size_t		count;
	struct link *next;
};

struct address_quota
{
	size_t		most;
	const struct trusted_proxies *exempt;
	uint64_t	seed;			/* so that nobody can choose a chain to fill */
	pthread_mutex_t lock;		/* guards the chains */
	struct link *chains[CHAINS];
};

struct address_quota *
address_quota_create(size_t most, const struct trusted_proxies *exempt)
{
	struct address_quota *quota = calloc(1, sizeof *quota);

	if (quota == NULL)
		return NULL;
	quota->most = most;
	quota->exempt = exempt;
	if (getrandom(&quota->seed, sizeof quota->seed, 0) != sizeof quota->seed)
	{
		free(quota);
		return NULL;
	}
	pthread_mutex_init(&quota->lock, NULL); /* cannot fail with default attributes on Linux */
	return quota;
}

void
address_quota_free(struct address_quota *quota)
{
	if (quota == NULL)
		return;
	for (size_t i = 0; i < CHAINS; i++)
	{
		while (quota->chains[i] != NULL)
		{
			struct link *link = quota->chains[i];

			quota->chains[i] = link->next;
			free(link);
		}
	}
	pthread_mutex_destroy(&quota->lock);
	free(quota);
}

static bool
is_exempt(const struct address_quota *quota, const struct client_address *address)
{
	return quota->most == 0 || address->is_unix || trusted_proxies_has(quota->exempt, address);
}

/* Where the group's link is, or would be added. */
static struct link **
find(struct address_quota *quota, const struct client_address *group)
{
	uint64_t	hash = quota->seed;
	struct link **at;

	for (size_t i = 0; i < sizeof group->bytes; i++)
		hash = (hash ^ group->bytes[i]) * 0x100000001b3u;
	hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9u;
	at = &quota->chains[(hash ^ hash >> 31) & (CHAINS - 1)];
	while (*at != NULL && memcmp((*at)->group.bytes, group->bytes, sizeof group->bytes) != 0)
		at = &(*at)->next;
	return at;
}

bool
address_quota_has_room(struct address_quota *quota, const struct client_address *address)
{
	struct client_address group;
	struct link *link;
	bool		has_room;

	if (is_exempt(quota, address))
		return true;
	client_address_group(address, &group);
	pthread_mutex_lock(&quota->lock);
	link = *find(quota, &group);
	has_room = link == NULL || link->count < quota->most;
	pthread_mutex_unlock(&quota->lock);
	return has_room;
}

bool
address_quota_take(struct address_quota *quota, const struct client_address *address)
{
	struct client_address group;
	struct link **at;
	bool		taken;

	if (is_exempt(quota, address))
		return false;
	client_address_group(address, &group);
	pthread_mutex_lock(&quota->lock);
	at = find(quota, &group);
	if (*at == NULL)
	{
		*at = calloc(1, sizeof **at);
		if (*at != NULL)
			(*at)->group = group;
	}
	taken = *at != NULL;
	if (taken)
		(*at)->count++;
	pthread_mutex_unlock(&quota->lock);
	return taken;
}

void
address_quota_give(struct address_quota *quota, const struct client_address *address)
{
	struct client_address group;
	struct link **at;
	struct link *link;

	client_address_group(address, &group);
	pthread_mutex_lock(&quota->lock);
	at = find(quota, &group);
	link = *at;
	if (--link->count == 0)
	{
		*at = link->next;
		free(link);
	}
	pthread_mutex_unlock(&quota->lock);
}
