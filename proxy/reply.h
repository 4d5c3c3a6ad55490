/*
 * reply.h - what the database said → what is answered: the shapes of routes.def.
 */
#ifndef TIMETRACKR_REPLY_H
#define TIMETRACKR_REPLY_H

#include <stdbool.h>

#include "answer.h"
#include "db.h"
#include "service.h"

/* The call that the rows answer. */
struct reply_call
{
	const struct service *service;
	const struct catalog_route *route;
	const struct param_values *values;
	const struct target *target;
	bool		wants_csv;		/* the rows are CSV */
	bool		wants_page;		/* a browser has sent a form */
	bool		has_key;		/* it had an Idempotency-Key */
	struct arena *arena;
};

/* Build the answer from a DB_OK result. False: it is the problem instead (401, 404, 503). */
bool		reply_rows(struct answer *answer, const struct reply_call *call,
					   const struct db_result *result, struct problem *problem);

/*
 * The same for any result, NULL meaning that the statement never ran. What the server
 * itself got wrong is logged under `request_id`.
 */
bool		reply_result(struct answer *answer, const struct reply_call *call,
						 const struct db_result *result, const char *request_id,
						 struct problem *problem);

#endif
