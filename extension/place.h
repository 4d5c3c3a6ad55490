/*
 * place.h: where a client is, as far as sessions and the throttle care.
 */
#ifndef TT_PLACE_H
#define TT_PLACE_H

#include "timetrackr.h"

/*
 * The place of a client's address: an IPv4 address, or the /64 network of an
 * IPv6 address, since whoever has one address of it has them all. Any other
 * text, such as that of a local socket, is a place of its own. NULL stays NULL.
 */
extern char *tt_place(const char *address);

/* The place of argument n, an address or NULL. */
extern char *tt_place_argument(FunctionCallInfo fcinfo, int n);

#endif
