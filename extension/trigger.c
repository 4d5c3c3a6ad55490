/*
 * trigger.c: the entry points of all triggers. Each checks how it was called,
 * opens SPI and hands over to the file of its concept.
 */
#include "timetrackr.h"

#include "account.h"
#include "badge.h"
#include "change.h"
#include "commands/trigger.h"
#include "entry_rules.h"
#include "home.h"
#include "leaving.h"
#include "media.h"
#include "notification.h"
#include "project.h"
#include "project_news.h"
#include "row.h"
#include "spi.h"
#include "totals.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(tt_entry_before);
PG_FUNCTION_INFO_V1(tt_entry_after);
PG_FUNCTION_INFO_V1(tt_user_before);
PG_FUNCTION_INFO_V1(tt_user_after);
PG_FUNCTION_INFO_V1(tt_totals_after);
PG_FUNCTION_INFO_V1(tt_project_before);
PG_FUNCTION_INFO_V1(tt_project_after);
PG_FUNCTION_INFO_V1(tt_member_after);
PG_FUNCTION_INFO_V1(tt_badge_before);
PG_FUNCTION_INFO_V1(tt_badge_after);
PG_FUNCTION_INFO_V1(tt_badge_image_after);
PG_FUNCTION_INFO_V1(tt_media_before);
PG_FUNCTION_INFO_V1(tt_user_badge_after);
PG_FUNCTION_INFO_V1(tt_user_badge_truncated);
PG_FUNCTION_INFO_V1(tt_notification_inserted);
PG_FUNCTION_INFO_V1(tt_notification_after);

/* The trigger data, when called as the kind of trigger the function is for. */
static TriggerData *
require_trigger(FunctionCallInfo fcinfo, TriggerEvent timing, bool for_row)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		(trigger->tg_event & TRIGGER_EVENT_TIMINGMASK) != timing ||
		(TRIGGER_FIRED_FOR_ROW(trigger->tg_event) != 0) != for_row)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function can only be called by the trigger that timetrackr.install() creates")));
	return trigger;
}

/* Run an AFTER trigger's action inside SPI. */
static Datum
run_after(FunctionCallInfo fcinfo, bool for_row, void (*action) (TriggerData *))
{
	TriggerData *trigger = require_trigger(fcinfo, TRIGGER_EVENT_AFTER, for_row);

	tt_spi_begin();
	action(trigger);
	tt_spi_end();
	return PointerGetDatum(NULL);
}

Datum
tt_entry_before(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = require_trigger(fcinfo, TRIGGER_EVENT_BEFORE, true);
	MemoryContext result = CurrentMemoryContext;
	HeapTuple	tuple;

	tt_spi_begin();
	tuple = tt_entry_normalise(trigger, result);
	tt_spi_end();
	return PointerGetDatum(tuple);
}

Datum
tt_entry_after(PG_FUNCTION_ARGS)
{
	return run_after(fcinfo, false, tt_entries_changed);
}

Datum
tt_user_before(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = require_trigger(fcinfo, TRIGGER_EVENT_BEFORE, true);

	if (!TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		return PointerGetDatum(tt_user_normalise(trigger));
	/* On several nodes delete_me() has seen to that; foreign keys keep what others have logged. */
	if (tt_is_distributed())
		return PointerGetDatum(trigger->tg_trigtuple);
	tt_spi_begin();
	tt_user_leaves(tt_row_int64(trigger->tg_trigtuple, RelationGetDescr(trigger->tg_relation), "id"));
	tt_spi_end();
	return PointerGetDatum(trigger->tg_trigtuple);
}

Datum
tt_user_after(PG_FUNCTION_ARGS)
{
	return run_after(fcinfo, true, tt_user_changed);
}

Datum
tt_project_before(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = require_trigger(fcinfo, TRIGGER_EVENT_BEFORE, true);

	tt_spi_begin();
	tt_project_deleted_news(tt_row_int64(trigger->tg_trigtuple,
										 RelationGetDescr(trigger->tg_relation), "id"));
	tt_spi_end();
	return PointerGetDatum(trigger->tg_trigtuple);
}

Datum
tt_totals_after(PG_FUNCTION_ARGS)
{
	return run_after(fcinfo, true, tt_totals_deleted);
}

Datum
tt_project_after(PG_FUNCTION_ARGS)
{
	return run_after(fcinfo, true, tt_project_changed);
}

Datum
tt_member_after(PG_FUNCTION_ARGS)
{
	return run_after(fcinfo, true, tt_member_changed);
}

Datum
tt_badge_before(PG_FUNCTION_ARGS)
{
	return PointerGetDatum(tt_badge_check(require_trigger(fcinfo, TRIGGER_EVENT_BEFORE, true)));
}

Datum
tt_badge_after(PG_FUNCTION_ARGS)
{
	return run_after(fcinfo, false, tt_badges_changed);
}

Datum
tt_badge_image_after(PG_FUNCTION_ARGS)
{
	return run_after(fcinfo, true, tt_badge_image_changed);
}

Datum
tt_media_before(PG_FUNCTION_ARGS)
{
	return PointerGetDatum(tt_media_check(require_trigger(fcinfo, TRIGGER_EVENT_BEFORE, true)));
}

Datum
tt_user_badge_after(PG_FUNCTION_ARGS)
{
	return run_after(fcinfo, true, tt_user_badge_changed);
}

Datum
tt_user_badge_truncated(PG_FUNCTION_ARGS)
{
	return run_after(fcinfo, false, tt_user_badges_truncated);
}

Datum
tt_notification_inserted(PG_FUNCTION_ARGS)
{
	return run_after(fcinfo, true, tt_notification_written);
}

Datum
tt_notification_after(PG_FUNCTION_ARGS)
{
	return run_after(fcinfo, false, tt_notifications_changed);
}
