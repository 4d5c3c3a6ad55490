/*
 * flight.h - one call made for several requests at once, of one viewer or of visitors:
 * it outlives each of them. Who waits for it, and what becomes of the
 * answer, is answer_cache.c's business.
 */
#ifndef TIMETRACKR_FLIGHT_H
#define TIMETRACKR_FLIGHT_H

#include "catalog.h"
#include "problem.h"
#include "rendered.h"
#include "service.h"
#include "target.h"

struct flight;

/*
 * It has landed, with an answer, or without (NULL) and with the problem. Both
 * are gone after the call, and so is the flight, once it has returned; hold the answer to keep it.
 */
typedef void flight_done_fn(void *arg, struct rendered *rendered, const struct problem *problem);

/* Does anybody still want the answer? */
typedef bool flight_is_wanted_fn(void *arg);

/* Prepare a call; values and target are copied. NULL when memory is out. */
struct flight *flight_prepare(struct service *service, const struct catalog_route *route,
							  const struct param_values *values, const struct target *target,
							  flight_done_fn *done, flight_is_wanted_fn *is_wanted, void *arg);

/* Whose request it is that it was prepared for, for the log; copied. */
void		flight_note_request(struct flight *flight, const char *request_id);

/* The call's values. */
const struct param_values *flight_values(const struct flight *flight);

/* Make the call: by the route's accelerator, or by SQL. done() will be called once, maybe within this call. */
void		flight_start(struct flight *flight);

/* Free one that was not started. */
void		flight_free(struct flight *flight);

#endif
