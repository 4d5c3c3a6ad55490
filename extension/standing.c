/*
 * standing.c: keeps timetrackr.standings (see standing.h). A counter per bucket
 * that every writer updates would make users wait for each other. So a writer
 * only adds a row to standing_moves, when a score leaves its bucket; now and
 * then one of them folds all moves into standings. Readers add up both.
 */
#include "standing.h"

#include "access/xact.h"
#include "common/int.h"
#include "lock.h"
#include "port/pg_bitutils.h"
#include "home.h"
#include "spi.h"
#include "table.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(tt_standing_bucket);
PG_FUNCTION_INFO_V1(tt_standing_end);

/* Held by whoever folds or counts. */
#define FOLD_LOCK "8391171951110545262"

/* The writer of every so many moves folds. */
#define MOVES_PER_FOLD 128

/* Who has locked more users than this may take his time. */
#define USERS_OF_BULK_LOAD 200

/* Scores below this have a bucket each; above, each doubling has half as many. */
#define EXACT_SCORES 2048
#define EXACT_BITS 11
#define BUCKETS_PER_DOUBLING (EXACT_SCORES / 2)

enum { METRIC, MOVE_ID, FROM_BUCKET, TO_BUCKET };

static TtTable standing_moves = {
	"standing_moves", NULL, 2, 4,
	{
		[METRIC] = {"metric", TEXTOID},
		[MOVE_ID] = {"id", INT8OID, true},
		[FROM_BUCKET] = {"from_bucket", INT8OID},
		[TO_BUCKET] = {"to_bucket", INT8OID},
	}
};

static TtQuery try_lock = {
	"SELECT pg_catalog.pg_try_advisory_xact_lock(" FOLD_LOCK ")",
	0, {0}
};

static TtQuery wait_lock = {
	"SELECT pg_catalog.pg_advisory_xact_lock(" FOLD_LOCK ")",
	0, {0}
};

static TtQuery fold_moves = {
	"SELECT timetrackr.fold_standings()",
	0, {0}
};

/*
 * One statement, so that one snapshot holds the scores and the moves that they
 * include: what commits later keeps its moves. In the order in which a rank
 * reads them.
 */
static TtQuery count_all = {
	"WITH folded AS (DELETE FROM timetrackr.standing_moves)"
	" INSERT INTO timetrackr.standings AS s (metric, width, bucket, users)"
	" SELECT metric, width, bucket, COALESCE(c.users, 0)"
	" FROM timetrackr.counted_standings() c"
	" FULL JOIN timetrackr.standings o USING (metric, width, bucket)"
	" ORDER BY metric, width, bucket"
	" ON CONFLICT (metric, width, bucket) DO UPDATE SET users = excluded.users"
	" WHERE s.users <> excluded.users",
	0, {0}
};

/* The bucket of a score; 0 is that of none. */
static int32
bucket_of(int64 score)
{
	int			doubling;

	if (score < EXACT_SCORES)
		return (int32) Max(score, 0);
	doubling = pg_leftmost_one_pos64(score) - EXACT_BITS;
	return EXACT_SCORES + doubling * BUCKETS_PER_DOUBLING +
		(int32) (score >> (doubling + 1)) % BUCKETS_PER_DOUBLING;
}

/* The lowest score above those of a bucket. */
static int64
end_of(int32 bucket)
{
	int			doubling;
	int64		first;
	int64		end;

	if (bucket < EXACT_SCORES)
		return (int64) bucket + 1;
	doubling = (bucket - EXACT_SCORES) / BUCKETS_PER_DOUBLING;
	if (doubling >= 63 - EXACT_BITS)
		return PG_INT64_MAX;
	first = BUCKETS_PER_DOUBLING + (bucket - EXACT_SCORES) % BUCKETS_PER_DOUBLING;
	if (pg_mul_s64_overflow(first + 1, INT64CONST(1) << (doubling + 1), &end))
		return PG_INT64_MAX;
	return end;
}

/*
 * Nobody waits for another who folds. A snapshot that stays could not see what
 * he did; and he keeps the lock to the end, so a bulk load leaves it to others.
 */
static void
fold(void)
{
	if (IsolationUsesXactSnapshot() || tt_users_locked() > USERS_OF_BULK_LOAD)
		return;
	(void) tt_query(&try_lock, NULL, NULL);
	if (tt_bool(0, 0))
		(void) tt_query(&fold_moves, NULL, NULL);
}

/* Returns the number of the move. */
static int64
insert_move(const char *metric, int64 from, int64 to)
{
	TtRows	   *rows = tt_rows_open(&standing_moves, TT_NOBODY);
	int64		id;

	tt_rows_new(rows);
	tt_rows_set(rows, METRIC, CStringGetTextDatum(metric));
	tt_rows_set(rows, FROM_BUCKET, Int64GetDatum(from));
	tt_rows_set(rows, TO_BUCKET, Int64GetDatum(to));
	tt_rows_insert(rows);
	id = tt_rows_int64(rows, MOVE_ID);
	tt_rows_close(rows);
	return id;
}

static void
move(const char *metric, int64 from_bucket, int64 to_bucket)
{
	/* On several nodes boards are counted. */
	if (from_bucket != to_bucket && !tt_is_distributed() && insert_move(metric, from_bucket, to_bucket) % MOVES_PER_FOLD == 0)
		fold();
}

void
tt_standing_moved(Standing before, Standing after)
{
	move("time", bucket_of(before.time), bucket_of(after.time));
	move("badges", bucket_of(before.badges), bucket_of(after.badges));
}

/* Each badge is a bucket of its own. */
void
tt_standing_earned(int64 badge_id, bool award)
{
	move("earned", award ? 0 : badge_id, award ? badge_id : 0);
}

void
tt_standings_lock(void)
{
	if (!tt_is_distributed())
		(void) tt_query(&wait_lock, NULL, NULL);
}

void
tt_standings_count(void)
{
	if (!tt_is_distributed())
		(void) tt_query(&count_all, NULL, NULL);
}

/* standing_bucket(score) */
Datum
tt_standing_bucket(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(bucket_of(PG_GETARG_INT64(0)));
}

/* standing_end(bucket) */
Datum
tt_standing_end(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(end_of(PG_GETARG_INT32(0)));
}
