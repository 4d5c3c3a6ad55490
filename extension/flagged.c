/*
 * flagged.c: tells users of entries too long to count (see flagged.h): most
 * often a timer that somebody forgot, and that only he can put right.
 */
#include "flagged.h"

#include "lib/stringinfo.h"
#include "notification.h"
#include "project_news.h"

static bool
is_flagged(bool exists, const EntryRow *row)
{
	return exists && row->end_time != DT_NOEND && !row->counts;
}

static bool
became_flagged(const EntryChange *change)
{
	return is_flagged(change->has_after, &change->after) &&
		!is_flagged(change->has_before, &change->before) &&
		tt_is_news(change->after.end_time);
}

static void
tell(const EntryRow *entry)
{
	StringInfoData payload;

	initStringInfo(&payload);
	if (tt_project_payload(&payload, entry->project_id) == 0)
		return;
	appendStringInfo(&payload, ", \"entry_id\": " INT64_FORMAT ", \"duration_seconds\": " INT64_FORMAT "}",
					 entry->id, tt_entry_seconds(entry));
	tt_notify_user(entry->user_id, TT_NEWS_ENTRY_FLAGGED, payload.data);
}

void
tt_flagged_news(int64 user_id, const EntryChange *changes, int nchanges)
{
	int			count = 0;

	for (int i = 0; i < nchanges; i++)
	{
		const EntryChange *change = &changes[i];

		count += became_flagged(change);
		if (is_flagged(change->has_before, &change->before) &&
			!is_flagged(change->has_after, &change->after))
			(void) tt_unnotify_user(user_id, TT_NEWS_ENTRY_FLAGGED,
									psprintf("{\"entry_id\": " INT64_FORMAT "}", change->before.id));
	}
	if (count == 0 || count > TT_EVENTS_PER_STATEMENT)
		return;
	for (int i = 0; i < nchanges; i++)
	{
		if (became_flagged(&changes[i]))
			tell(&changes[i].after);
	}
}
