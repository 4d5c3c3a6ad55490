/*
 * next_id.c: ids of rows on several nodes, where no sequence is one for all.
 * From the top: 33 bits of the time, in tenths of a second since 2026; 9 of the
 * node; 11 that count. So they are unique, newer ones are higher wherever they
 * were made, and JavaScript reads them as they are, up to 2053.
 *
 * Each node's sequence timetrackr.ids has the first and the last of these. It
 * is put forward to what the clock says, never back: more than 2048 ids in a
 * tenth of a second, or a clock that goes back, make ids of later times.
 */
#include "timetrackr.h"

#include "catalog/namespace.h"
#include "commands/sequence.h"
#include "home.h"
#include "storage/lmgr.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(tt_next_id);

#define NODE_BITS 9
#define COUNT_BITS 11

/* 2026-01-01, in days since 2000-01-01. */
#define FIRST_DAY 9497
#define TENTH (USECS_PER_SEC / 10)

static Oid
sequence_of_ids(void)
{
	Oid			oid = get_relname_relid("ids", get_namespace_oid("timetrackr", false));

	if (!OidIsValid(oid))
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("there is no sequence timetrackr.ids"), errhint("Run SELECT timetrackr.distribute() again."));
	return oid;
}

/* The lowest value of the sequence that is of now. */
static int64
lowest_of_now(void)
{
	int64		tenths = (GetCurrentTimestamp() - FIRST_DAY * USECS_PER_DAY) / TENTH;

	return Max(tenths, 0) << COUNT_BITS;
}

/* Whoever comes here at the same time, with an older now, finds it higher than he needs. */
static int64
put_forward(Oid sequence, int64 lowest)
{
	int64		value;

	LockRelationOid(sequence, ShareUpdateExclusiveLock);
	value = nextval_internal(sequence, false);
	if (value < lowest)
	{
		(void) DirectFunctionCall2(setval_oid, ObjectIdGetDatum(sequence), Int64GetDatum(lowest));
		value = lowest;
	}
	UnlockRelationOid(sequence, ShareUpdateExclusiveLock);
	return value;
}

/* next_id() */
Datum
tt_next_id(PG_FUNCTION_ARGS)
{
	const int64 node = tt_node();
	const Oid	sequence = sequence_of_ids();
	const int64 lowest = lowest_of_now();
	int64		value;

	if (node >= INT64CONST(1) << NODE_BITS)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("this is node " INT64_FORMAT ", and ids have room for %d", node, 1 << NODE_BITS));
	value = nextval_internal(sequence, false);
	if (value < lowest)
		value = put_forward(sequence, lowest);
	PG_RETURN_INT64(value >> COUNT_BITS << (NODE_BITS + COUNT_BITS) | node << COUNT_BITS |
					(value & ((INT64CONST(1) << COUNT_BITS) - 1)));
}
