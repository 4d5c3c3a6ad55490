/*
 * badge_list.c: the enabled badges with their criteria compiled (see
 * badge_list.h). They are dropped when any session changes a badge, by
 * relcache invalidation of the table.
 */
#include "badge_list.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "spi.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

/* Valid while badges_valid. Each change anywhere counts one up. */
static MemoryContext badges_context = NULL;
static Badge *badges = NULL;
static int	nbadges = 0;
static bool some_count_badges = false;
static bool badges_valid = false;
static uint64 badges_changes = 0;
static Oid	badges_relid = InvalidOid;

static TtQuery enabled_badges = {
	"SELECT id, name, revocable, criteria FROM timetrackr.badges WHERE enabled ORDER BY id",
	0, {0}, NULL
};

static TtQuery earned_badges = {
	"SELECT badge_id FROM timetrackr.user_badges WHERE user_id = $1 ORDER BY badge_id",
	1, {INT8OID}, NULL
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

/* Compile every enabled badge into badges_context. */
static void
load_badges(void)
{
	MemoryContext outer;
	uint64		changes_before = badges_changes;
	uint64		rows;

	if (badges_context == NULL)
		badges_context = AllocSetContextCreate(CacheMemoryContext, "timetrackr badges",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(badges_context);
	nbadges = 0;
	some_count_badges = false;
	badges_relid = get_relname_relid("badges", get_namespace_oid("timetrackr", false));
	rows = tt_query(&enabled_badges, NULL, NULL);
	outer = MemoryContextSwitchTo(badges_context);
	badges = palloc((rows + 1) * sizeof(Badge));
	for (uint64 row = 0; row < rows; row++)
	{
		Badge	   *badge = &badges[nbadges];
		bool		isnull;

		badge->id = tt_int64(row, 0);
		badge->name = tt_text(row, 1);
		badge->revocable = tt_bool(row, 2);
		badge->criteria = tt_criteria_parse(DatumGetJsonbP(tt_datum(row, 3, &isnull)), badges_context);
		if (tt_criteria_metrics(badge->criteria) & (1u << METRIC_BADGES_EARNED))
			some_count_badges = true;
		nbadges++;
	}
	MemoryContextSwitchTo(outer);
	/* Don't keep what an old snapshot showed, or what changed meanwhile. */
	badges_valid = badges_changes == changes_before && !IsolationUsesXactSnapshot();
}

int
tt_badge_list(const Badge **list)
{
	if (!badges_valid)
		load_badges();
	*list = badges;
	return nbadges;
}

bool *
tt_badge_list_earned(int64 user_id)
{
	Datum		args[] = {Int64GetDatum(user_id)};
	bool	   *earned = palloc((nbadges + 1) * sizeof(bool));
	uint64		rows = tt_query(&earned_badges, args, NULL);
	uint64		row = 0;

	for (int i = 0; i < nbadges; i++)
	{
		while (row < rows && tt_int64(row, 0) < badges[i].id)
			row++;
		earned[i] = row < rows && tt_int64(row, 0) == badges[i].id;
	}
	return earned;
}

bool
tt_badge_list_counts_badges(void)
{
	return some_count_badges;
}
