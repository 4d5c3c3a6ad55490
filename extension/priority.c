/*
 * priority.c: timetrackr.nice. The proxy sets it on the connections that hash
 * passwords: each hash is a tenth of a second of pure computing, and a storm of
 * them would take half of the processors from everybody else.
 *
 * An unprivileged process may lower its priority only, so the setting is not
 * undone by RESET: it holds until the backend ends.
 */
#include "priority.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "miscadmin.h"

/*
 * With Linux's autogroups, processes compete within their session only, and
 * sessions with each other; every backend is a session of its own. The kernel
 * lacks the file when it is built without them.
 */
static void
lower_session(int nice)
{
	char		text[16];
	int			length = snprintf(text, sizeof(text), "%d", nice);
	int			fd = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, text, length) != length)
		ereport(DEBUG1, (errmsg_internal("could not lower the priority of the session: %m")));
	close(fd);
}

/* An assign hook must not fail: then the backend is as fast as others. */
void
tt_priority_assign(int nice, void *extra)
{
	int			present;

	if (!IsUnderPostmaster)
		return;					/* the server itself, whose children inherit it */
	errno = 0;
	present = getpriority(PRIO_PROCESS, 0);
	if (errno != 0 || nice <= present)
		return;
	if (setpriority(PRIO_PROCESS, 0, nice) != 0)
		ereport(DEBUG1, (errmsg_internal("could not lower the priority: %m")));
	lower_session(nice);
}
