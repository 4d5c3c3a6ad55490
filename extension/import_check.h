/*
 * import_check.h: lines against the user's entries and against each other.
 */
#ifndef TT_IMPORT_CHECK_H
#define TT_IMPORT_CHECK_H

#include "import.h"

/*
 * Of the new lines, whose projects are resolved, make duplicates of those
 * with start, end and project of an entry or of a line before, and faults of
 * those that overlap one (entry_overlaps), unless timetrackr.overlap allows
 * it. Between overlapping lines the one that starts, or else ends, first stays.
 * The user is locked. Needs tt_spi_begin().
 */
extern void tt_import_check(int64 user_id, ImportLines *lines);

#endif
