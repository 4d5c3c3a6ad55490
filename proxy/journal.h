/*
 * journal.h - is standard error the journal of systemd? It then takes the
 * priority of a line from "<3>" in front of it (sd-daemon(3)), and takes that off.
 */
#ifndef TIMETRACKR_JOURNAL_H
#define TIMETRACKR_JOURNAL_H

#include "log.h"

/* Look whether it is, before anything is logged. */
void		journal_find(void);

/* What goes in front of a line of this level; "" when the log is no journal. */
const char *journal_prefix(enum log_level level);

#endif
