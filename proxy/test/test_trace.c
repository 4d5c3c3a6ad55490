/*
 * test_trace.c - which traceparent is believed.
 */
#include <stdlib.h>
#include <string.h>

#include "../trace.h"
#include "check.h"

#define ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00f067aa0ba902b7"
#define GOOD "00-" ID "-" PARENT "-01"

/* In memory of its own, so that a read behind the end is noticed. */
static bool
parse(struct trace *trace, const char *text)
{
	char	   *copy = strdup(text);
	bool		good = trace_parse(trace, copy);

	free(copy);
	return good;
}

int
main(void)
{
	static const char *const good[] = {
		GOOD, "00-" ID "-" PARENT "-00", "00-" ID "-" PARENT "-ff", "01-" ID "-" PARENT "-01",
		"cc-" ID "-" PARENT "-01-what the future brings", "fe-" ID "-" PARENT "-01-",
	};
	static const char *const bad[] = {
		"", "00", "00-", GOOD "-", GOOD "0", GOOD " ", " " GOOD, GOOD "-x", "ff-" ID "-" PARENT "-01",
		"00-00000000000000000000000000000000-" PARENT "-01", "00-" ID "-0000000000000000-01",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT "-01", "00-" ID "0-" PARENT "-01",
		"00-" ID "-" PARENT "-0", "00-" ID "-" PARENT "-0g", "0g-" ID "-" PARENT "-01",
		"00_" ID "-" PARENT "-01", "00-" ID "_" PARENT "-01", "000-" ID "-" PARENT "-01",
		"01-" ID "-" PARENT "-01x", "00-" ID "-" PARENT, "\n", "00-" ID "-" PARENT "-01\n",
	};
	struct trace trace;

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
	{
		CHECK_CASE(parse(&trace, good[i]), good[i]);
		CHECK(strcmp(trace.id, ID) == 0 && strcmp(trace.parent, PARENT) == 0);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
	{
		CHECK_CASE(!parse(&trace, bad[i]), bad[i]);
		CHECK(trace.id[0] == '\0' && trace.parent[0] == '\0');
	}
	CHECK(!trace_parse(&trace, NULL));
	return check_summary("trace");
}
