/*
 * address_kind.h - what an internet address is for, where it is not for the internet at large:
 * the special-purpose registries of IANA (RFC 6890 and what came after it). Pure.
 */
#ifndef TIMETRACKR_ADDRESS_KIND_H
#define TIMETRACKR_ADDRESS_KIND_H

#include "client_address.h"

/*
 * NULL for an address anywhere in the internet; else in a word or two what it is, such as "loopback",
 * "private" or "link-local". An IPv6 address that stands for an IPv4 address is what that is.
 */
const char *address_kind(const struct client_address *address);

#endif
