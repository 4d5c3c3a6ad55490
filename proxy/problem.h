/*
 * problem.h - what went wrong with a request, as application/problem+json
 * (RFC 9457), and which SQLSTATE becomes which HTTP status.
 */
#ifndef TIMETRACKR_PROBLEM_H
#define TIMETRACKR_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "db.h"
#include "text.h"

/* Most faults of one request that are listed. */
#define PROBLEM_FAULTS_MAX 16

/* One faulty field. */
struct problem_fault
{
	const char *field;			/* NULL: the request as a whole */
	const char *code;
	const char *detail;
};

/* All pointers stay valid as long as the request's arena. */
struct problem
{
	int			status;
	const char *code;
	const char *detail;			/* a sentence for people */
	const char *field;			/* NULL: none */
	const char *members;		/* further members as the text of a JSON object; NULL: none */
	struct problem_fault faults[PROBLEM_FAULTS_MAX];	/* "errors" */
	size_t		fault_count;
	int			retry_after;	/* seconds, 0: none */
	const char *sqlstate;		/* of the database's error behind a 5xx; NULL: none. Not told the client, */
	const char *cause;			/* nor its message */
};

/* Set a problem that concerns the whole request. */
void		problem_set(struct problem *problem, int status, const char *code, const char *detail);

/*
 * Add a fault; the first one also becomes the problem's code, detail and field.
 * A syntax fault (400) outranks a fault of meaning (422) as the status.
 */
void		problem_add_fault(struct problem *problem, int status, const char *field,
							  const char *code, const char *detail);

/*
 * Turn the database's error into a problem. Internals (class 5xx) are not
 * passed on: log them. `members` is what the server sent and is still to be
 * checked to be a JSON object. Returns false when memory is out.
 */
bool		problem_from_error(struct problem *problem, const struct db_result *result,
							   struct arena *arena);

/* Write the JSON document. */
void		problem_write(struct text *text, const struct problem *problem, const char *request_id);

/* The reason phrase of a status, such as "Not Found". */
const char *problem_title(int status);

#endif
