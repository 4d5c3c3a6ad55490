/*
 * report.c: what reports (30_reports.sql) may be asked for: spans of days and
 * groups. The sums themselves are SQL's.
 */
#include "timetrackr.h"

#include "error.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"

#define GROUPS_MAX 2

PG_FUNCTION_INFO_V1(tt_check_days);
PG_FUNCTION_INFO_V1(tt_check_report_groups);

static void
require_finite(DateADT day, const char *field)
{
	if (DATE_NOT_FINITE(day))
		tt_raise(422, "invalid_time", field, NULL, "%s must be finite", field);
}

/* check_days("from", "to", most) */
Datum
tt_check_days(PG_FUNCTION_ARGS)
{
	int64		days;

	for (int i = 0; i < 2; i++)
	{
		const char *field = i == 0 ? "from" : "to";

		if (!PG_ARGISNULL(i))
			require_finite(PG_GETARG_DATEADT(i), field);
		else if (!PG_ARGISNULL(2))
			tt_raise(422, "missing_field", field, NULL, "%s must be given", field);
	}
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_BOOL(true);
	days = (int64) PG_GETARG_DATEADT(1) - PG_GETARG_DATEADT(0) + 1;
	if (days < 1)
		tt_raise(422, "invalid_range", "to", NULL, "to must not be before from");
	if (!PG_ARGISNULL(2) && days > PG_GETARG_INT32(2))
		tt_raise(422, "out_of_range", "to", NULL,
				 "from and to span " INT64_FORMAT " days; %d are allowed", days, PG_GETARG_INT32(2));
	PG_RETURN_BOOL(true);
}

/* check_report_groups(group_by): values of an enum, which are their OIDs */
Datum
tt_check_report_groups(PG_FUNCTION_ARGS)
{
	ArrayType  *groups;
	Datum	   *values;
	bool	   *nulls;
	int			count;

	if (PG_ARGISNULL(0))
		tt_raise(422, "missing_field", "group_by", NULL, "group_by must be given");
	groups = PG_GETARG_ARRAYTYPE_P(0);
	deconstruct_array(groups, ARR_ELEMTYPE(groups), sizeof(Oid), true, TYPALIGN_INT,
					  &values, &nulls, &count);
	if (count < 1 || count > GROUPS_MAX || nulls[0] || nulls[count - 1] ||
		(count == GROUPS_MAX && values[0] == values[1]))
		tt_raise(422, "invalid_group_by", "group_by", NULL,
				 "group_by must have one or two different groups");
	PG_RETURN_BOOL(true);
}
