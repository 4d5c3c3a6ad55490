/*
 * address_quota.h - how many HTTP connections one client address has, over all
 * workers. An IPv6 network of 64 bits counts as one address.
 */
#ifndef TIMETRACKR_ADDRESS_QUOTA_H
#define TIMETRACKR_ADDRESS_QUOTA_H

#include <stdbool.h>
#include <stddef.h>

#include "client_address.h"

struct address_quota;

/*
 * At most `most` connections of an address; 0: no limit. Proxies that are
 * trusted bring many clients: they are not counted. NULL when memory is out.
 */
struct address_quota *address_quota_create(size_t most, const struct trusted_proxies *exempt);
void		address_quota_free(struct address_quota *quota);

/* Has this address room for one more? */
bool		address_quota_has_room(struct address_quota *quota, const struct client_address *address);

/*
 * Count one connection. True: address_quota_give() has to be called at its end; false: it is not
 * counted, as its address is exempt or memory is out.
 */
bool		address_quota_take(struct address_quota *quota, const struct client_address *address);
void		address_quota_give(struct address_quota *quota, const struct client_address *address);

#endif
