/*
 * journal.c - compares standard error with JOURNAL_STREAM, as systemd.exec(5) wants
 * it: the variable is inherited, and of no meaning once the stream was redirected.
 */
#include "journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_journal;

void
journal_find(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat file;
	unsigned long long device;
	unsigned long long inode;
	int			end = 0;

	is_journal = stream != NULL && sscanf(stream, "%llu:%llu%n", &device, &inode, &end) == 2 &&
		stream[end] == '\0' && fstat(STDERR_FILENO, &file) == 0 &&
		file.st_dev == device && file.st_ino == inode;
}

const char *
journal_prefix(enum log_level level)
{
	static const char *const prefixes[] = {"<3>", "<4>", "<6>", "<7>"};

	return is_journal ? prefixes[level] : "";
}
