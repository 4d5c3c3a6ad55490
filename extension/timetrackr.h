/*
 * timetrackr.h: limits, settings and the few names every file of the
 * extension shares. Concepts have headers of their own.
 */
#ifndef TIMETRACKR_H
#define TIMETRACKR_H

#include "postgres.h"

#include "compat.h"
#include "fmgr.h"
#include "utils/timestamp.h"

/* Advisory lock held exclusively by a relay that sleeps (see wake.c). */
#define TT_WAKE_LOCK INT64CONST(8391171951110545259)
/* Advisory lock held by the proxy that is the relay's leader. */
#define TT_LEADER_LOCK INT64CONST(8391171951110545260)

/* How far in the future a start or end may lie: clocks differ a little. */
#define TT_CLOCK_SKEW_SECONDS 60

#define TT_NOTE_MAX_CHARS 2000
#define TT_TAGS_MAX 20
#define TT_TAG_MAX_CHARS 50

/* Above this many completed entries of one user, a statement is an import. */
#define TT_EVENTS_PER_STATEMENT 100

/* What happened longer ago is recorded in silence: no notification. */
#define TT_NEWS_DAYS 2

/* A user's oldest notifications go when there are more than these. */
#define TT_NOTIFICATIONS_KEPT 500

typedef enum RunningTimer { RUNNING_TIMER_SWITCH, RUNNING_TIMER_REJECT } RunningTimer;
typedef enum OverlapRule { OVERLAP_REJECT, OVERLAP_ALLOW } OverlapRule;
typedef enum NotifyRule { NOTIFY_AUTO, NOTIFY_ALWAYS, NOTIFY_OFF } NotifyRule;

/* Settings; defined and documented in main.c. */
extern int tt_running_timer;
extern int tt_overlap;
extern int tt_notify;
extern int tt_max_entry_seconds;
extern int tt_streak_min_seconds;
extern int tt_bcrypt_cost;
extern int tt_login_attempts;
extern int tt_nice;
extern char *tt_session_user_id;	/* "", or 1 to 18 digits */

#endif
