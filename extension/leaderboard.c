/*
 * leaderboard.c: which period a board is for. The boards themselves are read
 * by SQL alone (30_leaderboard.sql); their scores are kept by totals.c.
 */
#include "timetrackr.h"

#include "error.h"

#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"

PG_FUNCTION_INFO_V1(tt_board_start);

static char *
enum_label(Datum value)
{
	return DatumGetCString(DirectFunctionCall1(enum_out, value));
}

/* Today's date in UTC; both epochs are midnight, 2000-01-01. */
static DateADT
today_utc(void)
{
	TimestampTz now = GetCurrentTransactionStartTimestamp();

	return (DateADT) (now / USECS_PER_DAY);
}

/* board_start(period, metric, period_start); period and metric NULL: no board. */
Datum
tt_board_start(PG_FUNCTION_ARGS)
{
	char	   *period;
	DateADT		day;
	Datum		start;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	period = enum_label(PG_GETARG_DATUM(0));
	if (strcmp(period, "all") == 0)
		PG_RETURN_DATEADT(UNIX_EPOCH_JDATE - POSTGRES_EPOCH_JDATE);
	if (strcmp(enum_label(PG_GETARG_DATUM(1)), "badges") == 0)
		tt_raise(422, "unsupported_period", "period", NULL,
				 "the board of badges is for all time only");

	/* The names of the periods are date_trunc()'s. */
	day = PG_ARGISNULL(2) ? today_utc() : PG_GETARG_DATEADT(2);
	start = DirectFunctionCall2(timestamp_trunc, CStringGetTextDatum(period),
								DirectFunctionCall1(date_timestamp, DateADTGetDatum(day)));
	return DirectFunctionCall1(timestamp_date, start);
}
