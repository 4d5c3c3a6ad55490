/*
 * notification.h: what a user is told. The kinds are listed here and, for
 * those who read them, in the comment of list_notifications().
 */
#ifndef TT_NOTIFICATION_H
#define TT_NOTIFICATION_H

#include "timetrackr.h"

#include "commands/trigger.h"

/*
 * Kinds, and the members of their payloads. Names are as they were when the
 * row was written, except that of a user, who may be forgotten: it is added
 * when the row is read. Members of a project's kinds begin with "project_id"
 * and "project_name".
 */
#define TT_NEWS_BADGE_AWARDED "badge_awarded"	/* badge_id, name */
#define TT_NEWS_BADGE_TAKEN_BACK "badge_taken_back" /* badge_id, name */
#define TT_NEWS_STREAK_REACHED "streak_reached" /* days, first_day */
#define TT_NEWS_ENTRY_FLAGGED "entry_flagged"	/* project…, entry_id, duration_seconds */
#define TT_NEWS_MEMBER_JOINED "member_joined"	/* to the owner: project…, user_id */
#define TT_NEWS_MEMBER_LEFT "member_left"	/* to the owner: project…, user_id */
#define TT_NEWS_MEMBER_ADDED "member_added" /* to the member: project…, role */
#define TT_NEWS_MEMBER_REMOVED "member_removed" /* to the member: project… */
#define TT_NEWS_ROLE_CHANGED "role_changed" /* to the member: project…, from, to */
#define TT_NEWS_OWNERSHIP_RECEIVED "ownership_received" /* to the new owner: project… */
#define TT_NEWS_PROJECT_DELETED "project_deleted"	/* to the members: project… */
/* Written by disable_webhook(), in SQL: "webhook_disabled", webhook_id, url, reason */

/* Is it so short ago that people want to be told of it? */
extern bool tt_is_news(TimestampTz happened_at);

/*
 * Tell user_id; payload is a JSON object as text. Nothing happens when there
 * is no such user any more. The event follows by trigger. Needs tt_spi_begin(),
 * as all below.
 */
extern void tt_notify_user(int64 user_id, const char *kind, const char *payload);

/*
 * Take back what user_id was told: notifications of this kind whose payload
 * contains the members given. Returns whether one was still unread.
 */
extern bool tt_unnotify_user(int64 user_id, const char *kind, const char *members);

/* AFTER INSERT ROW on notifications: tell live clients, and drop the oldest. */
extern void tt_notification_written(TriggerData *trigger);

/* AFTER UPDATE or DELETE STATEMENT: tell live clients whose unread ones changed. */
extern void tt_notifications_changed(TriggerData *trigger);

#endif
