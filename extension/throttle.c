/*
 * throttle.c: budgets of failed attempts (see throttle.h).
 *
 * There is a budget for each account at each place, one for each account, and
 * one for each place. A budget is a row with one time: when all its failures
 * will be forgotten. Each failure moves it on; it may lie only so far ahead.
 *
 * The budget of an account bounds those who guess from many places. They can
 * spend it, so it must not shut the owner out: a place where a session of the
 * account was opened or refreshed, and has not expired yet, is asked for
 * nothing but its own budget with this account.
 *
 * What is looked up does not depend on whether there is such an account.
 * Attempts under way at once all pass: as many as there are connections that
 * log people in.
 */
#include "throttle.h"

#include "spi.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

/* Rows that are of no use any more go so many at a time. */
#define PRUNED_AT_ONCE "20"

typedef struct Budget
{
	const char *name;
	bool		by_account;
	bool		by_place;
	int			multiple;		/* failures it holds, in units of timetrackr.login_attempts */
	int			refill;			/* seconds after which one of them is forgotten */
} Budget;

/* Locked in this order. The last one alone binds familiar places. */
static const Budget budgets[] = {
	{"account", true, false, 5, 300},
	{"place", false, true, 5, 60},
	{"account at place", true, true, 1, 60}
};

static TtQuery has_been_here = {
	"SELECT FROM timetrackr.refresh_tokens"
	" WHERE user_id = $1 AND address = $2 AND expires_at > pg_catalog.now()"
	" LIMIT 1",
	2, {INT8OID, TEXTOID}, TT_AT_HOME
};

static TtQuery look = {
	"SELECT pg_catalog.ceil(EXTRACT(epoch FROM full_at - pg_catalog.clock_timestamp()))::bigint"
	" FROM timetrackr.login_throttle"
	" WHERE key = $1",
	1, {BYTEAOID}
};

static TtQuery count_failure = {
	"INSERT INTO timetrackr.login_throttle AS t (key, full_at)"
	" VALUES ($1, pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => $2))"
	" ON CONFLICT (key) DO UPDATE"
	" SET full_at = GREATEST(t.full_at, pg_catalog.clock_timestamp()) + pg_catalog.make_interval(secs => $2)",
	2, {BYTEAOID, INT4OID}
};

static TtQuery forget = {
	"DELETE FROM timetrackr.login_throttle WHERE key = $1",
	1, {BYTEAOID}
};

static TtQuery prune = {
	"DELETE FROM timetrackr.login_throttle"
	" WHERE key IN ("
	"SELECT key FROM timetrackr.login_throttle"
	" WHERE full_at <= pg_catalog.clock_timestamp()"
	" ORDER BY full_at LIMIT " PRUNED_AT_ONCE " FOR UPDATE SKIP LOCKED)",
	0, {0}
};

/* Neither emails nor addresses are stored: a digest of them is enough. */
static Datum
key_of(const Budget *budget, const TtAttempt *attempt)
{
	char	   *text = psprintf("%s\n%s\n%s", budget->name,
								budget->by_account ? attempt->email : "",
								budget->by_place ? attempt->place : "");

	return DirectFunctionCall1(sha256_bytea, CStringGetTextDatum(text));
}

static bool
is_bounded(const TtAttempt *attempt)
{
	return attempt->place != NULL && tt_login_attempts > 0;
}

/* Does this budget bind the attempt? */
static bool
binds(const Budget *budget, const TtAttempt *attempt)
{
	return !attempt->familiar || (budget->by_account && budget->by_place);
}

/* Seconds until the budget has room for one more failure. */
static int64
wait_for(const Budget *budget, const TtAttempt *attempt)
{
	Datum		key = key_of(budget, attempt);
	int64		room = (int64) (budget->multiple * tt_login_attempts - 1) * budget->refill;

	if (tt_query(&look, &key, NULL) == 0)
		return 0;
	return Max(tt_int64(0, 0) - room, 0);
}

int
tt_throttle_wait(TtAttempt *attempt)
{
	int64		wait = 0;
	Datum		place[2] = {Int64GetDatum(attempt->user_id)};

	if (!is_bounded(attempt))
		return 0;
	place[1] = CStringGetTextDatum(attempt->place);
	attempt->familiar = tt_query(&has_been_here, place, NULL) > 0;
	for (int i = 0; i < lengthof(budgets); i++)
	{
		if (binds(&budgets[i], attempt))
			wait = Max(wait, wait_for(&budgets[i], attempt));
	}
	return (int) Min(wait, PG_INT32_MAX);
}

void
tt_throttle_failed(const TtAttempt *attempt)
{
	if (!is_bounded(attempt))
		return;
	for (int i = 0; i < lengthof(budgets); i++)
	{
		Datum		args[2] = {key_of(&budgets[i], attempt), Int32GetDatum(budgets[i].refill)};

		if (binds(&budgets[i], attempt))
			(void) tt_query(&count_failure, args, NULL);
	}
	(void) tt_query(&prune, NULL, NULL);
}

void
tt_throttle_succeeded(const TtAttempt *attempt)
{
	Datum		key;

	if (!is_bounded(attempt))
		return;
	key = key_of(&budgets[lengthof(budgets) - 1], attempt);
	(void) tt_query(&forget, &key, NULL);
}
