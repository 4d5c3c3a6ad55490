/*
 * badge_list.c: the enabled badges with their criteria compiled (see
 * badge_list.h). They are dropped when any session changes a badge, by
 * relcache invalidation of the table.
 */
#include "badge_list.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "spi.h"
#include "table.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

/*
 * The list loaded last; up to date while badges_valid. An award may set off a
 * trigger of the database's owner that evaluates badges in turn, and finds
 * them changed: a list that is still gone through outlives its successor's
 * coming. Each change anywhere counts badges_changes up.
 */
static BadgeList *current_badges = NULL;
static bool badges_valid = false;
static uint64 badges_changes = 0;
static Oid	badges_relid = InvalidOid;

static TtQuery enabled_badges = {
	"SELECT id, name, revocable, criteria FROM timetrackr.badges WHERE enabled ORDER BY id",
	0, {0}, TT_COPIES
};

static TtTable user_badges = {
	"user_badges", NULL, 2, 2,
	{{"user_id", INT8OID}, {"badge_id", INT8OID}}
};

static void
on_relcache_change(Datum arg, Oid relid)
{
	if (relid != badges_relid && relid != InvalidOid)
		return;
	badges_valid = false;
	badges_changes++;
}

void
tt_badge_list_init(void)
{
	CacheRegisterRelcacheCallback(on_relcache_change, (Datum) 0);
}

/* Read and compile every enabled badge into context. */
static BadgeList *
read_badges(MemoryContext context)
{
	uint64		rows = tt_query(&enabled_badges, NULL, NULL);
	BadgeList  *list = MemoryContextAllocZero(context, offsetof(BadgeList, badges) + rows * sizeof(Badge));

	list->context = context;
	for (uint64 row = 0; row < rows; row++)
	{
		Badge	   *badge = &list->badges[list->count++];
		bool		isnull;

		badge->id = tt_int64(row, 0);
		badge->name = MemoryContextStrdup(context, tt_text(row, 1));
		badge->revocable = tt_bool(row, 2);
		badge->criteria = tt_criteria_parse(DatumGetJsonbP(tt_datum(row, 3, &isnull)), context);
		if (tt_criteria_metrics(badge->criteria) & (1u << METRIC_BADGES_EARNED))
			list->some_count_badges = true;
	}
	return list;
}

/* Read the table into current_badges anew. */
static void
load_badges(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "timetrackr badges",
												  ALLOCSET_DEFAULT_SIZES);
	uint64		changes_before = badges_changes;
	BadgeList  *list;

	badges_relid = get_relname_relid(tt_home_table("badges", TT_NO_HOME), get_namespace_oid("timetrackr", false));
	list = read_badges(context);
	MemoryContextSetParent(context, CacheMemoryContext);
	if (current_badges != NULL && current_badges->users == 0)
		MemoryContextDelete(current_badges->context);
	current_badges = list;
	/* Don't keep what an old snapshot showed, or what changed meanwhile. */
	badges_valid = badges_changes == changes_before && !IsolationUsesXactSnapshot();
}

/* What the table holds now; released after use. Inlined, its locals would seem to cross a longjmp. */
static pg_noinline BadgeList *
take_badges(void)
{
	if (!badges_valid)
		load_badges();
	current_badges->users++;
	return current_badges;
}

static void
release_badges(BadgeList *list)
{
	if (--list->users == 0 && list != current_badges)
		MemoryContextDelete(list->context);
}

void
tt_badge_list_use(void (*action) (const BadgeList *list, void *arg), void *arg)
{
	BadgeList  *const list = take_badges();

	PG_TRY();
	{
		action(list, arg);
	}
	PG_FINALLY();
	{
		release_badges(list);
	}
	PG_END_TRY();
}

bool *
tt_badge_list_earned(const BadgeList *list, int64 user_id)
{
	Datum		key = Int64GetDatum(user_id);
	bool	   *earned = palloc0((list->count + 1) * sizeof(bool));
	TtRows	   *rows = tt_rows_open(&user_badges, user_id);
	int			i = 0;

	/* Both are in order of id. */
	tt_rows_seek(rows, &key, 1);
	while (tt_rows_next(rows))
	{
		int64		badge_id = tt_rows_int64(rows, 1);

		while (i < list->count && list->badges[i].id < badge_id)
			i++;
		if (i < list->count && list->badges[i].id == badge_id)
			earned[i] = true;
	}
	tt_rows_close(rows);
	return earned;
}
