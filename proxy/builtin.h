/*
 * builtin.h - what the proxy answers itself: health, readiness, the API's description.
 */
#ifndef TIMETRACKR_BUILTIN_H
#define TIMETRACKR_BUILTIN_H

#include "answer.h"
#include "db.h"
#include "service.h"

/* What is asked of the database to tell whether the proxy is ready. */
extern const struct db_statement builtin_ready_statement;

/* Make it the answer of a built-in route that needs nothing but the proxy. */
void		builtin_answer(struct answer *answer, const struct service *service,
						   enum catalog_builtin builtin);

/* With what the database said (NULL: nothing): ready, then NULL; else what is missing. */
const char *builtin_unready(const struct service *service, const struct db_result *result);

#endif
