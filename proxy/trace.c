/*
 * trace.c - parses version-traceid-parentid-flags (W3C Trace Context, 3.2.2).
 */
#include "trace.h"

#include <string.h>

#define VERSION 2				/* digits */
#define ID 32
#define PARENT 16
#define FLAGS 2
#define LENGTH (VERSION + 1 + ID + 1 + PARENT + 1 + FLAGS)

/* So many digits, in lower case, and then this byte? */
static bool
is_field(const char *text, size_t digits, char end)
{
	return strspn(text, "0123456789abcdef") == digits && text[digits] == end;
}

static bool
is_zero(const char *text, size_t digits)
{
	return strspn(text, "0") >= digits;
}

bool
trace_parse(struct trace *trace, const char *traceparent)
{
	const char *id;
	const char *parent;
	const char *flags;

	*trace = (struct trace) {{0}, {0}};
	if (traceparent == NULL || strnlen(traceparent, LENGTH) < LENGTH)
		return false;
	id = traceparent + VERSION + 1;
	parent = id + ID + 1;
	flags = parent + PARENT + 1;
	if (!is_field(traceparent, VERSION, '-') || !is_field(id, ID, '-') ||
		!is_field(parent, PARENT, '-') || is_zero(id, ID) || is_zero(parent, PARENT))
		return false;
	/* ff is no version; later ones may have more behind another dash, the present one has not */
	if (strncmp(traceparent, "ff", VERSION) == 0 ||
		(!is_field(flags, FLAGS, '\0') &&
		 (strncmp(traceparent, "00", VERSION) == 0 || !is_field(flags, FLAGS, '-'))))
		return false;
	memcpy(trace->id, id, ID);
	memcpy(trace->parent, parent, PARENT);
	return true;
}
