/*
 * entry_rules.c: the rules of a single time entry. Times are whole seconds;
 * duration, flagged, created_at and updated_at are the server's; the time zone
 * is frozen when the entry is made; user and id never change.
 */
#include "entry_rules.h"

#include "access/htup_details.h"
#include "actor.h"
#include "access/xact.h"
#include "catalog/pg_type_d.h"
#include "day.h"
#include "entry_lookup.h"
#include "entry_row.h"
#include "error.h"
#include "lock.h"
#include "mb/pg_wchar.h"
#include "membership.h"
#include "spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/rel.h"

static TtQuery same_entry = {
	"SELECT FROM timetrackr.time_entries WHERE user_id = $1 AND id = $2",
	2, {INT8OID, INT8OID}, TT_AT_HOME
};

/* A row being checked: all columns, and where ours are among them. */
typedef struct Draft
{
	EntryColumns columns;
	Datum	   *values;
	bool	   *nulls;
} Draft;

static Datum *
value(Draft *draft, EntryColumn column)
{
	return &draft->values[draft->columns.number[column] - 1];
}

static bool *
null(Draft *draft, EntryColumn column)
{
	return &draft->nulls[draft->columns.number[column] - 1];
}

static void
set(Draft *draft, EntryColumn column, Datum datum)
{
	*value(draft, column) = datum;
	*null(draft, column) = false;
}

static void
open_draft(Draft *draft, HeapTuple tuple, TupleDesc desc)
{
	tt_entry_columns(desc, &draft->columns);
	draft->values = palloc(desc->natts * sizeof(Datum));
	draft->nulls = palloc(desc->natts * sizeof(bool));
	heap_deform_tuple(tuple, desc, draft->values, draft->nulls);
}

TimestampTz
tt_whole_second(TimestampTz t)
{
	int64		fraction = t % USECS_PER_SEC;

	return t - (fraction < 0 ? fraction + USECS_PER_SEC : fraction);
}

const char *
tt_time_fault(TimestampTz t, const char *field, const char **detail)
{
	/* 1900-01-01T00:00:00Z; PostgreSQL's epoch is 2000-01-01, 36524 days later. */
	const TimestampTz earliest = -INT64CONST(36524) * USECS_PER_DAY;

	if (TIMESTAMP_NOT_FINITE(t) || t < earliest)
	{
		*detail = psprintf("%s must be a time since 1900", field);
		return "invalid_time";
	}
	if (t > GetCurrentTimestamp() + TT_CLOCK_SKEW_SECONDS * USECS_PER_SEC)
	{
		*detail = psprintf("%s lies in the future", field);
		return "time_in_future";
	}
	return NULL;
}

void
tt_require_time(TimestampTz t, const char *field)
{
	const char *detail;
	const char *code = tt_time_fault(t, field, &detail);

	if (code != NULL)
		tt_raise(422, code, field, NULL, "%s", detail);
}

/* Duration and flag follow from the times. */
static void
check_times(Draft *draft)
{
	TimestampTz start = DatumGetTimestampTz(*value(draft, COLUMN_START_TIME));
	TimestampTz end;
	int64		seconds;

	tt_require_time(start, "start_time");
	start = tt_whole_second(start);
	set(draft, COLUMN_START_TIME, TimestampTzGetDatum(start));
	set(draft, COLUMN_FLAGGED, BoolGetDatum(false));
	if (*null(draft, COLUMN_END_TIME))
	{
		*null(draft, COLUMN_DURATION) = true;
		return;
	}
	end = DatumGetTimestampTz(*value(draft, COLUMN_END_TIME));
	tt_require_time(end, "end_time");
	end = tt_whole_second(end);
	if (end <= start)
		tt_raise(422, "end_not_after_start", "end_time", NULL,
				 "end_time must be at least a second after start_time");
	seconds = (end - start) / USECS_PER_SEC;
	set(draft, COLUMN_END_TIME, TimestampTzGetDatum(end));
	set(draft, COLUMN_DURATION, Int64GetDatum(seconds));
	set(draft, COLUMN_FLAGGED, BoolGetDatum(seconds > tt_max_entry_seconds));
}

static int
characters(Datum datum)
{
	text	   *t = DatumGetTextPP(datum);

	return pg_mbstrlen_with_len(VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));
}

static void
check_note(Draft *draft)
{
	if (!*null(draft, COLUMN_NOTE) && characters(*value(draft, COLUMN_NOTE)) > TT_NOTE_MAX_CHARS)
		tt_raise(422, "too_long", "note", NULL,
				 "note must have at most %d characters", TT_NOTE_MAX_CHARS);
}

static void
check_tags(Draft *draft)
{
	ArrayType  *tags;
	Datum	   *elements;
	bool	   *element_nulls;
	int			count;

	if (*null(draft, COLUMN_TAGS))
		return;
	tags = DatumGetArrayTypeP(*value(draft, COLUMN_TAGS));
	deconstruct_array(tags, TEXTOID, -1, false, TYPALIGN_INT, &elements, &element_nulls, &count);
	if (count > TT_TAGS_MAX || ARR_NDIM(tags) > 1)
		tt_raise(422, "invalid_tags", "tags", NULL, "tags must be a list of at most %d", TT_TAGS_MAX);
	for (int i = 0; i < count; i++)
	{
		int			length;

		if (element_nulls[i])
			tt_raise(422, "invalid_tags", "tags", NULL, "a tag must not be null");
		length = characters(elements[i]);
		if (length == 0 || length > TT_TAG_MAX_CHARS)
			tt_raise(422, "invalid_tags", "tags", NULL,
					 "a tag must have 1 to %d characters", TT_TAG_MAX_CHARS);
	}
}

