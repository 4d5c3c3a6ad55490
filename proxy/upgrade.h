/*
 * upgrade.h - the opening handshake of a WebSocket (RFC 6455 §4.2), as far as
 * it is a matter of header fields: what the client offers, and how it is answered.
 */
#ifndef TIMETRACKR_UPGRADE_H
#define TIMETRACKR_UPGRADE_H

#include <stdbool.h>
#include <stddef.h>

#include "answer.h"
#include "problem.h"

/* What the head of a request says about it. All strings live as long as the request; NULL: absent. */
struct upgrade_offer
{
	bool		connection;		/* Connection: upgrade */
	bool		websocket;		/* Upgrade: websocket */
	unsigned	keys;			/* how often these two are there */
	unsigned	versions;
	const char *key;
	const char *version;
	const char *bearer;			/* the first subprotocol bearer.<token>, not ended by a NUL */
	size_t		bearer_length;
};

/* Note a header field, if it is one of these. */
void		upgrade_note(struct upgrade_offer *offer, const char *name, size_t name_length,
						 const char *value);

/* The token of the subprotocol as an Authorization; NULL when there is none, or memory is out. */
const char *upgrade_authorization(const struct upgrade_offer *offer, struct arena *arena);

/* Is this origin that of the host itself? */
bool		upgrade_same_host(const char *origin, const char *host);

/*
 * Answer 101 with what agrees to the offer. False: the problem is set instead
 * (400 or 426, whose headers are added).
 */
bool		upgrade_accept(const struct upgrade_offer *offer, struct answer *answer,
						   struct arena *arena, struct problem *problem);

#endif
