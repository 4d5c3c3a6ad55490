/*
 * check.h - what the proxy's unit tests share: count, report, exit status.
 *
 * CHECK() goes on after a failure, so that one run shows all of them.
 */
#ifndef TIMETRACKR_CHECK_H
#define TIMETRACKR_CHECK_H

#include <stdbool.h>
#include <stdio.h>

static int	checks_passed;
static int	checks_failed;

static inline bool
check_report(bool passed, const char *file, int line, const char *what)
{
	if (passed)
		checks_passed++;
	else
	{
		checks_failed++;
		printf("%s:%d: failed: %s\n", file, line, what);
		fflush(stdout);
	}
	return passed;
}

#define CHECK(condition) check_report((condition), __FILE__, __LINE__, #condition)
/* The same, with a text that says which case of a table it was. */
#define CHECK_CASE(condition, text) check_report((condition), __FILE__, __LINE__, (text))

/* Print "N passed, N failed" and give the exit status. */
static inline int
check_summary(const char *name)
{
	printf("%s: %d passed, %d failed\n", name, checks_passed, checks_failed);
	return checks_failed == 0 ? 0 : 1;
}

#endif
