/*
 * exchange.h - a request on a connection, from its request line to the end of
 * its answer: what http.c does about it that needs nothing of the HTTP library.
 */
#ifndef TIMETRACKR_EXCHANGE_H
#define TIMETRACKR_EXCHANGE_H

#include <stdbool.h>

#include "connection.h"
#include "head.h"
#include "request.h"

struct http;
struct MHD_Connection;

enum exchange_phase
{
	EXCHANGE_HEAD,				/* its head is being read */
	EXCHANGE_BODY,
	EXCHANGE_HELD,				/* it waits for its answer, and its connection stays with MHD */
	EXCHANGE_PARKED,			/* its connection is suspended, until its answer or more of it is there */
	EXCHANGE_READY				/* its answer is there or sent */
};

struct exchange
{
	struct http *http;
	struct MHD_Connection *mhd;
	struct connection *connection;
	struct request *request;
	enum exchange_phase phase;
	uint64_t	held_since;		/* ms */
	const char *place;			/* where the target stood in the parser's buffer: not to be followed */
	char		peer[CLIENT_ADDRESS_TEXT];	/* the client, where a proxy in front names it */
	char		group[CLIENT_ADDRESS_TEXT];
	struct exchange *next;
	struct exchange *previous;
	char		target[];
};

/*
 * Make one for a request line that was just read, and add it to a list;
 * `answered` is called when its answer has come after a wait. NULL when memory is out.
 */
struct exchange *exchange_create(struct exchange **list, struct connection *connection,
								 const char *target, void (*answered) (void *exchange));

/* It has ended: take it out of the list and free it. */
void		exchange_free(struct exchange **list, struct exchange *exchange);

/*
 * Its head has been told whole. True: the body is to be read; false: the answer is there, and
 * the connection has to end with it.
 */
bool		exchange_begin(struct exchange *exchange, struct head *head);

/* Must the connection end with this answer? */
bool		exchange_is_last(const struct exchange *exchange);

/* The server ends: answer what waits with 503, or end its stream. False: it does not wait. */
bool		exchange_abandon(struct exchange *exchange);

#endif
