/*
 * spi.h: running SQL from C. A query is a static TtQuery; its plan is made on
 * first use and kept for the session. Nothing else in the extension uses SPI.
 *
 * Call tt_spi_begin() before and tt_spi_end() after; calls nest. Results of a
 * query are read with the getters until the next tt_query() or tt_spi_end().
 */
#ifndef TT_SPI_H
#define TT_SPI_H

#include "home.h"

#include "catalog/pg_type_d.h"
#include "nodes/execnodes.h"

#define TT_QUERY_MAX_ARGS 16

/* On a database of several nodes (home.h): on which tables a statement works. */
typedef enum TtWhere
{
	TT_ANYWHERE,				/* those that install() made: the engine finds the rows */
	TT_AT_HOME,					/* $1 is a user's id: at his home, those that have his rows; else as above */
	TT_AT_EACH_HOME,			/* the rows of all users who are at home here; returns no rows */
	TT_COPIES,					/* this node's copies of small tables; written by triggers of one, which each node calls */
	TT_EVERY_COPY				/* as TT_ANYWHERE: small tables are changed, but for rows added, or their rows locked */
} TtWhere;

typedef struct TtQuery
{
	const char *sql;			/* $1 … $n; every name schema-qualified */
	int			nargs;
	Oid			argtypes[TT_QUERY_MAX_ARGS];
	TtWhere		where;
	struct _SPI_plan *plan;		/* NULL until first use */
	struct TtLocalPlan *local_plans;	/* of statements on tables of this node */
	int			nlocal_plans;
} TtQuery;

extern void tt_spi_begin(void);
extern void tt_spi_end(void);

/*
 * Run q with values (nulls may be NULL when none is null). Returns the number
 * of rows: of the result, or affected when there is no result. Errors of the
 * statement propagate. The snapshot is the statement's own, as for a client.
 */
extern uint64 tt_query(TtQuery *q, const Datum *values, const bool *nulls);

/* The same on the tables of a home here, whatever q says. */
extern uint64 tt_query_at(TtHome home, TtQuery *q, const Datum *values, const bool *nulls);

/* The same for a query whose result nobody reads; that of the query before stays. */
extern void tt_query_aside(TtQuery *q, const Datum *values);

/*
 * The same for a SELECT of many rows: fetch up to most at a time, each time as
 * a result of its own, until there are none; then close. Other queries may run
 * in between. The snapshot is that of the opening.
 */
typedef struct PortalData *TtCursor;

extern TtCursor tt_cursor_open(TtQuery *q, const Datum *values);
extern uint64 tt_cursor_fetch(TtCursor cursor, int most);
extern void tt_cursor_close(TtCursor cursor);

/* Fields of the last result; row and column count from 0. */
extern bool tt_is_null(uint64 row, int column);
extern Datum tt_datum(uint64 row, int column, bool *isnull);
/* NULL counts as 0 / false / NULL text. Text is palloc'd in the SPI context. */
extern int64 tt_int64(uint64 row, int column);
extern bool tt_bool(uint64 row, int column);
extern char *tt_text(uint64 row, int column);

/*
 * The only row of the last result as a composite value that outlives
 * tt_spi_end(): what a function with OUT columns returns. The query's columns
 * must be the function's, in order and type.
 */
extern Datum tt_row_result(void);

/*
 * Add the rows of the last result, if it has any, to what a function returns
 * as a set (InitMaterializedSRF()). Columns that are text there may be of any type; else
 * those of another type, or another number, are the user's error. The set may have more
 * columns, which are NULL.
 */
extern void tt_put_rows(ReturnSetInfo *set, int more);

/*
 * Arrays of at most capacity values, as arguments: unnest() in a SELECT list
 * makes rows of them that cost a fraction of a statement each.
 */
typedef struct TtArray
{
	Oid			type;
	int			count;
	Datum	   *values;
} TtArray;

extern TtArray tt_array(Oid type, int capacity);
extern void tt_array_add(TtArray *array, Datum value);
extern Datum tt_array_datum(const TtArray *array);

#endif
