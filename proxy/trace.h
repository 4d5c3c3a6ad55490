/*
 * trace.h - W3C Trace Context: which trace a request is part of, as its
 * header traceparent says.
 */
#ifndef TIMETRACKR_TRACE_H
#define TIMETRACKR_TRACE_H

#include <stdbool.h>

struct trace
{
	char		id[33];			/* hexadecimal digits; empty: none */
	char		parent[17];
};

/* Read a traceparent. False, and no trace, when it is NULL or malformed: it is then as if there was none. */
bool		trace_parse(struct trace *trace, const char *traceparent);

#endif
