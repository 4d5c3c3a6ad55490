/*
 * table.h: reading and writing rows of a table by one of its indexes, without
 * SQL. For the tables that only triggers write, under the lock of the row's
 * user (lock.h): nobody else changes these rows meanwhile, so there is nothing
 * to wait for and nothing to look at twice. A row that others may change is
 * locked before it is. A statement costs five times as much as what it does to
 * one such row.
 *
 * Indexes, constraints and triggers of the table are seen to, those for each
 * statement once for all rows inserted or updated while it is open; not for
 * rows deleted. Rules, rights and row-level security are not. So only functions
 * that decide by themselves who may call them, and for whom, get here.
 */
#ifndef TT_TABLE_H
#define TT_TABLE_H

#include "layout.h"
#include "nodes/lockoptions.h"

typedef struct TtRows TtRows;

/*
 * Open a table at the place where the rows of a user are, who must be at home
 * here, or TT_NOBODY's; what this transaction has done so far can be seen in it. Close
 * in the opposite order of opening. A row is written once at most until then.
 */
extern TtRows *tt_rows_open(TtTable *table, int64 user_id);
extern void tt_rows_close(TtRows *rows);

/* Find the row with these keys, one for each key column. */
extern bool tt_rows_find(TtRows *rows, const Datum *keys);

/*
 * Look for all rows whose first nkeys columns are these, and then step to the
 * next one, in the order of the index or backwards. With seek_from the last of
 * these columns, a timestamptz, may also be later.
 */
extern void tt_rows_seek(TtRows *rows, const Datum *keys, int nkeys);
extern void tt_rows_seek_from(TtRows *rows, const Datum *keys, int nkeys);
extern bool tt_rows_next(TtRows *rows);
extern bool tt_rows_previous(TtRows *rows);

/*
 * Lock the row found as SELECT FOR does, to the end of the transaction; others
 * may have changed it meanwhile, so that it is read anew. False when it is gone.
 */
extern bool tt_rows_lock(TtRows *rows, LockTupleMode mode);

/* Fields of the row found or just inserted; columns count from 0, in the order of the TtTable. */
extern Datum tt_rows_datum(TtRows *rows, int column, bool *isnull);
extern int64 tt_rows_int64(TtRows *rows, int column);	/* NULL counts as 0 */
extern char *tt_rows_text(TtRows *rows, int column);	/* palloc'd; NULL for NULL */

/*
 * Begin a new row, of NULLs, or a change of the row found; set its fields; then
 * insert the one or update the other.
 */
extern void tt_rows_new(TtRows *rows);
extern void tt_rows_change(TtRows *rows);
extern void tt_rows_set(TtRows *rows, int column, Datum value);
extern void tt_rows_set_null(TtRows *rows, int column);
extern void tt_rows_insert(TtRows *rows);
extern void tt_rows_update(TtRows *rows);

/* Delete the row found. */
extern void tt_rows_delete(TtRows *rows);

#endif
