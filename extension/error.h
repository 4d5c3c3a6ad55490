/*
 * error.h: errors that a user can cause. One SQLSTATE class, TTnnn, carries
 * HTTP status nnn; the constraint-name field carries a stable code, the
 * column-name field the offending field, DETAIL a JSON object of more members.
 * On a database of several nodes HINT has the code and the field, too.
 */
#ifndef TT_ERROR_H
#define TT_ERROR_H

#include "timetrackr.h"

/* On a database of several nodes; home.c sees to it. */
extern bool tt_codes_in_hints;

/* The SQLSTATE TTnnn of an HTTP status between 400 and 599. */
extern int tt_sqlstate(int http_status);

/*
 * Inside ereport(): attach code, field (or NULL) and detail (a JSON object as
 * text, or NULL). Returns a value only so that it fits ereport's comma list.
 */
extern int tt_err(const char *code, const char *field, const char *detail);

/* Is it one of these, by which a request is refused? */
extern bool tt_is_refusal(const ErrorData *error);

/* Is it the violation of a unique constraint? Another node's message names a shard's, which begins with that name. */
extern bool tt_violates(const ErrorData *error, const char *constraint);

/*
 * On a database of several nodes: give an error that has a code, wherever it was raised, the
 * hint that has it, too.
 */
extern void tt_hint_codes(ErrorData *error);

/* Raise a user's error: tt_raise(409, "username_taken", "username", NULL, "…", …). */
#define tt_raise(http_status, code, field, detail, ...) \
	ereport(ERROR, (errcode(tt_sqlstate(http_status)), errmsg(__VA_ARGS__), \
					tt_err(code, field, detail)))

#endif
