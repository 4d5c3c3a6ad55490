/*
 * accept.c - weighs a media type against an Accept header (see accept.h).
 */
#include "accept.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* One element of the header: "text/csv; header=present; q=0.5". */
struct range
{
	const char *type;			/* up to its parameters */
	size_t		length;
	int			weight;
};

/* A weight in thousandths: "0.85", "1", ".5"; malformed ones count as 0. */
static int
read_weight(const char *text)
{
	int			weight = 0;
	int			unit = 1000;

	for (; (*text >= '0' && *text <= '9') || *text == '.'; text++)
	{
		if (*text == '.')
			unit = 100;
		else
		{
			weight += (*text - '0') * unit;
			unit /= unit == 1000 ? 1 : 10;
		}
	}
	return weight > 1000 ? 1000 : weight;
}

/* Read the element at *at, and step over it. False: there is none left. */
static bool
next_range(const char **at, struct range *range)
{
	const char *from = *at + strspn(*at, ", \t");
	const char *end = from + strcspn(from, ",");
	const char *parameter;

	if (*from == '\0')
		return false;
	*range = (struct range) {.type = from, .length = strcspn(from, ",; \t"), .weight = 1000};
	for (parameter = memchr(from, ';', (size_t) (end - from)); parameter != NULL;
		 parameter = memchr(parameter, ';', (size_t) (end - parameter)))
	{
		parameter += 1 + strspn(parameter + 1, " \t");
		if (strncasecmp(parameter, "q=", 2) == 0)
			range->weight = read_weight(parameter + 2);
	}
	*at = end;
	return true;
}

/* How exactly does a range cover a type? 0: not at all; 1: as any, 2: of its kind, 3: itself. */
static int
precision(const struct range *range, const char *type)
{
	size_t		kind = strcspn(type, "/") + 1;

	if (range->length == strlen(type) && strncasecmp(range->type, type, range->length) == 0)
		return 3;
	if (range->length == kind + 1 && range->type[kind] == '*' &&
		strncasecmp(range->type, type, kind) == 0)
		return 2;
	return range->length == 3 && strncmp(range->type, "*/*", 3) == 0;
}

int
accept_weight(const char *accept, const char *type)
{
	struct range range;
	int			best = 0;
	int			weight = 0;

	if (accept == NULL || accept[strspn(accept, ", \t")] == '\0')
		return 1000;
	while (next_range(&accept, &range))
	{
		int			found = precision(&range, type);

		if (found <= best)
			continue;
		best = found;
		weight = range.weight;
	}
	return weight;
}

/* Is it this coding, by any of its names? */
static bool
is_coding(const struct range *range, const char *name, const char *other_name)
{
	return (range->length == strlen(name) && strncasecmp(range->type, name, range->length) == 0) ||
		(range->length == strlen(other_name) && strncasecmp(range->type, other_name, range->length) == 0);
}

bool
accept_gzip(const char *accept_encoding)
{
	struct range range;
	int			gzip = -1;		/* not mentioned */
	int			identity = -1;
	int			any = 0;

	if (accept_encoding == NULL)
		return false;
	while (next_range(&accept_encoding, &range))
	{
		if (is_coding(&range, "gzip", "x-gzip"))
			gzip = range.weight;
		else if (is_coding(&range, "identity", "identity"))
			identity = range.weight;
		else if (is_coding(&range, "*", "*"))
			any = range.weight;
	}
	if (gzip < 0)
		gzip = any;
	return gzip > 0 && gzip >= identity;
}