/* The zone given, or the user's. */
static void
check_timezone(Draft *draft, const UserLock *lock)
{
	if (*null(draft, COLUMN_TIMEZONE))
		set(draft, COLUMN_TIMEZONE, CStringGetTextDatum(lock->timezone));
	(void) tt_timezone(TextDatumGetCString(*value(draft, COLUMN_TIMEZONE)));
}

void
tt_raise_running(int64 entry_id)
{
	tt_raise(409, "entry_running", NULL, psprintf("{\"entry_id\": " INT64_FORMAT "}", entry_id),
			 "entry " INT64_FORMAT " is still running", entry_id);
	pg_unreachable();
}

/*
 * One that begins to run, or is reopened, is the only one: an index sees to
 * that, but has no names. The row may be proposed by an upsert of that one.
 */
static void
check_running(Draft *draft, Draft *old, UserLock *lock)
{
	FoundEntry	running;

	if (!*null(draft, COLUMN_END_TIME) || (old != NULL && *null(old, COLUMN_END_TIME)))
		return;
	if (lock->none_runs)
	{
		/* Good for one row: this one runs now. */
		lock->none_runs = false;
		return;
	}
	if (tt_find_running(lock->user_id, &running) && running.id != DatumGetInt64(*value(draft, COLUMN_ID)))
		tt_raise_running(running.id);
}

static void
refuse_new_identity(Draft *draft, Draft *old)
{
	if (*null(draft, COLUMN_USER_ID) ||
		DatumGetInt64(*value(draft, COLUMN_USER_ID)) != DatumGetInt64(*value(old, COLUMN_USER_ID)))
		tt_raise(422, "user_id_immutable", "user_id", NULL,
				 "an entry can't be given to another user");
	if (DatumGetInt64(*value(draft, COLUMN_ID)) != DatumGetInt64(*value(old, COLUMN_ID)))
		tt_raise(422, "id_immutable", "id", NULL, "the id of an entry can't change");
}

/* A new row of an id that is there already can only become an update, or fail. */
static bool
is_upsert(Draft *draft, Draft *old)
{
	Datum		args[] = {*value(draft, COLUMN_USER_ID), *value(draft, COLUMN_ID)};

	return old == NULL && tt_query(&same_entry, args, NULL) == 1;
}

static bool
is_moved_by_other(Draft *draft, Draft *old)
{
	return old != NULL && tt_actor() != 0 && !tt_is_doing_of(DatumGetInt64(*value(draft, COLUMN_USER_ID))) &&
		tt_membership_moves(tt_actor(), DatumGetInt64(*value(old, COLUMN_PROJECT_ID)),
							DatumGetInt64(*value(draft, COLUMN_PROJECT_ID)));
}

/* What an upsert makes of the row is checked as the update that it is. */
static void
check_project(Draft *draft, Draft *old)
{
	int64		user_id = DatumGetInt64(*value(draft, COLUMN_USER_ID));
	int64		project_id = DatumGetInt64(*value(draft, COLUMN_PROJECT_ID));

	if (old != NULL && DatumGetInt64(*value(old, COLUMN_PROJECT_ID)) == project_id)
		return;
	if (tt_membership_allows(user_id, project_id) || is_upsert(draft, old) || is_moved_by_other(draft, old))
		return;
	tt_membership_require(user_id, project_id);
}

/* What NOT NULL constraints refuse on their own is left to them. */
static bool
lacks_required(Draft *draft)
{
	return *null(draft, COLUMN_USER_ID) || *null(draft, COLUMN_PROJECT_ID) ||
		*null(draft, COLUMN_START_TIME) || *null(draft, COLUMN_ID);
}

HeapTuple
tt_entry_normalise(TriggerData *trigger, MemoryContext result)
{
	TupleDesc	desc = RelationGetDescr(trigger->tg_relation);
	bool		update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	HeapTuple	stored = update ? trigger->tg_newtuple : trigger->tg_trigtuple;
	Draft		draft;
	Draft		old;
	UserLock   *lock;
	MemoryContext outer;

	open_draft(&draft, stored, desc);
	if (update)
	{
		open_draft(&old, trigger->tg_trigtuple, desc);
		refuse_new_identity(&draft, &old);
	}
	set(&draft, COLUMN_CREATED_AT, update ? *value(&old, COLUMN_CREATED_AT) :
		TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()));
	if (lacks_required(&draft))
		return stored;
	lock = tt_user_lock(DatumGetInt64(*value(&draft, COLUMN_USER_ID)));
	/* Without a user his rows go with him. */
	if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		return stored;
	if (lock == NULL)
		tt_raise(404, "user_not_found", "user_id", NULL, "there is no user " INT64_FORMAT,
				 DatumGetInt64(*value(&draft, COLUMN_USER_ID)));

	check_times(&draft);
	check_note(&draft);
	check_tags(&draft);
	check_timezone(&draft, lock);
	check_project(&draft, update ? &old : NULL);
	check_running(&draft, update ? &old : NULL, lock);
	set(&draft, COLUMN_UPDATED_AT, TimestampTzGetDatum(GetCurrentTimestamp()));

	outer = MemoryContextSwitchTo(result);
	stored = heap_form_tuple(desc, draft.values, draft.nulls);
	MemoryContextSwitchTo(outer);
	return stored;
}
