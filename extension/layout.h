/*
 * layout.h: where the columns and the key of a table are that C reads and
 * writes without SQL, and its defaults and CHECK constraints, ready to be
 * evaluated. A table is a static TtTable; what was found out about it is kept
 * until it is altered.
 */
#ifndef TT_LAYOUT_H
#define TT_LAYOUT_H

#include "timetrackr.h"

#include "access/attnum.h"
#include "home.h"
#include "nodes/execnodes.h"
#include "utils/relcache.h"

#define TT_TABLE_MAX_COLUMNS 16

typedef struct TtColumn
{
	const char *name;
	Oid			type;
	bool		by_default;		/* new rows get the table's default, as in columns not named */
} TtColumn;

typedef struct TtTable
{
	const char *name;			/* in schema timetrackr */
	const char *index;			/* to find rows by; NULL: that of the primary key */
	int			nkeys;			/* the first columns are those of the index, in its order */
	int			ncolumns;
	TtColumn	columns[TT_TABLE_MAX_COLUMNS];
	struct TtLayout **layouts;	/* of the table; or of those of its shards that are used here */
	int			nlayouts;
} TtTable;

typedef struct TtLayout
{
	MemoryContext context;		/* holds all of it */
	bool		valid;
	TtHome		home;			/* whose shard it is of */
	Oid			relation;
	Oid			origin;			/* the table that install() made, which has the defaults of identity columns */
	Oid			index;
	AttrNumber	number[TT_TABLE_MAX_COLUMNS];
	List	   *defaults;		/* TtDefault: what new rows get where nothing is set */
	ExprState **checks;			/* one per CHECK constraint; NULL: PostgreSQL sees to them itself */
} TtLayout;

typedef struct TtDefault
{
	AttrNumber	number;
	ExprState  *value;
} TtDefault;

/*
 * Open the table, or that of its shards that has the user's rows, with its lock for writers, to the end of the transaction, and
 * tell how it is laid out: valid to that end, too. A missing table or column,
 * another type or index is an error. So is a user whose rows are on another node.
 */
extern Relation tt_layout_open(TtTable *table, int64 user_id, const TtLayout **layout);

/* Forget layouts of tables that are altered. Called once at load. */
extern void tt_layout_init(void);

#endif
